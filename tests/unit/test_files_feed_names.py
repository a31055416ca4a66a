"""Which of the user's files are read, and what their names and folders tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from signalhub.domain import timeframe as timeframes
from signalhub.errors import DataUnusable, UsageInvalid
from signalhub.feeds.file_names import NameParts, parse_name, spec_of, timeframe_of
from signalhub.feeds.files import FileOptions, find_files
from tests.unit.bar_files import NONE, touch


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
