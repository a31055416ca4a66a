"""market.indicators after any history of batches, late bars and corrections is one computation from scratch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest

from signalhub.bars import rollups
from signalhub.db.engine import Database
from signalhub.domain.timeframe import H1, M1, M15
from signalhub.indicators.columns import INDICATOR_COLUMNS
from signalhub.indicators.compute import compute
from tests.conftest import scale
from tests.market import MONDAY, NEXT_YEAR, add_instrument, at, bar, frame, put, random_bars, roll_and_compute, rows

COMPUTED = """
    SELECT x.instrument_id, x.timeframe, x.open_at, x::text AS content FROM {table} AS x ORDER BY 1, 2, 3
"""
TABLES = ("market.indicators", "market.indicator_state")


def contents(database: Database) -> list[list[dict[str, Any]]]:
    """Every row as text, which is exact for floats: equal means equal bits."""
    return [rows(database, COMPUTED.format(table=table)) for table in TABLES]


def forget(database: Database) -> None:
    """Leaves the bars, and everything that hangs on them to be made again."""
    with database.transaction() as connection:
        for table in TABLES:
            connection.execute(f"DELETE FROM {table}".encode())
        connection.execute(
            "INSERT INTO market.dirty_ranges (instrument_id, base_timeframe, from_at, to_at) "
            "SELECT instrument_id, base_timeframe, min(open_at), max(open_at) + INTERVAL '24 hours' "
            "FROM market.bars GROUP BY 1, 2"
        )


def in_random_pieces(bars: pl.DataFrame, seed: int) -> Sequence[pl.DataFrame]:
    """Batches in order of time with late bars and corrections mixed in; the last word on each bar is its true one."""
    rng = np.random.default_rng(seed)
    is_late = pl.Series(rng.random(bars.height) < 0.02)
    is_wrong = pl.Series(rng.random(bars.height) < 0.02)
    wrong = bars.with_columns(close=pl.when(is_wrong).then(pl.col("low")).otherwise(pl.col("close")))
    in_time = wrong.filter(~is_late)
    cuts = [0, *sorted(rng.choice(in_time.height, 4, replace=False).tolist()), in_time.height]
    batches = [in_time.slice(start, end - start) for start, end in pairwise(cuts)]
    again = bars.filter(is_late | is_wrong).sample(fraction=1.0, shuffle=True, seed=seed)
    half = again.height // 2
    return [*batches[:3], again.filter(pl.col("open_at") < batches[2]["open_at"].max()).head(5), *batches[3:],
            again.head(half), again.tail(again.height - half)]  # fmt: skip


@pytest.mark.parametrize("seed", range(max(1, round(8 * scale()))))
def test_any_history_of_writes_ends_in_the_rows_of_one_computation(database: Database, seed: int) -> None:
    btc, eth = add_instrument(database), add_instrument(database, "ETH/USDT")
    bars = pl.concat(
        [random_bars(seed, btc, MONDAY, M15, 1700, keep=0.9), random_bars(seed + 100, eth, at("7"), M15, 600)]
    )
    for piece in in_random_pieces(bars, seed):
        put(database, piece, timeframe=M15)
        roll_and_compute(database)
    piecemeal = contents(database)
    forget(database)
    roll_and_compute(database)
    assert contents(database) == piecemeal
    assert {row["timeframe"] for row in piecemeal[0]} == {"15m", "1h", "4h", "1d"}


def test_bars_that_come_one_by_one_end_in_the_rows_of_one_computation(database: Database) -> None:
    btc = add_instrument(database)
    bars = random_bars(7, btc, at("4 20:00"), M1, 70)
    for number in range(bars.height):
        batch = bars.slice(number, 1)
        now = batch["open_at"][0] + M1.span
        put(database, batch, now=now)
        roll_and_compute(database, now)
    roll_and_compute(database)
    piecemeal = contents(database)
    forget(database)
    roll_and_compute(database)
    assert contents(database) == piecemeal


def test_a_correction_of_long_ago_repairs_all_that_hangs_on_it(database: Database) -> None:
    btc, eth = add_instrument(database), add_instrument(database, "ETH/USDT")
    for number, instrument_id in enumerate((btc, eth)):
        put(database, random_bars(number, instrument_id, MONDAY, H1, 1300), timeframe=H1)
    roll_and_compute(database)
    untouched = [row for row in contents(database)[0] if row["instrument_id"] == eth]
    put(database, frame([bar(btc, at("6 04:00"), price=120)]), timeframe=H1)
    roll_and_compute(database)
    repaired = contents(database)
    assert [row for row in repaired[0] if row["instrument_id"] == eth] == untouched
    forget(database)
    roll_and_compute(database)
    assert contents(database) == repaired


def test_anchors_stand_at_the_first_bar_of_every_500_spans_and_at_the_latest(database: Database) -> None:
    btc = add_instrument(database)
    bars = random_bars(9, btc, MONDAY, H1, 1203, keep=0.9)
    opens = bars["open_at"].to_list()
    marks = [
        open_at for before, open_at in pairwise([None, *opens]) if before is None or _mark(before) < _mark(open_at)
    ]
    states = "SELECT open_at FROM market.indicator_state WHERE timeframe = '1h' {} ORDER BY open_at"
    for height in (bars.height // 2, bars.height):
        put(database, bars.head(height), timeframe=H1)
        roll_and_compute(database)
        wanted = [mark for mark in marks if mark <= opens[height - 1]]
        assert [row["open_at"] for row in rows(database, states.format("AND is_anchor"))] == wanted
        assert {row["open_at"] for row in rows(database, states.format(""))} == {*wanted, opens[height - 1]}
    # A bar filled in moves no anchor but where it is the first after a mark itself.
    hole = next(open_at + H1.span for open_at in opens[300:] if open_at + H1.span not in opens)
    put(database, frame([bar(btc, hole)]), timeframe=H1)
    roll_and_compute(database)
    found = [row["open_at"] for row in rows(database, states.format("AND is_anchor"))]
    assert found == marks if _mark(hole) == _mark(hole - H1.span) else marks != found


def _mark(open_at: datetime) -> int:
    return int(open_at.timestamp()) // (500 * 3600)


def test_the_catalogue_of_columns_is_that_of_the_table_and_of_the_view(database: Database) -> None:
    listed = """
        SELECT column_name::text AS name FROM information_schema.columns
        WHERE table_schema = %s AND table_name = 'indicators' ORDER BY ordinal_position
    """
    table = [row["name"] for row in rows(database, listed, ("market",))]
    view = [row["name"] for row in rows(database, listed, ("analytics",))]
    assert table == ["instrument_id", "timeframe", "open_at", "n", *INDICATOR_COLUMNS]
    bar_columns = ["open", "high", "low", "close", "volume"]
    assert view == ["symbol", "timeframe", "open_at", "close_at", "n", *bar_columns, *INDICATOR_COLUMNS]


def test_a_correction_is_computed_until_it_has_died_out(database: Database) -> None:
    btc = add_instrument(database)
    start = datetime(2023, 6, 1, tzinfo=UTC)
    put(database, random_bars(11, btc, start, H1, 12_000, keep=1.0), timeframe=H1)
    roll_and_compute(database)
    corrected = start + 1000 * H1.span
    put(database, frame([bar(btc, corrected, price=120, volume=5)]), timeframe=H1)
    touched = rollups.refresh(database, NEXT_YEAR).touched
    hourly = [item for item in touched if item.timeframe == H1]
    assert 220 < compute(database, hourly, NEXT_YEAR) < 8_000
    compute(database, [item for item in touched if item.timeframe != H1], NEXT_YEAR)
    with database.transaction() as connection:
        rollups.finish(connection, rollups.refresh(database, NEXT_YEAR))
    repaired = contents(database)
    forget(database)
    roll_and_compute(database)
    assert contents(database) == repaired
