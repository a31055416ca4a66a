"""Reading the user's files: names, columns, times, and every row judged for itself."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from signalhub.domain import timeframe as timeframes
from signalhub.domain.bar import BAR_SCHEMA
from signalhub.errors import DataUnusable, UsageInvalid
from signalhub.feeds.file_columns import recognise
from signalhub.feeds.file_names import NameParts, parse_name, spec_of, timeframe_of
from signalhub.feeds.files import REJECT_SCHEMA, FileOptions, ParsedFile, find_files, read_file

NOW = datetime(2024, 1, 10, tzinfo=UTC)
NEW_YEAR = datetime(2024, 1, 1, tzinfo=UTC)
HEADER = "ts,open,high,low,close,volume"
GOOD = "2024-01-01T00:00:00Z,10,12,9,11,5"
NONE = FileOptions()
SHARED = Path(__file__).parents[3] / "shared" / "data" / "ohlcv"

Read = Callable[..., ParsedFile]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Writes lines (or bytes) into a file of a name and reads it."""

    def write_and_read(*lines: str, name: str = "BTCUSDT_1h.csv", **options: Any) -> ParsedFile:
        path = tmp_path / name
        path.write_bytes("\n".join(lines).encode())
        return read_file(path, FileOptions(**options), NOW)

    return write_and_read


def read_rows(read: Read, *rows: str, **options: Any) -> ParsedFile:
    return read(HEADER, *rows, **options)


def touch(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{HEADER}\n{GOOD}\n")
    return [folder / name for name in names]


# --- names ---


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("BTCUSDT_1h__binance-octo_201804.csv.gz", NameParts("BTCUSDT", "1h", "binance")),
        ("BTCUSD_PERP_1h__binance_202008.csv.gz", NameParts("BTCUSD_PERP", "1h", "binance")),
        ("XRPUSDT_PERP_5m__swap-last_202111.csv.gz", NameParts("XRPUSDT_PERP", "5m", "swap")),
        ("BTCUSDT-1h.csv", NameParts("BTCUSDT", "1h", None)),
        ("BTCUSDT-1h-2024-05.csv", NameParts("BTCUSDT", "1h", None)),
        ("AAPL_1d.parquet", NameParts("AAPL", "1d", None)),
        ("ADABTC_1M__binance_201711.csv", NameParts("ADABTC", "1M", "binance")),
        ("ADABTC_1m__binance_201711.csv", NameParts("ADABTC", "1m", "binance")),
        ("EURUSD_1H.CSV", NameParts("EURUSD", "1h", None)),
        ("BTCUSDT.csv", NameParts("BTCUSDT", None, None)),
        ("prices.csv", NameParts(None, None, None)),
    ],
)
def test_a_name_tells_symbol_timeframe_and_venue(name: str, parts: NameParts) -> None:
    assert parse_name(Path(name)) == parts


@pytest.mark.parametrize(
    ("path", "symbol", "venue", "asset_class"),
    [
        ("crypto/BTCUSDT_1h__binance-octo_201804.csv.gz", "BTC/USDT", "binance", "crypto"),
        ("derivatives/BTCUSD_PERP_1h__binance_202008.csv.gz", "BTC/USD_PERP", "binance", "crypto"),
        ("forex/XAUUSD_1d__oanda_200603.csv.gz", "XAU/USD", "oanda", "forex"),
        ("index/SPXUSD_1d.csv", "SPXUSD", "file", "index"),
        ("equity/2020/AAPL_1d__us_1998.csv", "AAPL", "us", "equity"),
        ("elsewhere/XAUUSD_1d.csv", "XAU/USD", "file", "commodity"),
        ("elsewhere/EURUSD_1d.csv", "EUR/USD", "file", "forex"),
        ("elsewhere/AAPL_1d.csv", "AAPL", "file", "equity"),
    ],
)
def test_the_instrument_comes_from_name_and_folder(
    path: str, symbol: str, venue: str, asset_class: str, tmp_path: Path
) -> None:
    spec = spec_of(tmp_path / path, NONE)
    assert (spec.symbol, spec.venue, spec.asset_class) == (symbol, venue, asset_class)


def test_options_stand_above_the_name() -> None:
    options = FileOptions("My-Own", "index", "5m", "desk", calendar="XFRA")
    path = Path("crypto/BTCUSDT_1h__binance_201804.csv")
    spec = spec_of(path, options)
    assert (spec.symbol, spec.venue, spec.asset_class, spec.calendar) == ("My-Own", "desk", "index", "XFRA")
    assert timeframe_of(path, options) == timeframes.M5


def test_a_folder_gives_its_usable_files_by_name_and_the_reasons_for_the_others(tmp_path: Path) -> None:
    good = touch(tmp_path, "a/ETHUSDT_1m.csv", "b/BTCUSDT_1h.csv.gz", "b/c/AAPL_1d.parquet")
    touch(tmp_path, "a/X_3m.csv", "a/X_1M.csv", "a/X_12h.csv", "a/X_1w.csv", "a/BTCUSDT.csv", "a/notes.txt")
    usable, skipped = find_files([tmp_path], NONE)
    assert usable == good
    reasons = {path.name: reason for path, reason in skipped}
    assert set(reasons) == {"X_3m.csv", "X_1M.csv", "X_12h.csv", "X_1w.csv", "BTCUSDT.csv"}
    assert reasons["X_1M.csv"].startswith("its timeframe 1M is not one of")
    assert reasons["BTCUSDT.csv"] == "its name holds no timeframe; give --timeframe"


def test_a_file_given_twice_is_read_once(tmp_path: Path) -> None:
    (path,) = touch(tmp_path, "BTCUSDT_1h.csv")
    assert find_files([path, tmp_path, path], NONE)[0] == [path]


def test_in_a_folder_the_timeframe_option_does_not_rename_other_timeframes(tmp_path: Path) -> None:
    touch(tmp_path, "A_1m.csv", "A_1h.csv", "BTCUSDT.csv")
    usable, skipped = find_files([tmp_path], FileOptions(timeframe="1h"))
    assert [path.name for path in usable] == ["A_1h.csv", "BTCUSDT.csv"]
    assert skipped == [(tmp_path / "A_1m.csv", "its timeframe is 1m by its name, not 1h")]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("BTCUSDT.csv", "holds no timeframe; give --timeframe"),
        ("BTCUSDT_1M.csv", "its timeframe 1M is not one of"),
        ("prices.txt", r"only \.csv\.gz, \.csv, \.parquet can be read"),
    ],
)
def test_a_file_named_directly_that_cannot_be_used_is_an_error(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataUnusable, match=message):
        find_files(touch(tmp_path, name), NONE)


def test_nothing_usable_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DataUnusable, match=r"^No usable file in [^\n]+: there is no [^\n]+ file\.$"):
        find_files([tmp_path], NONE)
    touch(tmp_path, "A_3m.csv", "B_3m.csv")
    with pytest.raises(DataUnusable, match=r"^No usable file in [^\n]+A_3m\.csv[^\n]+\(2 skipped\)\.$"):
        find_files([tmp_path], NONE)
    with pytest.raises(DataUnusable, match="there is no such file"):
        find_files([tmp_path / "gone.csv"], NONE)


def test_wrong_options_are_named(tmp_path: Path) -> None:
    paths = touch(tmp_path, "BTCUSDT_1h.csv")
    with pytest.raises(UsageInvalid, match="'3m' is no timeframe"):
        find_files(paths, FileOptions(timeframe="3m"))
    with pytest.raises(UsageInvalid, match="'stocks' is no asset class"):
        find_files(paths, FileOptions(asset_class="stocks"))


# --- columns ---


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


# --- times ---


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


# --- rows ---


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
