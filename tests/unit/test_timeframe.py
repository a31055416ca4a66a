"""Timeframes: the grid they lie on is UTC's, whatever zone an instant is written in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalhub.domain.timeframe import D1, H1, H4, M1, M5, M15, ROLLED_UP, TIMEFRAMES, Timeframe, parse
from signalhub.errors import UsageInvalid

frames = st.sampled_from(TIMEFRAMES)
zones = st.sampled_from([UTC, ZoneInfo("America/St_Johns"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("Europe/Berlin")])
instants = st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1), timezones=zones)


@given(timeframe=frames, instant=instants)
def test_an_instant_lies_in_the_bar_that_opens_at_its_floor(timeframe: Timeframe, instant: datetime) -> None:
    floor = timeframe.floor(instant)
    assert floor <= instant < floor + timeframe.span
    assert timeframe.floor(floor) == floor
    assert timeframe.floor(floor + timeframe.span - timedelta(microseconds=1)) == floor


@given(timeframe=frames, instant=instants)
def test_the_ceiling_is_the_floor_on_the_grid_and_the_next_open_off_it(timeframe: Timeframe, instant: datetime) -> None:
    ceil = timeframe.ceil(instant)
    assert ceil - timeframe.span < instant <= ceil
    assert timeframe.floor(ceil) == ceil


@given(timeframe=frames, instant=instants)
def test_the_grid_begins_at_midnight_utc(timeframe: Timeframe, instant: datetime) -> None:
    floor = timeframe.floor(instant)
    midnight = floor.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert (floor - midnight) % timeframe.span == timedelta(0)
    assert floor.utcoffset() == timedelta(0)


@given(finer=frames, coarser=frames, instant=instants)
def test_a_coarser_bar_is_made_of_whole_finer_ones(finer: Timeframe, coarser: Timeframe, instant: datetime) -> None:
    if finer > coarser:
        finer, coarser = coarser, finer
    assert coarser.floor(finer.floor(instant)) == coarser.floor(instant)
    assert coarser.span % finer.span == timedelta(0)


def test_timeframes_are_ordered_from_fine_to_coarse() -> None:
    assert list(TIMEFRAMES) == sorted(TIMEFRAMES, key=lambda timeframe: timeframe.span) == [M1, M5, M15, H1, H4, D1]
    assert ROLLED_UP == (M5, M15, H1, H4, D1)
    assert [timeframe.span for timeframe in (M15, D1)] == [timedelta(minutes=15), timedelta(hours=24)]


def test_codes_are_parsed_and_printed() -> None:
    assert [parse(str(timeframe)) for timeframe in TIMEFRAMES] == list(TIMEFRAMES)


@pytest.mark.parametrize("code", ["", "2h", "1H", "60", "1m "])
def test_an_unknown_code_lists_the_known_ones(code: str) -> None:
    with pytest.raises(UsageInvalid, match=r"is no timeframe\. Use one of 1m, 5m, 15m, 1h, 4h, 1d"):
        parse(code)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(TypeError):
        H1.floor(datetime(2024, 3, 4))
