"""Times in the user's files: many forms, many units, and never a guessed zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalhub.errors import DataUnusable, UsageInvalid
from signalhub.feeds.files import read_file
from tests.unit.bar_files import GOOD, HEADER, NEW_YEAR, NONE, NOW, Read, read_rows


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-02T03:00:00Z",
        "2024-01-02 03:00:00Z",
        "2024-01-02T03:00Z",
        "2024-01-02T03:00:00.000Z",
        "2024-01-02 03:00:00.000000+00:00",
        "2024-01-02 03:00:00 UTC",
        "2024-01-02T05:00:00+02:00",
        "2024-01-02T05:00:00+0200",
        "2024-01-01T23:30:00-03:30",
        "2024/01/02 03:00:00+00",
        "1704164400",
        "1704164400.0",
        "1704164400000",
        "1704164400000000",
        "1704164400000000000",
    ],
)
def test_times_are_read_in_many_forms(read: Read, text: str) -> None:
    parsed = read_rows(read, f"{text},10,12,9,11,5")
    assert parsed.bars["open_at"].to_list() == [datetime(2024, 1, 2, 3, tzinfo=UTC)]


@given(
    hours=st.lists(st.integers(0, 24 * 365 * 20), min_size=1, max_size=30, unique=True),
    per_second=st.sampled_from([1, 1_000, 1_000_000, 1_000_000_000]),
)
@settings(max_examples=40, deadline=None)
def test_an_epoch_of_any_unit_is_the_same_instant(
    tmp_path_factory: pytest.TempPathFactory, hours: list[int], per_second: int
) -> None:
    opens = [datetime(2003, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in hours]
    path = tmp_path_factory.mktemp("epochs") / "BTCUSDT_1h.csv"
    rows = (f"{round(open_at.timestamp()) * per_second},10,12,9,11,5" for open_at in opens)
    path.write_text("\n".join([HEADER, *rows]))
    assert read_file(path, NONE, NOW).bars["open_at"].to_list() == sorted(opens)


def test_one_wrong_number_does_not_change_the_unit_of_the_others(read: Read) -> None:
    rows = (f"{stamp},10,12,9,11,5" for stamp in (1704164400, 1704168000, 99999999999999999999, 1704171600))
    parsed = read_rows(read, *rows)
    assert parsed.bars["open_at"][0] == datetime(2024, 1, 2, 3, tzinfo=UTC)
    assert parsed.rejects.rows() == [
        (4, "time is not readable: 99999999999999999999", "99999999999999999999,10,12,9,11,5")
    ]


def test_times_without_a_zone_are_one_error_that_suggests_one(read: Read) -> None:
    rows = ("2024-01-01 00:00:00,10,12,9,11,5", "nonsense,10,12,9,11,5")
    with pytest.raises(DataUnusable, match=r"BTCUSDT_1h\.csv has times without a zone.*--timezone UTC"):
        read_rows(read, *rows)
    assert read_rows(read, *rows, timezone="UTC").bars["open_at"].to_list() == [NEW_YEAR]


def test_among_times_with_a_zone_one_without_is_one_bad_row(read: Read) -> None:
    parsed = read_rows(read, GOOD, "2024-01-01 01:00:00,10,12,9,11,5")
    assert parsed.bars.height == 1
    assert parsed.rejects["reason"].to_list() == ["time has no zone: 2024-01-01 01:00:00"]


def test_local_times_that_do_not_exist_once_are_rejected(read: Read) -> None:
    stamps = ("2023-03-26 02:00:00", "2023-10-29 02:00:00", "2023-10-29 03:00:00", "2023-07-01T00:00:00Z")
    rows = (f"{stamp},10,12,9,11,5" for stamp in stamps)
    parsed = read_rows(read, *rows, timezone="Europe/Berlin")
    assert parsed.rejects["line"].to_list() == [2, 3]
    assert parsed.bars["open_at"].to_list() == [
        datetime(2023, 7, 1, tzinfo=UTC),
        datetime(2023, 10, 29, 2, tzinfo=UTC),
    ]


@pytest.mark.parametrize("day", ["2024-01-02", "20240102", "2024/01/02"])
@pytest.mark.parametrize("timezone", [None, "Asia/Tokyo"])
def test_dates_alone_are_fine_for_days_in_any_zone(read: Read, day: str, timezone: str | None) -> None:
    parsed = read_rows(read, f"{day},10,12,9,11,5", name="AAPL_1d.csv", timezone=timezone)
    assert parsed.bars["open_at"].to_list() == [datetime(2024, 1, 2, tzinfo=UTC)]


def test_dates_alone_are_not_enough_for_hours(read: Read) -> None:
    with pytest.raises(DataUnusable, match="times without a zone"):
        read_rows(read, "2024-01-02,10,12,9,11,5")


def test_an_unknown_zone_is_named(read: Read) -> None:
    with pytest.raises(UsageInvalid, match="'Mars/Olympus' is no time zone"):
        read_rows(read, GOOD, timezone="Mars/Olympus")


@pytest.mark.parametrize(
    "times",
    [
        [date(2024, 1, 2)],
        [datetime(2024, 1, 2)],
        [datetime(2024, 1, 2, tzinfo=UTC)],
        [1704153600],
        [1704153600000],
        [20240102],
        ["2024-01-02"],
    ],
)
def test_parquet_days_come_in_many_types(times: list[Any], tmp_path: Path) -> None:
    path = tmp_path / "AAPL_1d.parquet"
    pl.DataFrame({"date": times, "o": 10, "h": 12.0, "l": 9, "c": "11"}).write_parquet(path)
    assert read_file(path, NONE, NOW).bars["open_at"].to_list() == [datetime(2024, 1, 2, tzinfo=UTC)]
