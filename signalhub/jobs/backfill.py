"""Backfill: history of a feed's instruments, from where the store ends to now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl

from signalhub.bars import instruments, sessions
from signalhub.bars.ingest import Ingested, Source, settled_through
from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import Timeframe
from signalhub.feeds.base import Feed
from signalhub.jobs import pipeline
from signalhub.jobs.progress import Progress


def backfill(
    database: Database,
    feed: Feed,
    specs: Sequence[InstrumentSpec],
    timeframe: Timeframe,
    history: timedelta,
    now: datetime,
    progress: Progress | None = None,
) -> Ingested:
    """Fetches what the store lacks of the last `history`, one transaction an instrument.

    Raises: FeedUnavailable; what came before it is stored, and a rerun goes on from there.
    """
    progress = progress or Progress()
    progress.stage(f"fetching {timeframe} bars from {feed.name}", len(specs), "instruments")
    total = Ingested()
    for spec in specs:
        progress.note(spec.symbol)
        total += _backfill_one(database, feed, spec, timeframe, timeframe.floor(now - history), now)
        progress.advance(1)
    return total


def _backfill_one(
    database: Database, feed: Feed, spec: InstrumentSpec, timeframe: Timeframe, since: datetime, now: datetime
) -> Ingested:
    with database.transaction() as connection:
        instrument_id = instruments.register(connection, spec, feed.name, is_live=feed.is_live, now=now)
        stored = settled_through(connection, instrument_id, timeframe)
    until = timeframe.floor(now)
    start = max(since, stored) if stored else since
    # Asked outside the transaction: a slow venue must not hold a lock.
    bars = feed.fetch(spec, timeframe, start, until)
    source = Source(feed.name, is_live=feed.is_live, is_backfill=True)
    with database.transaction() as connection:
        sessions.ensure(connection, spec.trading_calendar, since, until)
        batch = bars.select(pl.lit(instrument_id, pl.Int32).alias("instrument_id"), pl.all())
        return pipeline.take_in(connection, timeframe, batch, source, {instrument_id: until}, now)
