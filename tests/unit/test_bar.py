"""What is a bar and what is none: the last look before the store."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import polars as pl
import pytest

from signalhub.domain.bar import BAR_SCHEMA, empty_bars, usable
from signalhub.domain.timeframe import H1, M1
from signalhub.feeds.ccxt_values import bars_of

NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)
GOOD = {"open_at": NOON, "open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 1.0, "turnover": None}
LATER = NOON + timedelta(days=1)


def bars(*changes: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([GOOD | change for change in changes], schema=BAR_SCHEMA)


def test_what_is_in_order_comes_back_as_it_is() -> None:
    given = bars({"open_at": NOON + M1.span}, {}, {"open_at": NOON - M1.span, "volume": 0.0, "turnover": 0.0})
    assert usable(given, M1, LATER) is given
    assert usable(empty_bars(), M1, LATER).is_empty()


@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume", "turnover"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1.0])
def test_what_is_no_number_is_no_bar(column: str, value: float) -> None:
    assert usable(bars({}, {"open_at": NOON + M1.span, column: value}), M1, LATER).equals(bars({}))


@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume"])
def test_what_is_missing_makes_no_bar(column: str) -> None:
    assert usable(bars({column: None}), M1, LATER).is_empty()


@pytest.mark.parametrize(
    "changes", [{"high": 10.5}, {"low": 10.5}, {"low": 0.0}, {"high": 8.0}, {"open_at": NOON + timedelta(seconds=1)}]
)
def test_what_contradicts_itself_or_is_off_the_grid_is_no_bar(changes: dict[str, Any]) -> None:
    assert usable(bars(changes), M1, LATER).is_empty()


def test_the_grid_is_that_of_the_timeframe() -> None:
    assert usable(bars({"open_at": NOON + timedelta(minutes=30)}, {}), H1, LATER).equals(bars({}))


def test_a_bar_that_has_not_closed_is_none_yet_whatever_zone_the_clock_speaks() -> None:
    there = timezone(timedelta(hours=5, minutes=30))
    for now in (NOON + M1.span, (NOON + M1.span).astimezone(there)):
        assert usable(bars({}, {"open_at": NOON + M1.span}), M1, now).equals(bars({}))
    assert usable(bars({}), M1, NOON + M1.span - timedelta(microseconds=1)).is_empty()


def test_of_two_answers_for_one_bar_the_last_counts_for_its_instrument_alone() -> None:
    twice = bars({"close": 10.0}, {"open_at": NOON - M1.span}, {})
    assert usable(twice, M1, LATER).equals(bars({"open_at": NOON - M1.span}, {}))
    of_two = bars({"close": 10.0}, {}).with_columns(instrument_id=pl.Series([1, 2], dtype=pl.Int32))
    assert usable(of_two, M1, LATER) is of_two


@pytest.mark.parametrize("place", range(1, 6))
def test_an_exchange_that_gives_no_numbers_gives_no_bars(place: int) -> None:
    candle: list[float] = [NOON.timestamp() * 1000, 10.0, 12.0, 9.0, 11.0, 1.0]
    candle[place] = math.nan
    found, unusable = bars_of([candle], NOON, LATER)
    assert (found.height, unusable) == (0, 1)
