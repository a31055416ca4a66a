"""Rollups equal a Polars aggregation of the same bars, whatever the order in which bars came and were rolled up."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import reduce
from operator import add

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from signalhub.bars import rollups
from signalhub.db.copy import copy_out
from signalhub.db.engine import Database
from signalhub.db.queries import Queries
from signalhub.domain.bar import OPEN_AT
from signalhub.domain.timeframe import D1, H1, H4, M1, M5, M15, ROLLED_UP, Timeframe
from tests.market import (
    MONDAY,
    NEXT_YEAR,
    add_instrument,
    at,
    bar,
    frame,
    put,
    random_bars,
    roll,
    roll_and_compute,
    rows,
)

SUMMED = ("volume", "turnover")
SUM_TOLERANCE = 1e-12
"""Polars adds in another order; everything that is not a sum must be equal to the bit."""
TYPICAL_TURNOVER = pl.col("volume") * (pl.col("high") + pl.col("low") + pl.col("close")) / 3.0
DIRTY = "SELECT timeframe, from_at FROM market.dirty_ranges ORDER BY from_at, timeframe"


def polars_rollup(bars: pl.DataFrame, base: Timeframe, timeframe: Timeframe) -> pl.DataFrame:
    """The bars of a coarser timeframe straight from the base bars."""
    every = {M5: "5m", M15: "15m", H1: "1h", H4: "4h", D1: "1d"}[timeframe]
    return (
        bars.with_columns(pl.col("turnover").fill_null(TYPICAL_TURNOVER), bucket=pl.col("open_at").dt.truncate(every))
        .sort("instrument_id", "open_at")
        .group_by("instrument_id", "bucket", maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
            pl.col("turnover").sum(),
            pl.len().cast(pl.Int64).alias("bar_count"),
            pl.col("open_at").get(pl.col("high").arg_max()).alias("high_at"),
            pl.col("open_at").get(pl.col("low").arg_min()).alias("low_at"),
            (pl.col("open_at").max() + base.span).alias("known_at"),
        )
        .rename({"bucket": "open_at"})
    )


def stored_rollup(database: Database, timeframe: Timeframe) -> pl.DataFrame:
    instants = ("open_at", "high_at", "low_at", "known_at")
    names = ("instrument_id", "open_at", "open", "high", "low", "close", *SUMMED, "bar_count", *instants[1:])
    listed = ", ".join(
        f"(date_part('epoch', {name}) * 1e6)::bigint AS {name}" if name in instants else name for name in names
    )
    schema: dict[str, pl.DataType] = {
        name: OPEN_AT if name in instants else pl.Int64() if name in ("instrument_id", "bar_count") else pl.Float64()
        for name in names
    }
    queries = Queries("bars/rollups")
    queries.texts = {"all": f"SELECT {listed} FROM market.bars_{timeframe} ORDER BY 1, 2;".encode()}
    with database.transaction() as connection:
        return copy_out(connection, queries, "all", schema)


def check_all_levels(database: Database, bars: pl.DataFrame, base: Timeframe, until: datetime = NEXT_YEAR) -> None:
    """Every closed bucket of every level, row by row, against Polars."""
    for timeframe in ROLLED_UP:
        wanted = polars_rollup(bars, base, timeframe).filter(pl.col("open_at") + timeframe.span <= until)
        stored = stored_rollup(database, timeframe)
        assert_frame_equal(stored.drop(SUMMED), wanted.drop(SUMMED), check_exact=True)
        assert_frame_equal(
            stored.select(SUMMED), wanted.select(SUMMED), check_exact=False, rel_tol=SUM_TOLERANCE, abs_tol=0.0
        )


def _turnover(row: dict[str, float | None]) -> float | None:
    """In plain Python, for Polars multiplies by a third where it is told to divide by three."""
    volume, high, low, close = (row[name] or 0.0 for name in ("volume", "high", "low", "close"))
    return row["turnover"] if row["turnover"] is not None else volume * (high + low + close) / 3.0


def sums_level_by_level(bars: pl.DataFrame) -> dict[Timeframe, list[tuple[float, float]]]:
    """Volume and turnover added bar by bar, each level from the one below it: the bits both editions must give."""
    level = bars.with_columns(turnover=pl.Series(map(_turnover, bars.to_dicts())))
    sums: dict[Timeframe, list[tuple[float, float]]] = {}
    for timeframe in ROLLED_UP:
        buckets: dict[datetime, list[tuple[float, float]]] = {}
        for open_at, volume, turnover in level.select("open_at", *SUMMED).iter_rows():
            buckets.setdefault(timeframe.floor(open_at), []).append((volume, turnover))
        added = {
            bucket: [reduce(add, column) for column in zip(*parts, strict=True)] for bucket, parts in buckets.items()
        }
        sums[timeframe] = [(volume, turnover) for volume, turnover in added.values()]
        level = pl.DataFrame(
            [(bucket, volume, turnover) for bucket, (volume, turnover) in added.items()],
            schema={"open_at": OPEN_AT, "volume": pl.Float64(), "turnover": pl.Float64()},
            orient="row",
        )
    return sums


@pytest.mark.parametrize("seed", range(2))
def test_rollups_equal_polars_in_whatever_order_the_bars_came(database: Database, seed: int) -> None:
    btc, eth = add_instrument(database), add_instrument(database, "ETH/USDT")
    bars = pl.concat(
        random_bars(seed + offset, instrument_id, MONDAY + timedelta(minutes=417), M1, 4000)
        for offset, instrument_id in ((0, btc), (10, eth))
    )
    shuffled = bars.sample(fraction=1.0, shuffle=True, seed=seed)
    for start in range(0, shuffled.height, 2500):
        put(database, shuffled.slice(start, 2500))
        roll(database)
    check_all_levels(database, bars, M1)
    assert rows(database, DIRTY) == []


def test_sums_have_the_same_bits_on_both_editions(database: Database) -> None:
    btc = add_instrument(database)
    bars = random_bars(3, btc, MONDAY, M1, 4500)
    put(database, bars)
    roll(database)
    for timeframe, wanted in sums_level_by_level(bars).items():
        assert stored_rollup(database, timeframe).select(SUMMED).rows() == wanted


def test_bars_that_come_live_are_rolled_up_bucket_by_bucket_as_they_close(database: Database) -> None:
    btc = add_instrument(database)
    bars = random_bars(4, btc, at("4 22:30"), M1, 240, keep=0.6)
    now = at("4 22:30")
    while now < at("5 02:30"):
        later = now + timedelta(minutes=37)
        arrived = (pl.col("open_at") + M1.span > now) & (pl.col("open_at") + M1.span <= later)
        put(database, bars.filter(arrived), now=later)
        roll(database, later)
        check_all_levels(database, bars.filter(pl.col("open_at") + M1.span <= later), M1, until=later)
        now = later


def test_a_bucket_is_rolled_up_when_it_closes_even_when_its_last_minute_never_traded(database: Database) -> None:
    btc = add_instrument(database)
    hours = "SELECT open_at, bar_count FROM market.bars_1h"
    computed = "SELECT open_at FROM market.indicators WHERE timeframe = '1h'"
    put(database, frame(bar(btc, at(f"4 10:{minute:02}")) for minute in range(59)), now=at("4 10:59"))
    for now in (at("4 10:59"), at("4 10:59") + timedelta(seconds=59)):
        roll_and_compute(database, now)
        assert rows(database, hours) == rows(database, computed) == []
    roll_and_compute(database, at("4 11:00"))
    assert rows(database, hours) == [{"open_at": at("4 10:00"), "bar_count": 59}]
    assert rows(database, computed) == [{"open_at": at("4 10:00")}]
    assert rows(database, DIRTY) == [
        {"timeframe": "1d", "from_at": at("4")},
        {"timeframe": "4h", "from_at": at("4 08:00")},
    ]
    roll_and_compute(database, at("5"))
    assert rows(database, "SELECT bar_count FROM market.bars_1d") == [{"bar_count": 59}]
    assert rows(database, DIRTY) == []


def test_a_late_bar_of_long_ago_repairs_every_level_at_its_place_alone(database: Database) -> None:
    btc, eth = add_instrument(database), add_instrument(database, "ETH/USDT")
    bars = pl.concat(random_bars(seed, name, MONDAY, M15, 5000, keep=1.0) for seed, name in ((5, btc), (6, eth)))
    late = (pl.col("instrument_id") == btc) & (pl.col("open_at") == at("5 07:15"))
    put(database, bars.filter(~late), timeframe=M15)
    roll(database)
    put(database, bars.filter(late), timeframe=M15)
    put(database, frame([bar(eth, at("20 12:30"), price=300)]), timeframe=M15)
    touched = roll(database).touched
    assert {(item.instrument_id, item.timeframe, item.from_at) for item in touched} == {
        *((btc, timeframe, timeframe.floor(at("5 07:15"))) for timeframe in (M15, H1, H4, D1)),
        *((eth, timeframe, timeframe.floor(at("20 12:30"))) for timeframe in (M15, H1, H4, D1)),
    }
    corrected = pl.concat([bars.filter(~_is_at(eth, at("20 12:30"))), frame([bar(eth, at("20 12:30"), price=300)])])
    for timeframe in (H1, H4, D1):
        wanted = polars_rollup(corrected, M15, timeframe).drop(*SUMMED, "known_at")
        assert_frame_equal(stored_rollup(database, timeframe).drop(*SUMMED, "known_at"), wanted)
    known = "SELECT known_at FROM market.bars_1d WHERE instrument_id = %s AND open_at = %s"
    assert rows(database, known, (eth, at("20"))) == [{"known_at": NEXT_YEAR}]


def _is_at(instrument_id: int, open_at: datetime) -> pl.Expr:
    return (pl.col("instrument_id") == instrument_id) & (pl.col("open_at") == open_at)


def test_a_refresh_without_finish_is_repeated(database: Database) -> None:
    btc = add_instrument(database)
    put(database, frame([bar(btc, MONDAY)]))
    first = rollups.refresh(database, NEXT_YEAR)
    assert rollups.refresh(database, NEXT_YEAR) == first
    roll(database)
    assert rollups.refresh(database, NEXT_YEAR).dirty_ids == []


def test_bars_filled_in_by_us_are_counted_apart(database: Database) -> None:
    btc = add_instrument(database)
    bars = frame(bar(btc, at(f"4 10:{minute:02}")) for minute in range(10))
    put(database, bars.with_columns(filled_count=(pl.int_range(pl.len()) % 5 == 1).cast(pl.Int32)))
    roll(database)
    assert rows(database, "SELECT bar_count, filled_count FROM market.bars_1h") == [
        {"bar_count": 10, "filled_count": 2}
    ]
