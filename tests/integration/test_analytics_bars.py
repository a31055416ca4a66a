"""What readers see in analytics.bars: by the ruling base, complete or not."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from signalhub.bars import ingest, sessions
from signalhub.bars.ingest import Ingested
from signalhub.db.edition import TIMESCALE
from signalhub.db.engine import Database
from signalhub.domain.bases import BaseDay, ruling_bases
from signalhub.domain.timeframe import D1, H1, M1, TIMEFRAMES, Timeframe
from tests.conftest import scale
from tests.market import MONDAY, add_instrument, at, bar, frame, put, random_bars, roll, roll_and_compute, rows


def settle(database: Database, instrument_id: int, timeframe: Timeframe, until: datetime) -> None:
    with database.transaction() as connection:
        ingest.settle(connection, timeframe, {instrument_id: until})


def shown(database: Database, timeframe: Timeframe) -> list[dict[str, Any]]:
    return rows(
        database,
        "SELECT open_at, close, bar_count, base_timeframe FROM analytics.bars WHERE timeframe = %s ORDER BY open_at",
        (timeframe.code,),
    )


def is_complete(database: Database, timeframe: Timeframe, open_at: datetime) -> bool:
    query = "SELECT is_complete FROM analytics.bars WHERE timeframe = %s AND open_at = %s"
    (row,) = rows(database, query, (timeframe.code, open_at))
    return bool(row["is_complete"])


def relations(database: Database, query: str) -> set[str]:
    """Names of the relations a query's plan reads; a chunk goes by the name people know it by."""
    (plan,) = rows(database, f"EXPLAIN (FORMAT JSON, VERBOSE) {query}")
    chunks = {}
    if database.edition == TIMESCALE:
        named = """
            SELECT h.id, COALESCE(c.user_view_name, h.table_name) AS name FROM _timescaledb_catalog.hypertable AS h
            LEFT JOIN _timescaledb_catalog.continuous_agg AS c ON h.id = c.mat_hypertable_id
        """
        chunks = {str(row["id"]): str(row["name"]) for row in rows(database, named)}
    names = re.findall(r'"Relation Name": "(\w+)"', json.dumps(plan))
    chunk = re.compile(r"_(?:hyper|materialized_hypertable)_(\d+)(?:_\d+_chunk)?$")
    return {chunks[match[1]] if (match := chunk.match(name)) else name for name in names}


@pytest.mark.parametrize("timeframe", TIMEFRAMES, ids=str)
def test_a_filter_on_the_timeframe_reads_one_relation_of_bars(database: Database, timeframe: Timeframe) -> None:
    btc = add_instrument(database)
    put(database, random_bars(1, btc, MONDAY, M1, 3000))
    roll(database)
    wanted = "bars" if timeframe == M1 else f"bars_{timeframe}"
    for view in ("analytics.bars", "analytics.adjusted_bars", "market.closed_bars", "market.adjusted_bars"):
        read = relations(database, f"SELECT * FROM {view} WHERE timeframe = '{timeframe}'")
        assert {name for name in read if name.startswith("bars")} == {wanted}


def test_nothing_finer_than_the_ruling_base_is_shown(database: Database) -> None:
    btc = add_instrument(database)
    put(database, random_bars(2, btc, MONDAY, H1, 72, keep=1.0), timeframe=H1)
    roll(database)
    counts = rows(database, "SELECT timeframe, count(*) AS n FROM analytics.bars GROUP BY 1 ORDER BY 1")
    assert {row["timeframe"]: row["n"] for row in counts} == {"1h": 72, "4h": 18, "1d": 3}
    assert {row["bar_count"] for row in shown(database, D1)} == {24}


def test_a_bar_is_complete_when_all_are_there_or_the_span_is_settled(database: Database) -> None:
    btc = add_instrument(database)
    hour = at("4 10:00")
    put(database, frame(bar(btc, hour + timedelta(minutes=minute)) for minute in range(119) if minute != 30))
    roll(database)
    settle(database, btc, M1, at("4 10:59"))
    assert not is_complete(database, H1, hour)
    assert is_complete(database, M1, hour)
    settle(database, btc, M1, at("4 11:00"))
    assert is_complete(database, H1, hour)
    assert not is_complete(database, H1, at("4 11:00"))
    settle(database, btc, H1, at("6"))
    assert not is_complete(database, H1, at("4 11:00"))
    assert put(database, frame([bar(btc, at("4 11:59"))])) == Ingested(new=1)
    roll(database)
    assert is_complete(database, H1, at("4 11:00"))


def test_completeness_counts_the_bars_of_the_session_alone(database: Database) -> None:
    aapl = add_instrument(database, "AAPL", "equity")
    with database.transaction() as connection:
        sessions.ensure(connection, "XNYS", at("4"), at("6"))
    # New York trades from 14:30 to 21:00 UTC in the first week of March.
    trading = [at("4 14:30") + timedelta(minutes=minute) for minute in range(390)]
    put(database, frame(bar(aapl, open_at) for open_at in trading[:-1]))
    roll(database)
    assert is_complete(database, H1, at("4 14:00"))
    assert not is_complete(database, H1, at("4 20:00"))
    assert not is_complete(database, D1, at("4"))
    put(database, frame([bar(aapl, trading[-1])]))
    roll(database)
    assert is_complete(database, D1, at("4"))


def test_an_hourly_bar_that_straddles_the_open_counts_as_one(database: Database) -> None:
    aapl = add_instrument(database, "AAPL", "equity")
    with database.transaction() as connection:
        sessions.ensure(connection, "XNYS", at("4"), at("6"))
    put(database, frame(bar(aapl, at(f"4 {hour}:00")) for hour in range(14, 20)), timeframe=H1)
    roll(database)
    assert not is_complete(database, D1, at("4"))
    put(database, frame([bar(aapl, at("4 20:00"))]), timeframe=H1)
    roll(database)
    assert is_complete(database, D1, at("4"))


def test_vwap_takes_turnover_or_else_the_typical_price_and_is_null_without_volume(database: Database) -> None:
    btc = add_instrument(database)
    typical = {"open": 12.0, "high": 15.0, "low": 9.0, "close": 12.0}
    put(
        database,
        frame(
            [
                bar(btc, at("4 10:00"), **typical, volume=3.0),
                bar(btc, at("4 10:01"), **typical, volume=1.0, turnover=16.0),
                bar(btc, at("4 11:00"), **typical, volume=0.0, turnover=0.0),
            ]
        ),
    )
    roll(database)
    vwap = "SELECT vwap FROM analytics.bars WHERE timeframe = %s ORDER BY open_at"
    assert [row["vwap"] for row in rows(database, vwap, ("1h",))] == [13.0, None]
    assert [row["vwap"] for row in rows(database, vwap, ("1m",))] == [12.0, 16.0, None]
    assert [row["vwap"] for row in rows(database, vwap, ("1d",))] == [13.0]


def test_a_year_of_hours_and_some_days_of_minutes_make_one_gapless_history(database: Database) -> None:
    btc = add_instrument(database)
    year = random_bars(3, btc, MONDAY - timedelta(days=300), H1, 8760, keep=1.0)
    put(database, year, timeframe=H1)
    roll_and_compute(database)
    # From half past nine: that day stays with the hours.
    minutes = random_bars(4, btc, at("10 09:30"), M1, 3 * 1440 + 870, keep=1.0)
    put(database, minutes)
    roll_and_compute(database)
    assert ruling(database) == [
        {"base_timeframe": "1h", "rules_from": None},
        {"base_timeframe": "1m", "rules_from": at("11")},
        {"base_timeframe": "1h", "rules_from": at("14")},
    ]
    assert [row["open_at"] for row in shown(database, M1)] == [
        at("11") + timedelta(minutes=minute) for minute in range(3 * 1440)
    ]
    hours = shown(database, H1)
    assert [row["open_at"] for row in hours] == year["open_at"].to_list()
    assert {row["open_at"] for row in hours if row["base_timeframe"] == "1m"} == {
        at("11") + timedelta(hours=hour) for hour in range(72)
    }
    computed = rows(database, "SELECT n, open_at FROM market.indicators WHERE timeframe = '1h' ORDER BY open_at")
    # Ordinals end at 1,000: beyond every warm-up they say nothing.
    counted = [(min(n, 1000), open_at) for n, open_at in enumerate(year["open_at"], start=1)]
    assert [(row["n"], row["open_at"]) for row in computed] == counted


def test_minutes_that_lose_a_day_lose_its_indicators_too(database: Database) -> None:
    btc = add_instrument(database)
    put(database, random_bars(5, btc, at("10"), M1, 600, keep=1.0))
    roll_and_compute(database)
    assert len(shown(database, M1)) == 600
    put(database, random_bars(6, btc, at("10"), H1, 24, keep=1.0), timeframe=H1)
    roll_and_compute(database)
    assert shown(database, M1) == rows(database, "SELECT n FROM market.indicators WHERE timeframe = '1m'") == []
    assert [row["base_timeframe"] for row in shown(database, H1)] == ["1h"] * 24


def test_ruling_bases_are_kept_up_to_date_whatever_comes_in_which_order(database: Database) -> None:
    btc = add_instrument(database)
    batches = [
        (base, random_bars(seed, btc, at(f"{day} {hour}:00"), base, count, keep=0.9))
        for seed, (base, day, hour, count) in enumerate(
            [(H1, 4, 5, 60), (M1, 6, 3, 800), (M1, 5, 0, 900), (D1, 2, 0, 9), (M1, 5, 14, 2000), (H1, 8, 0, 30)]
        )
    ]
    for round_number in range(max(1, round(6 * scale()))):
        arrived: list[BaseDay] = []
        with database.transaction() as connection:
            connection.execute("DELETE FROM market.instrument_bases")
            connection.execute("DELETE FROM market.bars")
        for base, bars in batches[round_number:] + batches[:round_number]:
            put(database, bars, timeframe=base)
            arrived += days(bars, base)
            wanted = ruling_bases(merged(arrived))
            assert [(row["base_timeframe"], row["rules_from"]) for row in ruling(database)] == [
                (ruler.code, day) for day, ruler in wanted
            ]


def ruling(database: Database) -> list[dict[str, Any]]:
    return rows(
        database,
        "SELECT base_timeframe, NULLIF(rules_from, '-infinity') AS rules_from FROM market.instrument_bases AS r "
        "ORDER BY r.rules_from",
    )


def days(bars: pl.DataFrame, base: Timeframe) -> list[BaseDay]:
    grouped = bars.group_by(pl.col("open_at").dt.truncate("1d").alias("day")).agg(
        pl.col("open_at").min().alias("first"), pl.col("open_at").max().alias("last")
    )
    return [BaseDay(base, day, first, last + base.span) for day, first, last in grouped.iter_rows()]


def merged(entries: list[BaseDay]) -> list[BaseDay]:
    """One entry per base and day, as the database counts them."""
    groups: dict[tuple[Timeframe, datetime], list[BaseDay]] = {}
    for entry in entries:
        groups.setdefault((entry.base, entry.day), []).append(entry)
    return [
        BaseDay(base, day, min(part.first_at for part in parts), max(part.last_at for part in parts))
        for (base, day), parts in groups.items()
    ]
