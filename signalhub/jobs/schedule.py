"""The schedule: what runs when. Correctness never hangs on it: every job looks at the database for what is to do.

A job's slots lie on a fixed UTC grid, so that every process, and every start, means the same run by the same slot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from signalhub.db.engine import Database
from signalhub.domain.timeframe import TIMEFRAMES
from signalhub.jobs import auditing, gaps, upkeep
from signalhub.jobs.evaluation import once
from signalhub.outbox import digests
from signalhub.settings import Settings
from signalhub.strategies.base import Strategy

FEEDS, PIPELINE, DELIVERY, API = "feeds", "pipeline", "delivery", "api"
PARTS = (FEEDS, PIPELINE, DELIVERY, API)
"""What `signalhub run` consists of."""

_AUDITED_AN_HOUR = 60
"""Windows of the scheduled audit: a few seconds of work."""
_MONDAY = datetime(2000, 1, 3, tzinfo=UTC)


@dataclass(frozen=True)
class Surroundings:
    """What jobs work with."""

    database: Database
    settings: Settings
    strategies: tuple[Strategy, ...]


@dataclass(frozen=True)
class Job:
    """Something that runs at every slot `epoch + offset + k × every`, once a slot."""

    name: str
    part: str
    every: timedelta
    offset: timedelta
    what: str
    run: Callable[[Surroundings, datetime], None] | None = None
    """None: it only wakes its part, which looks for itself what is due."""
    is_recorded: bool = False
    """Whether a missed slot is caught up and a finished one never repeated."""

    def slot(self, now: datetime) -> datetime:
        """The newest slot at or before `now`."""
        first = _MONDAY + self.offset
        return first + (now - first) // self.every * self.every

    def next_slot(self, now: datetime) -> datetime:
        """The first slot after `now`."""
        return self.slot(now) + self.every


def _catch_up(around: Surroundings, _: datetime) -> None:
    once(around.database, around.strategies, around.settings)


def _digests(around: Surroundings, now: datetime) -> None:
    with around.database.transaction() as connection:
        digests.create_digests(connection, now)


def _gaps(around: Surroundings, now: datetime) -> None:
    gaps.detect_lately(around.database, now)


def _audit(around: Surroundings, now: datetime) -> None:
    auditing.audit_slices(around.database, now, _AUDITED_AN_HOUR)


def _daily(around: Surroundings, now: datetime) -> None:
    upkeep.daily(around.database, around.settings, now)


def _weekly(around: Surroundings, _: datetime) -> None:
    upkeep.weekly(around.database)


JOBS: tuple[Job, ...] = (
    *(
        Job(f"evaluate {item}", PIPELINE, item.span, timedelta(0), f"{item} closes: evaluated as soon as settled")
        for item in TIMEFRAMES
    ),
    Job("catch up", PIPELINE, timedelta(hours=1), timedelta(minutes=5), "closes that were missed", _catch_up),
    Job("gaps", PIPELINE, timedelta(hours=1), timedelta(minutes=7), "missing bars of the last two days", _gaps, True),
    Job("audit", PIPELINE, timedelta(hours=1), timedelta(minutes=22), "a slice of what is stored", _audit, True),
    Job("digests", DELIVERY, timedelta(minutes=1), timedelta(0), "digests whose local time has come", _digests),
    Job("daily upkeep", PIPELINE, timedelta(days=1), timedelta(minutes=10), "partitions, retention", _daily, True),
    Job("weekly upkeep", PIPELINE, timedelta(days=7), timedelta(days=6, hours=3), "vacuum, analyze", _weekly, True),
)
