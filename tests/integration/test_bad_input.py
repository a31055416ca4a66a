"""Whatever feeds say, in whatever order: the store ends as the clean stream with its corrections makes it.

Each history goes through the doors that input takes, then its clean stream into a second instrument of the same
database; both must be equal row by row, and so must be both editions.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from signalhub.bars.ingest import Source, of_instrument
from signalhub.db import migrate
from signalhub.db.edition import POSTGRES, TIMESCALE
from signalhub.db.engine import Database, create_engine
from signalhub.domain.bar import BAR_SCHEMA
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import ROLLED_UP
from signalhub.errors import FeedRefused
from signalhub.feeds.base import Page
from signalhub.feeds.ccxt_pages import Answer, Span, Walk
from signalhub.feeds.ccxt_values import candles_of
from signalhub.feeds.files import FileOptions
from signalhub.jobs import pipeline
from signalhub.jobs.importing import store_file
from tests import servers
from tests.bad_input import DOORS, Batch, History, Row, history
from tests.believed import Believed, bars_of
from tests.conftest import scale
from tests.engine_rows import register
from tests.market import rows

TOGETHER = 10
"""Histories that share a database."""
CHUNKS = max(1, round(200 / TOGETHER * scale()))
PLAIN = ("indicators", "indicator_state", "instrument_bases", "dirty_ranges", *(f"bars_{item}" for item in ROLLED_UP))
WITHOUT = "'{instrument_id,source_id,revision_id,dirty_id,flagged_at}'::text[]"
VALUES = ("open", "high", "low", "close", "volume")

Contents = dict[str, list[Any]]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_any_bad_input_ends_in_the_store_of_the_clean_stream(
    server_urls: dict[str, str], tmp_path: Path, chunk: int
) -> None:
    editions = [POSTGRES, TIMESCALE] if servers.timescale_source() else [POSTGRES]
    seeds = range(chunk * TOGETHER, (chunk + 1) * TOGETHER)
    ended = [_ends_of(server_urls[edition], edition, seeds, tmp_path) for edition in editions]
    for seed in seeds:
        assert ended[0][seed] == ended[-1][seed], f"history {seed} ends differently on the two editions"


def test_the_histories_hold_what_they_are_to_hold() -> None:
    found = [history(seed) for seed in range(60)]
    batches = [batch for one in found for batch in one.batches]
    assert {batch.door for batch in batches} == set(DOORS)
    assert len({batch.timeframe for batch in batches}) == 3
    assert sum(len({batch.timeframe for batch in one.batches}) > 1 for one in found) > 5
    bars = [bars_of(batch.rows, batch.timeframe, batch.now) for batch in batches]
    assert sum(len(batch.rows) for batch in batches) > sum(map(len, bars)) + 500 > 5000
    heard = [Believed(one.priorities) for one in found]
    for one, believed in zip(found, heard, strict=True):
        for batch in one.batches:
            good = bars_of(batch.rows, batch.timeframe, batch.now)
            believed.hear(good, batch.timeframe, batch.door, batch.now, is_backfill=batch.is_backfill)
    assert sum(len(believed.revisions()) for believed in heard) > 500


@contextmanager
def _database(admin: str, edition: str) -> Iterator[Database]:
    name = "test_bad_input"
    servers.execute(admin, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
    engine = create_engine(servers.with_database(admin, name))
    try:
        migrate.upgrade(engine)
        yield Database(engine, edition)
    finally:
        engine.dispose()
        servers.execute(admin, f"DROP DATABASE {name} WITH (FORCE)")


def _ends_of(admin: str, edition: str, seeds: Sequence[int], folder: Path) -> dict[int, Contents]:
    with _database(admin, edition) as database:
        return {seed: _end_of(database, history(seed), folder) for seed in seeds}


def _end_of(database: Database, told: History, folder: Path) -> Contents:
    """What the store holds after a history, once it was found to be what the clean stream makes of it."""
    dirty, clean = (_instrument(database, f"{kind}{told.seed}/USDT", told) for kind in ("D", "C"))
    believed = Believed(told.priorities)
    for batch in told.batches:
        _come_in(database, dirty, told, batch, believed, folder)
        if batch.refresh_at is not None:
            pipeline.refresh(database, batch.refresh_at)
    for timeframe, door, is_backfill, at, bars in believed.clean_stream(told.over):
        _take_in(database, clean, Batch(door, timeframe, bars, at, is_backfill, None))
    pipeline.refresh(database, told.over)
    ended, wanted = _contents(database, dirty), _contents(database, clean)
    for relation, found in wanted.items():
        assert ended[relation] == found, f"history {told.seed}: {relation}"
    assert [tuple(row.values()) for row in _bars(database, dirty)] == believed.bars(), f"history {told.seed}"
    assert [tuple(row.values()) for row in _revisions(database, dirty)] == believed.revisions(), f"history {told.seed}"
    assert ended["dirty_ranges"] == []
    return ended


def _instrument(database: Database, symbol: str, told: History) -> int:
    for door in DOORS:
        key = register(database, InstrumentSpec(symbol, "test", "crypto"), Source(door))
    with database.transaction() as connection:
        for door, priority in told.priorities.items():
            connection.execute(
                "UPDATE market.instrument_sources SET priority = %s WHERE instrument_id = %s AND source = %s",
                (priority, key, door),
            )
    return key


def _come_in(database: Database, key: int, told: History, batch: Batch, believed: Believed, folder: Path) -> None:
    if batch.door == "file":
        _import(database, f"D{told.seed}/USDT", batch, folder)
        bars = bars_of(batch.rows, batch.timeframe, batch.now, first_wins=True)
        believed.hear(bars, batch.timeframe, "file", batch.now, is_backfill=True)
    elif batch.door == "feed":
        for page in _pages(batch):
            _take_in(database, key, batch, page.bars, page.through)
            bars = [Row(row[0], row[1:6]) for row in page.bars.iter_rows()]
            believed.hear(bars, batch.timeframe, "feed", batch.now, is_backfill=batch.is_backfill)
    else:
        _take_in(database, key, batch)
        bars = bars_of(batch.rows, batch.timeframe, batch.now)
        believed.hear(bars, batch.timeframe, batch.door, batch.now, is_backfill=batch.is_backfill)


def _import(database: Database, symbol: str, batch: Batch, folder: Path) -> None:
    path = folder / "told.csv"
    with path.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(["time", *VALUES])
        writer.writerows([row.open_at.isoformat(), *row.values] for row in batch.rows)
    options = FileOptions(symbol=symbol, venue="test", asset_class="crypto", timeframe=batch.timeframe.code)
    store_file(database, path, options, batch.now)


def _pages(batch: Batch) -> list[Page]:
    """What a walk over an exchange's answers believes; nothing of an answer that is off the grid."""
    raw = [[round(row.open_at.timestamp() * 1000), *row.values] for row in batch.rows]

    def ask(timeframe: Any, since: datetime, before: datetime | None, limit: int) -> Answer:
        until = before or batch.now + timedelta(days=900)
        asked = [candle for candle in raw if since.timestamp() * 1000 <= candle[0] < until.timestamp() * 1000]
        return Answer(candles_of(sorted(asked, key=lambda candle: candle[0])[:limit], timeframe))

    first = batch.timeframe.floor(min((row.open_at for row in batch.rows), default=batch.now))
    span = Span(batch.timeframe, first, batch.timeframe.floor(batch.now))
    pages: list[Page] = []
    with suppress(FeedRefused):
        for page in Walk(ask, span, batch.now, timedelta(seconds=3), 100).pages():
            _is_what_was_told(page, first, batch)
            pages.append(page)
            first = page.through
    return pages


def _is_what_was_told(page: Page, first: datetime, batch: Batch) -> None:
    """A page holds every bar of its stretch that was told, each with the values of one of its rows."""
    in_page = [row for row in batch.rows if first <= row.open_at < page.through]
    told = {row.open_at for row in bars_of(in_page, batch.timeframe, batch.now)}
    assert set(page.bars["open_at"]) == told
    assert {Row(row[0], row[1:6]) for row in page.bars.iter_rows()} <= set(in_page)


def _take_in(
    database: Database, key: int, batch: Batch, bars: pl.DataFrame | None = None, through: datetime | None = None
) -> None:
    if bars is None:
        told = [(row.open_at, *row.values, None) for row in batch.rows]
        bars = pl.DataFrame(told, schema=BAR_SCHEMA, orient="row")
    settled = {} if through is None else {key: through}
    source = Source(batch.door, is_backfill=batch.is_backfill)
    with database.transaction() as connection:
        pipeline.take_in(connection, batch.timeframe, of_instrument(bars, key), source, settled, batch.now)


def _contents(database: Database, key: int) -> Contents:
    """Everything that is stored of an instrument, without surrogate keys; floats to the bit."""
    found: Contents = {
        name: rows(
            database,
            f"SELECT to_jsonb(t) - {WITHOUT} AS row FROM market.{name} AS t WHERE instrument_id = %s ORDER BY 1",
            (key,),
        )
        for name in (*PLAIN, "bar_flags")
    }
    return found | {"bars": _bars(database, key), "bar_revisions": _revisions(database, key)}


def _bars(database: Database, key: int) -> list[dict[str, Any]]:
    return rows(
        database,
        "SELECT b.base_timeframe, b.open_at, b.open, b.high, b.low, b.close, b.volume, b.known_at, s.source "
        "FROM market.bars AS b INNER JOIN market.sources AS s USING (source_id) "
        "INNER JOIN market.timeframes AS t ON b.base_timeframe = t.timeframe "
        "WHERE b.instrument_id = %s ORDER BY t.position, b.open_at",
        (key,),
    )


def _revisions(database: Database, key: int) -> list[dict[str, Any]]:
    return rows(
        database,
        "SELECT r.base_timeframe, r.open_at, r.open, r.high, r.low, r.close, r.volume, r.known_at, "
        "r.superseded_at, s.source FROM market.bar_revisions AS r INNER JOIN market.sources AS s USING (source_id) "
        "INNER JOIN market.timeframes AS t ON r.base_timeframe = t.timeframe "
        "WHERE r.instrument_id = %s ORDER BY t.position, r.open_at, r.revision_id",
        (key,),
    )
