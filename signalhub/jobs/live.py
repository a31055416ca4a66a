"""Live: one close as it happens; what comes too late, or of bars of no live feed, is evaluated as a replay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, zip_longest

from signalhub import snapshot
from signalhub.db.engine import Database
from signalhub.domain.signal import Origin
from signalhub.domain.timeframe import Timeframe
from signalhub.jobs import pipeline
from signalhub.jobs.pipeline import TooLate
from signalhub.jobs.scoring import Block, Score
from signalhub.settings import Settings
from signalhub.signals.gate import late_reasons
from signalhub.signals.store import late_instruments
from signalhub.snapshot import Liveness
from signalhub.strategies.base import Strategy

_LIVE_AT_MOST = timedelta(minutes=15)
_AT_ONCE = 2


def deadline(timeframe: Timeframe, close: datetime) -> datetime:
    """Until when a signal of this close may be committed as live."""
    return close + min(timeframe.span, _LIVE_AT_MOST)


def side_by_side(timeframes: Sequence[Timeframe], work: Callable[[Timeframe], object]) -> None:
    """Closes of several timeframes that fall together, two at a time: while the server answers one, one is scored.

    Raises: what the first that failed raised, when all have ended.
    """
    if len(timeframes) < _AT_ONCE:
        for timeframe in timeframes:
            work(timeframe)
        return
    half = -(-len(timeframes) // 2)
    # Fine beside coarse: neighbours look at the same frames, and would wait for each other.
    paired = chain.from_iterable(zip_longest(timeframes[:half], timeframes[half:]))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in pool.map(work, [timeframe for timeframe in paired if timeframe is not None]):
            pass


def alone(database: Database, timeframe: Timeframe, close: datetime) -> AbstractContextManager[None]:
    """One process at a time looks at a close and evaluates it: what one records as late the other never scores."""
    return database.exclusively(f"{timeframe}.{close.timestamp():.0f}")


def groups(database: Database, timeframe: Timeframe, close: datetime) -> Liveness:
    """The instruments that may be live at a close, those that are late for it, and all others.

    Guarantees: one that was late when the close was evaluated is never live for it later.
    """
    with database.transaction() as connection:
        found = snapshot.by_liveness(connection, timeframe, close)
        late = late_instruments(connection, timeframe, close)
    was_late = [key for key in found.live if key in late]
    return replace(found, live=[key for key in found.live if key not in late], other=[*found.other, *was_late])


@dataclass(frozen=True)
class Known:
    """What a caller has already: the groups of a close, and a scorer that remembers earlier ones."""

    found: Liveness | None = None
    score: Score | None = None


_NOTHING = Known()


def evaluate_close(
    database: Database,
    timeframe: Timeframe,
    close: datetime,
    strategies: Sequence[Strategy],
    settings: Settings,
    read_clock: Callable[[], datetime],
    known: Known = _NOTHING,
) -> int | None:
    """Live where the bars come from a live feed and there is still time, a replay everywhere else.

    Returns the number of new signals, or None while bars that may still come in time are waited for.
    """

    def as_replay(instrument_ids: Sequence[int] | None) -> int:
        block = Block(timeframe, [close], Origin.REPLAY, instrument_ids)
        return pipeline.evaluate_block(database, block, strategies, settings, read_clock(), score=known.score)

    found = known.found or groups(database, timeframe, close)
    until = deadline(timeframe, close)
    in_time = read_clock() <= until
    is_grace = in_time and read_clock() < close + timedelta(seconds=settings.settle_grace_seconds)
    if is_grace and (found.awaited or (found.unsettled and not found.live)):
        return None
    if not in_time or not (found.live or found.unsettled):
        return as_replay(None)
    block = Block(timeframe, [close], Origin.LIVE, found.live, late_reasons(found, settings))
    try:
        signals = pipeline.evaluate_block(
            database, block, strategies, settings, read_clock(), lambda: read_clock() <= until, known.score
        )
    except TooLate:
        return as_replay(None)
    return signals + (as_replay(found.other) if found.other else 0)
