"""The pipeline: ingest → roll up → indicators → snapshot → evaluate → publish → track, one line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import polars as pl

from signalhub import clock, outcomes, snapshot
from signalhub.bars import ingest, quality, rollups
from signalhub.bars.ingest import Ingested, Source
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.domain.bar import usable
from signalhub.domain.signal import Origin, Reason
from signalhub.domain.timeframe import Timeframe
from signalhub.indicators import own, own_files
from signalhub.indicators.compute import compute
from signalhub.jobs.laps import Laps
from signalhub.outbox import publish
from signalhub.settings import Settings
from signalhub.signals import validity
from signalhub.signals.evaluate import evaluate_scene, mark_best
from signalhub.signals.gate import GateRules
from signalhub.signals.judge import Terms
from signalhub.signals.scene import Scene, Universe
from signalhub.signals.store import Evaluated, Run, store
from signalhub.signals.universe import universe_of
from signalhub.snapshot import Kept
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
    kept: Kept | None = None,
) -> int:
    """Snapshot → candidates → signals → outbox of one block, in one transaction; the number of new signals.

    `kept`: what is remembered of earlier closes, for a block of one close.
    Raises: TooLate when `in_time` says no just before the commit; nothing is stored then.
    """
    fitting = [strategy for strategy in strategies if block.timeframe in strategy.timeframes]
    if not fitting:
        return 0
    lap = Laps()
    # Bars, indicators and dirty ranges must be of one instant: a correction in between would tear the frame.
    with database.reading() as connection:
        seen = _seen(connection, block, fitting, kept)
    lap.done("load")
    with database.transaction() as connection:
        scene = Scene(seen, _universe(connection, block, seen), GateRules.of(settings))
        lap.done("gate")
        scene.propose(fitting)
        lap.done("propose")
        signal_ids = _stored(connection, block, scene, fitting, settings, lap, now)
        if block.origin is Origin.LIVE:
            publish.publish(connection, signal_ids, now)
        if not in_time():
            raise TooLate
    return len(signal_ids)


def track(
    database: Database, settings: Settings, now: datetime, instrument_ids: Sequence[int] | None = None
) -> dict[str, int]:
    """Outcomes of open signals up to the watermark, by status; who was alerted is told of those that ended.

    What can still be done with the open ones is looked at on the way.
    """
    with database.transaction() as connection:
        tracked = outcomes.track(connection, now, settings.fee_bps + settings.slippage_bps, instrument_ids)
        validity.check(connection, tracked.ended, now, instrument_ids)
        publish.publish_closings(connection, tracked.ended, now)
        return dict(tracked.by_status)


def _seen(connection: Connection, block: Block, strategies: Sequence[Strategy], kept: Kept | None) -> snapshot.Snapshot:
    columns = sorted({name for strategy in strategies for name in strategy.columns})
    if kept is None or len(block.closes) > 1:
        return snapshot.load(connection, block.timeframe, block.closes, block.instrument_ids, columns)
    cooldown = max(strategy.cooldown_bars(block.timeframe) for strategy in strategies)
    return kept.load(connection, block.timeframe, block.closes[0], block.instrument_ids, columns, cooldown)


def _stored(
    connection: Connection,
    block: Block,
    scene: Scene,
    strategies: Sequence[Strategy],
    settings: Settings,
    lap: Laps,
    now: datetime,
) -> list[int]:
    """Candidates judged strategy by strategy and stored all at once; the ids of the signals that are new."""
    terms, shared = Terms.of(settings), lap.total / len(strategies)
    found = []
    for strategy in strategies:
        started = clock.stopwatch()
        evaluations = evaluate_scene(scene, strategy, terms, block.late)
        took = (clock.stopwatch() - started) * 1000 + shared
        found.append(Evaluated(strategy, evaluations, took / len(block.closes)))
    mark_best([item.evaluations for item in found], settings.best_n)
    lap.done("score")
    seen, ids = scene.snapshot, list(scene.universe.instruments)
    run = Run(block.origin, block.timeframe, ids, seen.hits, seen.misses, lap.each(len(block.closes)))
    return store(connection, run, found, now)


def _universe(connection: Connection, block: Block, seen: snapshot.Snapshot) -> Universe:
    # The gate looks at what the calendar expects of a whole window, and windows reach back over closed days.
    first = min([block.closes[0] - timedelta(days=7), *seen.frame["open_at"].bottom_k(1)])
    return universe_of(connection, [*block.late, *seen.frame["instrument_id"].unique()], first, block.closes[-1])
