"""Old bars are dropped and compressed; what hangs on them stays, and late bars near the horizon end right."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from signalhub.bars import retention
from signalhub.bars.ingest import Ingested
from signalhub.bars.retention import Dropped, Keeping
from signalhub.db.edition import TIMESCALE
from signalhub.db.engine import Database
from signalhub.domain.timeframe import D1, H1, M1, ROLLED_UP, Timeframe
from tests.market import (
    MONDAY,
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

THREE_DAYS = MONDAY + timedelta(days=3)
HORIZON = MONDAY + timedelta(days=2)
LONG_AGO = MONDAY - timedelta(days=100)
KEPT = "SELECT relation, timeframe, kept_from FROM market.retention ORDER BY 1, 2"


def made_from(database: Database, instrument_id: int, since: datetime = LONG_AGO) -> dict[str, list[dict[str, Any]]]:
    """Every rollup, indicator row and anchor of an instrument, without what differs between two of equal bars."""
    values = (instrument_id, since)
    made = {}
    for relation in (*(f"bars_{level}" for level in ROLLED_UP), "indicators", "indicator_state"):
        query = f"SELECT * FROM market.{relation} WHERE instrument_id = %s AND open_at >= %s ORDER BY 2, 3"
        made[relation] = [
            {name: value for name, value in row.items() if name not in ("instrument_id", "known_at")}
            for row in rows(database, query, values)
        ]
    return made


def opens(database: Database, instrument_id: int, base: Timeframe = M1) -> list[datetime]:
    query = "SELECT open_at FROM market.bars WHERE instrument_id = %s AND base_timeframe = %s ORDER BY 1"
    return [row["open_at"] for row in rows(database, query, (instrument_id, base.code))]


def twice(database: Database, bars: pl.DataFrame, late: pl.DataFrame, timeframe: Timeframe) -> tuple[int, int]:
    """One instrument that has the late bars from the beginning, and one that lacks them."""
    whole, lacking = add_instrument(database, "WHOLE/USDT"), add_instrument(database, "LATE/USDT")
    # A late bar takes the place of one that is there.
    with_late = pl.concat([bars.join(late, on="open_at", how="anti"), late])
    put(database, of(with_late, whole), timeframe)
    put(database, of(bars, lacking), timeframe)
    return whole, lacking


def of(bars: pl.DataFrame, instrument_id: int) -> pl.DataFrame:
    return bars.with_columns(instrument_id=pl.lit(instrument_id, pl.Int64))


def test_rollups_and_indicators_survive_the_bars_they_were_made_from(database: Database) -> None:
    btc = add_instrument(database)
    put(database, random_bars(1, btc, MONDAY, M1, 4320))
    roll_and_compute(database, THREE_DAYS)
    before = made_from(database, btc)
    dropped = retention.drop_expired(database, Keeping({M1: 1}), THREE_DAYS)
    stored = opens(database, btc)
    assert dropped.rows > 1000
    assert HORIZON - timedelta(minutes=1200) < stored[0] < HORIZON
    assert made_from(database, btc) == before
    assert rows(database, KEPT) == [{"relation": "market.bars", "timeframe": "1m", "kept_from": HORIZON}]
    assert retention.drop_expired(database, Keeping({M1: 1}), THREE_DAYS) == Dropped()
    assert opens(database, btc) == stored


def test_flags_go_with_the_bars_they_are_about(database: Database) -> None:
    btc = add_instrument(database)
    put(database, random_bars(1, btc, MONDAY, M1, 4320))
    roll_and_compute(database, THREE_DAYS)
    stored = "INSERT INTO market.bar_flags VALUES (%s, %s, %s, 'outlier', 9, %s)"
    with database.transaction() as connection:
        for open_at in (HORIZON - timedelta(minutes=1), HORIZON):
            connection.execute(stored.encode(), (btc, "1m", open_at, THREE_DAYS))
    retention.drop_expired(database, Keeping({M1: 1}), THREE_DAYS)
    assert rows(database, "SELECT open_at FROM market.bar_flags ORDER BY 1")[0] == {"open_at": HORIZON}


def test_late_bars_at_the_horizon_end_as_if_they_had_always_been_there(database: Database) -> None:
    bars = random_bars(2, 0, MONDAY, M1, 4320, keep=1.0)
    late = frame(bar(0, when, price=130) for when in (HORIZON, at("6 00:07"), at("6 17:30")))
    whole, lacking = twice(database, bars, late, M1)
    roll_and_compute(database, THREE_DAYS)
    wanted = made_from(database, whole)
    retention.drop_expired(database, Keeping({M1: 1}), THREE_DAYS)
    put(database, of(late, lacking))
    roll_and_compute(database, THREE_DAYS)
    assert made_from(database, lacking) == made_from(database, whole) == wanted


def test_bars_from_before_the_horizon_are_refused_and_counted(database: Database) -> None:
    btc = add_instrument(database)
    put(database, random_bars(1, btc, MONDAY, M1, 4320, keep=1.0))
    roll_and_compute(database, THREE_DAYS)
    retention.drop_expired(database, Keeping({M1: 1}), THREE_DAYS)
    before = made_from(database, btc)
    old, new = bar(btc, HORIZON - timedelta(minutes=1), price=300), bar(btc, THREE_DAYS)
    assert put(database, frame([old])) == Ingested(expired=1)
    assert put(database, frame([old, new])) == Ingested(new=1, expired=1)
    roll(database, THREE_DAYS)
    assert made_from(database, btc) == before


def test_a_late_bar_of_a_base_that_is_kept_spares_what_another_one_left(database: Database) -> None:
    btc, eth = add_instrument(database), add_instrument(database, "ETH/USDT")
    put(database, random_bars(1, btc, MONDAY, M1, 4320))
    bars = random_bars(3, eth, MONDAY - timedelta(days=10), H1, 13 * 24, keep=1.0)
    late = pl.col("open_at") == at("4 05:00")
    put(database, bars.filter(~late), H1)
    roll_and_compute(database, THREE_DAYS)
    retention.drop_expired(database, Keeping({M1: 1}), THREE_DAYS)
    before = made_from(database, btc)
    put(database, bars.filter(late), H1)
    roll_and_compute(database, THREE_DAYS)
    assert made_from(database, btc) == before
    again = add_instrument(database, "AGAIN/USDT")
    put(database, of(bars, again), H1)
    roll_and_compute(database, THREE_DAYS)
    assert made_from(database, eth) == made_from(database, again)


def test_a_coarser_history_that_comes_later_leaves_the_days_of_dropped_bars_as_they_are(database: Database) -> None:
    btc = add_instrument(database)
    put(database, random_bars(1, btc, MONDAY, M1, 4320))
    roll_and_compute(database, THREE_DAYS)
    retention.drop_expired(database, Keeping({M1: 1}), THREE_DAYS)
    daily = "SELECT open_at, bar_count FROM market.closed_bars WHERE timeframe = '1d' AND open_at >= %s ORDER BY 1"
    before = rows(database, daily, (MONDAY,))
    put(database, random_bars(3, btc, MONDAY - timedelta(days=10), H1, 13 * 24, keep=1.0), H1)
    roll_and_compute(database, THREE_DAYS)
    assert rows(database, daily, (MONDAY,)) == before
    assert len(rows(database, daily, (LONG_AGO,))) == 13


def test_whole_chunks_go_where_nothing_of_them_is_kept(database: Database, edition: str) -> None:
    btc = add_instrument(database)
    put(database, random_bars(4, btc, LONG_AGO, H1, 2400, keep=1.0), H1)
    roll_and_compute(database, MONDAY)
    before = made_from(database, btc)
    dropped = retention.drop_expired(database, Keeping({H1: 20}), MONDAY)
    after = made_from(database, btc)
    assert (dropped.chunks > 0) == (edition == TIMESCALE)
    assert opens(database, btc, H1)[0] >= MONDAY - timedelta(days=20)
    assert after["bars_1h"] == before["bars_1h"][-len(after["bars_1h"]) :]
    assert 480 < len(after["bars_1h"]) < 1200
    for relation in ("bars_4h", "bars_1d", "indicators", "indicator_state"):
        assert after[relation] == before[relation]


def test_indicators_go_by_a_term_of_their_own_and_come_back_the_same(database: Database) -> None:
    bars = random_bars(5, 0, LONG_AGO, H1, 2400, keep=1.0)
    late = frame([bar(0, LONG_AGO + timedelta(hours=1300), price=120)])
    whole, lacking = twice(database, bars, late, H1)
    roll_and_compute(database, MONDAY)
    wanted = made_from(database, whole)["indicators"]
    assert retention.drop_expired(database, Keeping({}, indicators=10), MONDAY).rows > 2000
    put(database, of(late, lacking), H1)
    roll_and_compute(database, MONDAY)
    hourly = [row for row in wanted if row["timeframe"] == "1h" and row["n"] > 1000]
    stored = made_from(database, lacking)["indicators"]
    assert [row for row in stored if row["timeframe"] == "1h" and row["n"] > 1000] == hourly


def test_late_bars_in_compressed_chunks_end_right(database: Database, edition: str) -> None:
    bars = random_bars(6, 0, LONG_AGO, H1, 2400, keep=0.9)
    missing = LONG_AGO + timedelta(hours=77)
    bars = bars.filter(pl.col("open_at") != missing)
    late = frame([bar(0, missing), bar(0, LONG_AGO + timedelta(hours=1100), price=130)])
    whole, lacking = twice(database, bars, late, H1)
    roll_and_compute(database, MONDAY)
    wanted = made_from(database, whole)
    assert (retention.compress(database, timedelta(days=1), MONDAY) > 0) == (edition == TIMESCALE)
    assert made_from(database, whole) == wanted
    put(database, of(late, lacking), H1)
    roll_and_compute(database, MONDAY)
    assert made_from(database, lacking) == made_from(database, whole) == wanted
    assert retention.compress(database, timedelta(days=1), MONDAY) == 0
    assert made_from(database, lacking) == wanted


@pytest.mark.parametrize("days", [1, 2])
def test_what_is_not_rolled_up_yet_is_not_dropped(database: Database, days: int) -> None:
    btc = add_instrument(database)
    put(database, random_bars(1, btc, MONDAY, M1, 4320))
    roll_and_compute(database, THREE_DAYS)
    put(database, frame([bar(btc, at("4 13:13"), price=200)]))
    retention.drop_expired(database, Keeping({M1: days, D1: days}), THREE_DAYS)
    assert opens(database, btc)[0] < at("4 01:00")
    assert rows(database, "SELECT DISTINCT kept_from FROM market.retention") == [{"kept_from": MONDAY}]
