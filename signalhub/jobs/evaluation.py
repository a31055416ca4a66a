"""Replay and once: the pipeline's evaluation over many closes, or over what was not evaluated yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from signalhub import clock, snapshot
from signalhub.db.engine import Database
from signalhub.domain.signal import Origin
from signalhub.domain.timeframe import TIMEFRAMES, Timeframe
from signalhub.jobs import live, pipeline
from signalhub.jobs.progress import Progress
from signalhub.jobs.scoring import Block
from signalhub.settings import Settings
from signalhub.signals.store import unevaluated_closes
from signalhub.strategies.base import Strategy

BLOCK_CLOSES = 500
_EVER = datetime(1900, 1, 1, tzinfo=UTC)


@dataclass
class Evaluated:
    """What an evaluation run did."""

    closes: int = 0
    signals: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    def add(self, closes: int, signals: int) -> None:
        """So many closes more, and the new signals they gave."""
        self.closes += closes
        self.signals += signals


@dataclass(frozen=True)
class Scope:
    """What to replay: closes in (after, until] of some timeframes, of all or some instruments."""

    after: datetime = _EVER
    until: datetime | None = None
    timeframes: Sequence[Timeframe] = TIMEFRAMES
    instrument_ids: Sequence[int] | None = None


def replay(
    database: Database,
    scope: Scope,
    strategies: Sequence[Strategy],
    settings: Settings,
    now: datetime,
    progress: Progress | None = None,
) -> Evaluated:
    """Walks stored history close by close through the pipeline; a close sees nothing that closed after it.

    Guarantees: run twice it stores once; killed half-way, a rerun ends at the same rows.
    """
    progress = progress or Progress()
    until = min(scope.until or now, now)
    progress.stage("rollups and indicators")
    pipeline.refresh(database, now, progress.note)
    done = Evaluated()
    for timeframe in scope.timeframes:
        closes = _closes_to_replay(database, scope, timeframe, until, strategies, now)
        progress.stage(f"replaying {timeframe}", len(closes), "closes")
        for block in _blocks(timeframe, closes, scope.instrument_ids):
            done.add(len(block.closes), pipeline.evaluate_block(database, block, strategies, settings, now))
            # Outcomes follow block by block: signals that ended are looked at no more.
            pipeline.track(database, settings, block.closes[-1], scope.instrument_ids)
            progress.advance(len(block.closes))
    progress.stage("outcomes")
    done.outcomes.update(pipeline.track(database, settings, now, scope.instrument_ids))
    return done


def once(
    database: Database,
    strategies: Sequence[Strategy],
    settings: Settings,
    read_clock: Callable[[], datetime] = clock.now,
    progress: Progress | None = None,
) -> Evaluated:
    """One pass for everything that closed within the look-back and was not evaluated yet, then outcomes."""
    progress = progress or Progress()
    progress.stage("rollups and indicators")
    pipeline.refresh(database, read_clock(), progress.note)
    done = Evaluated()
    for timeframe in TIMEFRAMES:
        now = read_clock()
        span = (now - timedelta(hours=settings.lookback_hours), timeframe.floor(now))
        closes = _unevaluated(database, timeframe, strategies, span, list(Origin), now)
        progress.stage(f"evaluating {timeframe}", len(closes), "closes")
        too_late = [close for close in closes if live.deadline(timeframe, close) < now]
        for block in _blocks(timeframe, too_late, None):
            done.add(len(block.closes), pipeline.evaluate_block(database, block, strategies, settings, now))
            progress.advance(len(block.closes))
        for close in closes[len(too_late) :]:
            with live.alone(database, timeframe, close):
                signals = live.evaluate_close(database, timeframe, close, strategies, settings, read_clock)
            done.add(0 if signals is None else 1, signals or 0)
            progress.advance(1)
    done.outcomes.update(pipeline.track(database, settings, read_clock()))
    return done


def _blocks(timeframe: Timeframe, closes: Sequence[datetime], ids: Sequence[int] | None) -> Iterator[Block]:
    for start in range(0, len(closes), BLOCK_CLOSES):
        yield Block(timeframe, closes[start : start + BLOCK_CLOSES], Origin.REPLAY, ids)


def _closes_to_replay(
    database: Database,
    scope: Scope,
    timeframe: Timeframe,
    until: datetime,
    strategies: Sequence[Strategy],
    now: datetime,
) -> list[datetime]:
    """All closes of some instruments, or those that were not replayed for all of them yet."""
    if scope.instrument_ids is None:
        return _unevaluated(database, timeframe, strategies, (scope.after, until), [Origin.REPLAY], now)
    with database.transaction() as connection:
        return snapshot.closes_between(connection, timeframe, scope.after, until, scope.instrument_ids)


def _unevaluated(
    database: Database,
    timeframe: Timeframe,
    strategies: Sequence[Strategy],
    span: tuple[datetime, datetime],
    origins: Sequence[Origin],
    now: datetime,
) -> list[datetime]:
    pending: set[datetime] = set()
    with database.transaction() as connection:
        for strategy in strategies:
            if timeframe in strategy.timeframes:
                pending.update(unevaluated_closes(connection, strategy, timeframe, span, origins, now))
    return sorted(pending)
