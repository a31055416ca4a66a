"""The pipeline: ingest → roll up → indicators → snapshot → evaluate → publish → track, one line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

import polars as pl

from signalhub import clock, outcomes, snapshot
from signalhub.bars import ingest, instruments, quality, rollups, sessions
from signalhub.bars.ingest import Ingested, Source
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.domain.bar import usable
from signalhub.domain.signal import Origin, Reason
from signalhub.domain.timeframe import Timeframe
from signalhub.indicators import own, own_files
from signalhub.indicators.compute import compute
from signalhub.outbox import publish
from signalhub.settings import Settings
from signalhub.signals.evaluate import Universe, evaluate
from signalhub.signals.gate import GateRules
from signalhub.signals.store import Run, store
from signalhub.strategies.base import Strategy

Report = Callable[[str], None]


@dataclass(frozen=True)
class Block:
    """Closes of one timeframe that are evaluated together: one when live, many in a replay."""

    timeframe: Timeframe
    closes: Sequence[datetime]
    origin: Origin
    instrument_ids: Sequence[int] | None = None
    late: Mapping[int, Reason] = field(default_factory=dict)
    """Instruments whose bar of a live close did not come in time: abstained, with the reason."""


class TooLate(Exception):
    """A live block was not done in time for its signals to be live; nothing of it was stored."""


def take_in(
    connection: Connection,
    timeframe: Timeframe,
    bars: pl.DataFrame,
    source: Source,
    settled_through: dict[int, datetime],
    now: datetime,
) -> Ingested:
    """Bars and the watermark that goes with them, in the caller's transaction; what is no bar is turned away."""
    good = usable(bars, timeframe, now) if bars.height else bars
    ingested = ingest.ingest(connection, timeframe, good, source, now)
    ingest.settle(connection, timeframe, settled_through)
    return replace(ingested, unusable=bars.height - good.height)


def refresh(database: Database, now: datetime, report: Report = lambda _: None) -> int:
    """Rolls up what is dirty and computes its indicators; the number of indicator rows written."""
    with database.exclusively("refresh"):
        refreshed = rollups.refresh(database, now, report)
        rows = compute(database, refreshed.touched, now, report)
        with database.transaction() as connection:
            own.compute(connection, own_files.read(database.own_indicators), refreshed.touched, report)
            quality.flag_outliers(connection, refreshed.dirty_ids, now)
            rollups.finish(connection, refreshed)
    return rows


def evaluate_block(
    database: Database,
    block: Block,
    strategies: Sequence[Strategy],
    settings: Settings,
    now: datetime,
    in_time: Callable[[], bool] = lambda: True,
) -> int:
    """Snapshot → candidates → signals → outbox of one block, in one transaction; the number of new signals.

    Raises: TooLate when `in_time` says no just before the commit; nothing is stored then.
    """
    fitting = [strategy for strategy in strategies if block.timeframe in strategy.timeframes]
    columns = sorted({name for strategy in fitting for name in strategy.stored})
    # Bars, indicators and dirty ranges must be of one instant: a correction in between would tear the frame.
    with database.reading() as connection:
        seen = snapshot.load(connection, block.timeframe, block.closes, block.instrument_ids, columns)
    with database.transaction() as connection:
        universe = _universe(connection, block, seen)
        signals = sum(_evaluate(connection, block, seen, universe, strategy, settings, now) for strategy in fitting)
        if not in_time():
            raise TooLate
        return signals


def track(
    database: Database, settings: Settings, now: datetime, instrument_ids: Sequence[int] | None = None
) -> dict[str, int]:
    """Outcomes of open signals up to the watermark, by status; who was alerted is told of those that ended."""
    with database.transaction() as connection:
        tracked = outcomes.track(connection, now, settings.fee_bps + settings.slippage_bps, instrument_ids)
        publish.publish_closings(connection, tracked.ended, now)
        return dict(tracked.by_status)


def _evaluate(
    connection: Connection,
    block: Block,
    seen: snapshot.Snapshot,
    universe: Universe,
    strategy: Strategy,
    settings: Settings,
    now: datetime,
) -> int:
    started = clock.stopwatch()
    min_score, rules = Decimal(repr(settings.min_score)), GateRules.of(settings)
    evaluations = evaluate(seen, strategy, universe, min_score, block.late, rules)
    milliseconds = (clock.stopwatch() - started) * 1000 / len(block.closes)
    run = Run(block.origin, strategy, block.timeframe, list(universe.instruments))
    signal_ids = store(connection, run, evaluations, now=now, milliseconds=milliseconds)
    if block.origin is Origin.LIVE:
        publish.publish(connection, signal_ids, now)
    return len(signal_ids)


def _universe(connection: Connection, block: Block, seen: snapshot.Snapshot) -> Universe:
    present = {*block.late, *seen.frame["instrument_id"].unique()}
    chosen = {item.instrument_id: item for item in instruments.ever(connection) if item.instrument_id in present}
    # The gate looks at what the calendar expects of a whole window, and windows reach back over closed days.
    first = min([block.closes[0] - timedelta(days=7), *seen.frame["open_at"].bottom_k(1)])
    last = block.closes[-1]
    calendars = {}
    for name in sorted({item.calendar for item in chosen.values()}):
        sessions.ensure(connection, name, first, last)
        calendars[name] = sessions.load(connection, name, first, last)
    return Universe(chosen, calendars)
