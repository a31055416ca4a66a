"""Health: is the database there, is it ours, are the bars fresh, and does the service work? Safe to ask at any time.

A part of the service that never ran here, or ended as it should, is not missed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import psycopg
import sqlalchemy.exc

from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.db.queries import Queries
from signalhub.db.readiness import current_revision, is_current
from signalhub.domain.timeframe import TIMEFRAMES

_SQL = Queries("health")
_LOG = logging.getLogger(__name__)
_SILENT, _GONE = timedelta(seconds=60), timedelta(minutes=5)
"""Parts say every few seconds that they work: after the first span something is wrong, after the second they died."""
_OVERDUE = timedelta(minutes=2)
_RECENT = timedelta(hours=24)


class Condition(StrEnum):
    """How a part is: works, works with stale or missing data, does not work."""

    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    CRITICAL = "CRITICAL"


@dataclass(frozen=True)
class Component:
    """A part of the whole, with one line for people."""

    status: Condition
    detail: str


@dataclass(frozen=True)
class Health:
    """The parts by name, and the newest close that is settled per timeframe."""

    components: dict[str, Component]
    newest_close: dict[str, datetime | None]

    @property
    def status(self) -> Condition:
        """The worst of the parts."""
        return max((part.status for part in self.components.values()), key=list(Condition).index)


def health(database: Database, now: datetime) -> Health:
    """How the database, its revision and its bars are; never raises for a database that does not answer."""
    try:
        with database.transaction() as connection:
            return _examined(connection, database.edition, now)
    except (psycopg.OperationalError, sqlalchemy.exc.OperationalError, sqlalchemy.exc.TimeoutError) as error:
        _LOG.warning("the database does not answer: %s", " ".join(str(error).split())[:200])
        return _without_bars({"database": Component(Condition.CRITICAL, "does not answer")})


def _examined(connection: Connection, edition: str, now: datetime) -> Health:
    components = {"database": Component(Condition.HEALTHY, f"answers, edition {edition}")}
    components["revision"] = _revision(connection)
    if components["revision"].status is not Condition.HEALTHY:
        return _without_bars(components)
    components["bars"] = _bars(**_SQL.rows(connection, "freshness", now=now)[0])
    components |= {row["part"]: _part(row, now) for row in _SQL.rows(connection, "parts")}
    components["outbox"] = _outbox(_SQL.rows(connection, "outbox", now=now, since=now - _RECENT)[0], now)
    closes = _SQL.rows(connection, "newest_close")
    return Health(components, {row["timeframe"]: row["newest_close"] for row in closes})


def _revision(connection: Connection) -> Component:
    there = current_revision(connection) or "empty"
    if is_current(connection):
        return Component(Condition.HEALTHY, f"{there} is current")
    return Component(Condition.CRITICAL, f"{there} is not this program's: run `signalhub migrate`")


def _bars(instruments: int, behind: int) -> Component:
    if instruments == 0:
        return Component(Condition.DEGRADED, "there are no instruments yet")
    if behind:
        return Component(Condition.DEGRADED, f"{behind} of {instruments} instruments are behind the clock")
    return Component(Condition.HEALTHY, f"{instruments} instruments are up to date")


def _part(row: dict[str, Any], now: datetime) -> Component:
    silent = now - row["seen_at"]
    if silent < _SILENT:
        return Component(Condition.HEALTHY, row["detail"] or "works")
    condition = Condition.CRITICAL if silent > _GONE else Condition.DEGRADED
    return Component(condition, f"gave no sign of life for {_rounded(silent)}: see the log of `signalhub run`")


def _outbox(row: dict[str, Any], now: datetime) -> Component:
    late = now - row["oldest_due_at"] if row["oldest_due_at"] else timedelta(0)
    told = f"{row['due']} messages due, {row['dead']} dead letters"
    if late > _OVERDUE:
        return Component(Condition.DEGRADED, f"{told}; the oldest waits for {_rounded(late)}")
    if row["recent_dead"]:
        return Component(Condition.DEGRADED, f"{told}, {row['recent_dead']} of the last day: `signalhub deliveries`")
    return Component(Condition.HEALTHY, told)


def _rounded(span: timedelta) -> str:
    return str(timedelta(seconds=int(span.total_seconds())))


def _without_bars(components: dict[str, Component]) -> Health:
    return Health(components, {timeframe.code: None for timeframe in TIMEFRAMES})
