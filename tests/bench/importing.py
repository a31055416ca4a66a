"""Import: rows/s of `signalhub import`'s store step against a bare COPY + upsert of the same file.

Both read the same csv. The floor parses it with Polars, copies it to a temporary table and upserts it into a
table with the same key; ours also checks every row, registers, keeps revisions, dirty ranges and watermarks.
Rollups and indicators come after the bars are in; they are measured apart.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from signalhub.db.copy import copy_in
from signalhub.db.engine import Database
from signalhub.domain.bar import OPEN_AT
from signalhub.domain.timeframe import M1
from signalhub.feeds.files import FileOptions, read_file
from signalhub.jobs import importing, pipeline
from tests.bench.market import walk
from tests.bench.measure import Measurement, seconds

ROWS = 300_000
ROUNDS = 3
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def measure(database: Database) -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "BENCH_1m.csv"
        walk(ROWS, M1, 1).drop("turnover").write_csv(path)
        read_file(path, FileOptions(), NOW)  # the first read of a process warms Polars up
        floor = ROWS / min(seconds(lambda: _floor(database, path)) for _ in range(ROUNDS))
        ours = ROWS / min(seconds(lambda n=n: _ours(database, path, f"B{n}")) for n in range(ROUNDS))
        yield Measurement("import, bars into the store", database.edition, "rows", ours, floor)
        again = ROWS / seconds(lambda: _ours(database, path, "B0"))
        yield Measurement("import, the same file again", database.edition, "rows", again, floor)
    took = seconds(lambda: pipeline.refresh(database, NOW))
    rate = ROUNDS * ROWS / took
    yield Measurement("rollups and indicators", database.edition, "base bars", rate, note="5 rollups, 6 timeframes")


def _floor(database: Database, path: Path) -> None:
    with database.transaction() as connection:
        connection.execute("DROP TABLE IF EXISTS floor_bars")
        connection.execute(
            "CREATE TABLE floor_bars (instrument_id int, open_at timestamptz, open float8, high float8, low float8, "
            "close float8, volume float8, PRIMARY KEY (instrument_id, open_at))"
        )
    with database.transaction() as connection:
        frame = pl.read_csv(path, schema_overrides={"open_at": OPEN_AT})
        connection.execute("CREATE TEMP TABLE floor_in (LIKE floor_bars) ON COMMIT DROP")
        copy_in(connection, "floor_in", frame.select(pl.lit(1).alias("instrument_id"), pl.all()))
        connection.execute(
            "INSERT INTO floor_bars SELECT * FROM floor_in ON CONFLICT (instrument_id, open_at) DO UPDATE SET "
            "open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close, "
            "volume = excluded.volume"
        )


def _ours(database: Database, path: Path, symbol: str) -> None:
    options = FileOptions(symbol=symbol, venue="bench", asset_class="crypto")
    importing.store_file(database, path, options, NOW)
