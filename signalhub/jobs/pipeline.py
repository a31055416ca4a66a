"""The pipeline: ingest → roll up → indicators → snapshot → evaluate → publish → track, one line each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import polars as pl

from signalhub import outcomes
from signalhub.bars import ingest, quality, rollups
from signalhub.bars.ingest import Ingested, Source
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.domain.bar import usable
from signalhub.domain.signal import Origin
from signalhub.domain.timeframe import Timeframe
from signalhub.indicators import own, own_files
from signalhub.indicators.compute import compute
from signalhub.jobs.scoring import Block, Score, scored
from signalhub.outbox import publish
from signalhub.settings import Settings
from signalhub.signals import validity
from signalhub.signals.evaluate import mark_best
from signalhub.signals.store import store
from signalhub.strategies.base import Strategy

Report = Callable[[str], None]


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
    score: Score | None = None,
) -> int:
    """Snapshot → candidates → signals → outbox of one block, stored in one transaction; the number of new signals.

    `score`: who scores instead of us, for a block of one close, by the same strategies and settings.
    Raises: TooLate when `in_time` says no just before the commit; nothing is stored then.
    """
    found = score(block) if score else scored(database, block, strategies, settings)
    mark_best([of_strategy.evaluations for of_strategy in found.evaluated], settings.best_n)
    with database.transaction() as connection:
        signal_ids = store(connection, found.run, found.evaluated, now)
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
