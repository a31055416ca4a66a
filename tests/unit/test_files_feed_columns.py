"""The user's files as tables: columns by their names, separators, packings, and what is no table at all."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from signalhub.domain.bar import BAR_SCHEMA
from signalhub.errors import DataUnusable
from signalhub.feeds.file_columns import recognise
from signalhub.feeds.files import read_file
from tests.unit.bar_files import GOOD, HEADER, NEW_YEAR, NONE, NOW, Read


@pytest.mark.parametrize(
    "header",
    [
        "ts,open,high,low,close,volume,quote_volume",
        "Timestamp,O,H,L,C,V,Turnover",
        "DATE,OPEN,HIGH,LOW,CLOSE,VOL,Quote Asset Volume",
        '"Open Time","Open","High","Low","Close","Volume","Quote Volume"',
        "open_at,open,high,low,close,volume,turnover",
    ],
)
def test_columns_go_by_their_common_names(read: Read, header: str) -> None:
    bars = read(header, "2024-01-01T00:00:00Z,10,12,9,11,5,52").bars
    assert bars.row(0) == (NEW_YEAR, 10.0, 12.0, 9.0, 11.0, 5.0, 52.0)
    assert bars.schema == pl.Schema(BAR_SCHEMA)


def test_the_clearer_of_two_time_columns_wins() -> None:
    assert recognise(["date", "open_time", "close"]) == {"time": "open_time", "close": "close"}


def test_columns_stand_in_any_order_and_unknown_ones_are_ignored(read: Read) -> None:
    bars = read("close,note,volume,ts,low,high,open", "11,hello,5,2024-01-01T00:00:00Z,9,12,10").bars
    assert bars.row(0) == (NEW_YEAR, 10.0, 12.0, 9.0, 11.0, 5.0, None)


@pytest.mark.parametrize(
    "lines", [("ts,open,high,low,close", GOOD.rsplit(",", 1)[0]), (HEADER, GOOD.rsplit(",", 1)[0] + ",")]
)
def test_without_any_volume_it_is_zero(read: Read, lines: tuple[str, ...]) -> None:
    parsed = read(*lines)
    assert parsed.bars["volume"].to_list() == [0.0]
    assert parsed.rejects.is_empty()


def test_a_file_without_our_columns_names_the_found_and_the_missing(read: Read) -> None:
    with pytest.raises(DataUnusable, match=r"no column for open, close.* names: when, ts, h, l"):
        read("when,ts,h,l", "1,2,3,4")
    with pytest.raises(DataUnusable, match="two columns, date and time"):
        read("date,time,open,high,low,close", "2024-01-01,00:00,1,1,1,1")


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\n\n"])
def test_separators_line_ends_and_a_byte_order_mark_do_not_matter(
    mark: str, ending: str, start: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "BTCUSDT_1h.csv"
    path.write_bytes(start + ending.join([HEADER, GOOD, "", ""]).replace(",", mark).encode())
    parsed = read_file(path, NONE, NOW)
    assert parsed.bars.row(0) == (NEW_YEAR, 10.0, 12.0, 9.0, 11.0, 5.0, None)
    assert parsed.rows_read == 1


def test_csv_gzip_and_parquet_give_the_same_bars(tmp_path: Path) -> None:
    text = "\n".join([HEADER, *(f"2024-01-01T{hour:02}:00:00Z,10,12,9,11,{hour}.5" for hour in range(24))])
    plain, packed, columnar = (tmp_path / f"BTCUSDT_1h{suffix}" for suffix in (".csv", ".csv.gz", ".parquet"))
    plain.write_text(text)
    packed.write_bytes(gzip.compress(text.encode(), mtime=0))
    bars = read_file(plain, NONE, NOW).bars
    bars.rename({"open_at": "ts"}).write_parquet(columnar)
    assert bars.height == 24
    assert_frame_equal(read_file(packed, NONE, NOW).bars, bars)
    assert_frame_equal(read_file(columnar, NONE, NOW).bars, bars)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("A_1h.csv", b"", "is empty"),
        ("A_1h.csv", b"\n \n", "is empty"),
        ("A_1h.csv", HEADER.encode(), "is empty: it holds no rows"),
        ("A_1h.csv", b"\x89PNG\x01\x02\x01\n\x00\x01\x01", "is not a csv file"),
        ("A_1h.csv.gz", gzip.compress(GOOD.encode() * 99, mtime=0)[:40], "cannot be read: "),
        ("A_1h.csv.gz", b"\x1f\x8bnonsense", "cannot be read: "),
        ("A_1h.parquet", b"PAR1 nonsense PAR1", "cannot be read as parquet: "),
        ("A_1h.xlsx", b"PK", r"is neither \.csv, \.csv\.gz nor \.parquet"),
    ],
)
def test_a_file_that_is_no_table_is_one_clear_line(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataUnusable, match=message) as caught:
        read_file(path, NONE, NOW)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataUnusable, match=r"A_1h\.csv: there is no such file"):
        read_file(tmp_path / "A_1h.csv", NONE, NOW)
