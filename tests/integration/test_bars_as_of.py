"""What market.bars_as_of tells: bars as they were known at an instant, before and after corrections."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from signalhub.db.engine import Database
from signalhub.domain.timeframe import M1
from tests.market import add_instrument, at, bar, frame, put, random_bars, roll, rows

AS_OF = "SELECT open_at, close, volume, bar_count FROM market.bars_as_of('BTC/USDT', %s, %s, %s, %s)"


def test_bars_as_of_tells_old_values_before_a_correction_and_new_ones_after(database: Database) -> None:
    btc = add_instrument(database)
    put(database, frame([bar(btc, at("4 10:00"), volume=5.0), bar(btc, at("4 10:01"), price=101)]))
    put(database, frame([bar(btc, at("4 10:01"), price=90)]), now=at("6"))

    def known(timeframe: str, instant: datetime) -> list[tuple[Any, ...]]:
        found = rows(database, AS_OF, (timeframe, at("4"), at("5"), instant))
        return [tuple(row.values()) for row in found]

    hour = at("4 10:00")
    assert known("1m", at("4 10:01")) == [(hour, 100, 5, 1)]
    assert known("1h", at("4 10:59")) == []
    assert known("1h", at("4 11:00")) == [(hour, 101, 7, 2)]
    assert known("1h", at("6") - timedelta(microseconds=1)) == [(hour, 101, 7, 2)]
    assert known("1h", at("6")) == [(hour, 90, 7, 2)]
    assert known("1d", at("6")) == [(at("4"), 90, 7, 2)]


def test_bars_as_of_gives_whole_bars_that_open_within_the_span(database: Database) -> None:
    btc = add_instrument(database)
    put(database, frame(bar(btc, at("4 10:00") + timedelta(minutes=minute), volume=1.0) for minute in range(180)))
    found = rows(database, AS_OF, ("1h", at("4 10:30"), at("4 11:30"), at("5")))
    assert [(row["open_at"], row["bar_count"]) for row in found] == [(at("4 11:00"), 60)]


def test_bars_as_of_equals_the_rollups_when_everything_is_known(database: Database) -> None:
    btc = add_instrument(database)
    bars = random_bars(8, btc, at("4"), M1, 2880)
    put(database, bars)
    put(database, bars.slice(500, 300).with_columns(pl.col("volume") + 1.0), now=at("7"))
    roll(database)
    now = "SELECT open_at, open, high, low, close, bar_count FROM analytics.bars WHERE timeframe = '4h' ORDER BY 1"
    then = "SELECT open_at, open, high, low, close, bar_count FROM market.bars_as_of('BTC/USDT', '4h', %s, %s, %s)"
    assert rows(database, then, (at("4"), at("6"), at("7"))) == rows(database, now)
