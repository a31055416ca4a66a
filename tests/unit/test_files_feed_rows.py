"""Rows of the user's files, every one judged for itself: a bar, or a reject with its reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalhub.domain import timeframe as timeframes
from signalhub.domain.bar import BAR_SCHEMA
from signalhub.errors import DataUnusable
from signalhub.feeds.files import REJECT_SCHEMA, find_files, read_file
from tests.unit.bar_files import GOOD, HEADER, NEW_YEAR, NONE, NOW, Read, read_rows

SHARED = Path(__file__).parents[3] / "shared" / "data" / "ohlcv"


def test_parquet_rows_are_judged_like_lines(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT_1h.parquet"
    frame = {
        "ts": [NEW_YEAR, None, NEW_YEAR],
        "o": [10, 10, 10],
        "h": [12, 12, 12],
        "l": [9, 9, None],
        "c": 11,
    }
    pl.DataFrame(frame).write_parquet(path)
    parsed = read_file(path, NONE, NOW)
    assert parsed.bars.height == 1
    assert parsed.rejects["line"].to_list() == [2, 3]
    assert parsed.rejects["reason"].to_list() == ["time is missing", "low is missing"]
    pl.DataFrame({**frame, "o": [True, True, True]}).write_parquet(path)
    with pytest.raises(DataUnusable, match="column o holds Boolean, not numbers"):
        read_file(path, NONE, NOW)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2024-01-01T01:00:00Z,10,12,9,11", "fields too few for the header: 1"),
        ("2024-01-01T01:00:00Z,10,12,9,11,5,6,7", "fields too many for the header: 2"),
        ("tomorrow,10,12,9,11,5", "time is not readable: tomorrow"),
        ("2024-02-30T00:00:00Z,10,12,9,11,5", "time is not readable: 2024-02-30T00:00:00Z"),
        (",10,12,9,11,5", "time is missing"),
        ("2024-01-01T01:00:00Z,ten,12,9,11,5", "open is not a number: ten"),
        ("2024-01-01T01:00:00Z,10,12,,11,5", "low is missing"),
        ("2024-01-01T01:00:00Z,10,12,9,11,", "volume is missing"),
        ("2024-01-01T01:00:00Z,10,NaN,9,11,5", "high is not finite: NaN"),
        ("2024-01-01T01:00:00Z,10,inf,9,11,5", "high is not finite: inf"),
        ("2024-01-01T01:00:00Z,10,12,0,11,5", "price is not positive: 0.0"),
        ("2024-01-01T01:00:00Z,10,12,-9,11,5", "price is not positive: -9.0"),
        ("2024-01-01T01:00:00Z,10,12,9,11,-5", "volume is negative: -5.0"),
        ("2024-01-01T01:00:00Z,10,9,12,11,5", "high 9.0 is below low 12.0"),
        ("2024-01-01T01:00:00Z,10,10.5,9,11,5", "high is below open or close: 10.5"),
        ("2024-01-01T01:00:00Z,10,12,10.5,11,5", "low is above open or close: 10.5"),
        ("2024-01-01T01:40:00Z,10,12,9,11,5", "off the 1h grid: the nearest open is 2024-01-01T02:00:00Z"),
        (
            "2024-01-01T01:00:00.001Z,10,12,9,11,5",
            "off the 1h grid: the nearest open is 2024-01-01T01:00:00Z",
        ),
        ("2024-01-10T00:00:00Z,10,12,9,11,5", "bar not closed yet: it closes at 2024-01-10T01:00:00Z"),
        ("2024-01-01T00:00:00Z,10,12,9,11,5", "duplicate time: 2024-01-01T00:00:00Z"),
        ("2024-01-01T00:00:00Z,1,2,1,1,7", "duplicate time: 2024-01-01T00:00:00Z"),
    ],
)
def test_a_bad_row_is_rejected_with_its_reason_and_the_others_stay(read: Read, row: str, reason: str) -> None:
    last = "2024-01-02T00:00:00Z,10,12,9,11,5"
    parsed = read_rows(read, GOOD, row, last)
    assert parsed.rejects.rows() == [(3, reason, row)]
    assert parsed.rejects.schema == pl.Schema(REJECT_SCHEMA)
    assert parsed.bars["open_at"].to_list() == [NEW_YEAR, NEW_YEAR + timedelta(days=1)]
    assert parsed.bars["volume"].to_list() == [5.0, 5.0]
    assert parsed.rows_read == 3


def test_a_bar_that_closes_now_is_closed(read: Read) -> None:
    assert read_rows(read, "2024-01-09T23:00:00Z,10,12,9,11,5").bars.height == 1


def test_of_two_rows_of_one_time_the_first_good_one_stays(read: Read) -> None:
    bad, first, second = (f"2024-01-01T00:00:00Z,10,12,9,11,{volume}" for volume in ("-1", "2", "3"))
    parsed = read_rows(read, bad, first, second)
    assert parsed.bars["volume"].to_list() == [2.0]
    assert parsed.rejects["line"].to_list() == [2, 4]


def test_rows_in_any_order_become_ascending_bars(read: Read) -> None:
    rows = [f"2024-01-01T{hour:02}:00:00Z,10,12,9,11,{hour}" for hour in (5, 3, 9, 3, 1)]
    parsed = read_rows(read, *rows)
    assert parsed.bars["volume"].to_list() == [1.0, 3.0, 5.0, 9.0]
    assert parsed.rejects["line"].to_list() == [5]


def test_line_numbers_count_blank_lines_and_the_header(read: Read) -> None:
    parsed = read("", HEADER, "", GOOD, "   ", "x,10,12,9,11,5")
    assert parsed.rejects["line"].to_list() == [6]
    assert parsed.rows_read == 2


def test_spaces_and_quotes_around_values_do_no_harm(read: Read) -> None:
    parsed = read_rows(read, '"2024-01-01T00:00:00Z" , "10", 12 ,9,"11",5')
    assert parsed.bars.row(0) == (NEW_YEAR, 10.0, 12.0, 9.0, 11.0, 5.0, None)


def test_an_empty_turnover_is_unknown_and_a_wrong_one_is_rejected(read: Read) -> None:
    rows = [f"2024-01-01T0{hour}:00:00Z,10,12,9,11,5,{value}" for hour, value in enumerate(("52", "", "x", "-1"))]
    parsed = read(f"{HEADER},turnover", *rows)
    assert parsed.bars["turnover"].to_list() == [52.0, None]
    assert parsed.rejects["reason"].to_list() == ["turnover is not a number: x", "turnover is negative: -1.0"]


def test_a_file_of_bad_rows_alone_is_all_rejects(read: Read) -> None:
    parsed = read_rows(read, "x,1,1,1,1,1", "y,1,1,1,1,1")
    assert (parsed.bars.height, parsed.rejects.height, parsed.rows_read) == (0, 2, 2)
    assert parsed.bars.schema == pl.Schema(BAR_SCHEMA)


CELLS = st.sampled_from(["10", "12", "9", "0", "-3", "", "x", "nan", "inf", " 11 ", "1e3", '"8"'])
STAMPS = st.sampled_from(
    [
        "2024-01-01T00:00:00Z",
        "2024-01-01 01:00:00+00:00",
        "2024-01-01T00:30:00Z",
        "2031-01-01T00:00:00Z",
        "",
        "?",
    ]
)


@given(rows=st.lists(st.tuples(STAMPS, st.lists(CELLS, min_size=4, max_size=6)), min_size=1, max_size=15))
@settings(max_examples=150, deadline=None)
def test_each_row_becomes_one_valid_bar_or_one_reject(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, list[str]]]
) -> None:
    path = tmp_path_factory.mktemp("rows") / "BTCUSDT_1h.csv"
    path.write_text("\n".join([HEADER, *(",".join([stamp, *cells]) for stamp, cells in rows)]))
    parsed = read_file(path, NONE, NOW)
    bars, opens = parsed.bars, parsed.bars["open_at"].to_list()
    assert parsed.rows_read == len(rows) == bars.height + parsed.rejects.height
    assert opens == sorted(set(opens))
    assert all(timeframes.H1.floor(open_at) == open_at and open_at < NOW for open_at in opens)
    low, high = pl.min_horizontal("open", "close"), pl.max_horizontal("open", "close")
    valid = (pl.col("low") > 0) & (pl.col("low") <= low) & (pl.col("high") >= high) & (pl.col("volume") >= 0)
    assert bars.select(valid.fill_null(False).all()).item()
    assert parsed.rejects["reason"].null_count() == 0
    assert parsed.rejects["line"].is_sorted()


@pytest.mark.real_data
@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared market data is not beside this checkout")
def test_real_files_lose_only_the_rows_known_to_be_off_the_grid() -> None:
    files, skipped = find_files([SHARED], NONE)
    parsed = [read_file(path, NONE, datetime.now(UTC)) for path in files]
    lost = {item.path.name: item.rejects.height for item in parsed if item.rejects.height}
    assert lost == {"NEOBTC_4h__binance-octo_201804.csv.gz": 9}
    assert all("is not one of" in reason for _, reason in skipped)
