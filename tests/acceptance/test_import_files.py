"""`signalhub import` of good files as a newcomer has them: of every kind, from folders, once more, corrected."""

from __future__ import annotations

import gzip
import shutil
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.acceptance.commands import environment, signalhub
from tests.acceptance.fingerprint import fingerprint
from tests.acceptance.imports import START, assert_said, bars_of, instrument, lines, write
from tests.acceptance.places import migrated, on_a_terminal


@pytest.fixture(scope="module")
def env(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One database for all tests that bring symbols of their own, or nothing."""
    return migrated(url, tmp_path_factory.mktemp("home"))


def test_csv_gz_and_parquet_of_the_same_bars_give_the_same_rows(url: str, env: dict[str, str], tmp_path: Path) -> None:
    plain = write(tmp_path / "KINDAUSDT_1h.csv", lines())
    packed = tmp_path / "KINDBUSDT_1h__somewhere_202403.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    columns = tmp_path / "KINDCUSDT_1h.parquet"
    pl.read_csv(plain, try_parse_dates=True).write_parquet(columns)
    assert_said(signalhub(env, "import", plain, packed, columns), "3 files, 9 rows read: 9 new, 0 corrected")
    first, second, third = (bars_of(url, f"KIND{letter}/USDT") for letter in "ABC")
    assert first == second == third
    assert first[0] == (START, 100.0, 102.0, 98.0, 101.0, 5.5)
    assert len(first) == 3
    assert instrument(url, "KINDB/USDT") == [("somewhere", "crypto", "24/7")]
    assert instrument(url, "KINDA/USDT") == [("file", "crypto", "24/7")]


def test_options_stand_above_what_the_name_says(url: str, env: dict[str, str], tmp_path: Path) -> None:
    path = write(tmp_path / "WRONGUSDT_1d__nowhere.csv", lines(5, timedelta(minutes=15)))
    options = ("--symbol", "OPT", "--asset-class", "equity", "--timeframe", "15m", "--venue", "desk")
    assert_said(signalhub(env, "import", path, *options, "--calendar", "24/7"), "5 new")
    assert instrument(url, "OPT") == [("desk", "equity", "24/7")]
    assert instrument(url, "WRONG/USDT") == []
    assert len(bars_of(url, "OPT", "15m")) == 5


@pytest.mark.parametrize(
    ("header", "time"),
    [
        ("timestamp;o;h;l;c;v", "{seconds}"),
        ("Time,O,H,L,C,V", "{millis}"),
        ("open_at,Open,High,Low,Close,Vol", "{iso}+00:00"),
        ("date\topen\thigh\tlow\tclose\tvolume", "{iso}Z"),
    ],
)
def test_columns_and_times_are_recognised_by_their_common_names(
    header: str, time: str, url: str, env: dict[str, str], tmp_path: Path
) -> None:
    mark = next(mark for mark in ",;\t" if mark in header)
    symbol = f"COL{'XYZW'[',;	'.index(mark)] if header[0] != 'o' else 'W'}"
    times = [START + timedelta(hours=index) for index in range(3)]
    rows = [
        time.format(seconds=int(at.timestamp()), millis=int(at.timestamp()) * 1000, iso=f"{at:%Y-%m-%dT%H:%M:%S}")
        + mark
        + mark.join(("100", "102", "98", "101", "5.5"))
        for at in times
    ]
    path = write(tmp_path / f"{symbol}USDT-1h.csv", rows, header)
    assert_said(signalhub(env, "import", path), "3 new")
    assert [row[0] for row in bars_of(url, f"{symbol}/USDT")] == times


def test_an_import_repeated_changes_nothing_and_says_so_and_a_corrected_bar_is_counted(
    database_url: str, tmp_path: Path
) -> None:
    env = environment(tmp_path / "home", database_url)
    path = write(tmp_path / "BTCUSDT_1h__desk.csv", lines(30))
    first = signalhub(env, "import", path)
    assert_said(first, "1 file, 30 rows read: 30 new, 0 corrected, 0 unchanged, 0 rejected")
    assert "Nothing changed" not in first.stdout
    before = fingerprint(database_url)
    assert before["bars"][0] == 30
    assert_said(signalhub(env, "import", path), "0 new, 0 corrected, 30 unchanged", "Nothing changed: all of it was")
    assert fingerprint(database_url) == before
    write(path, [*lines(29), lines(30, price=103.0)[29]])
    assert_said(signalhub(env, "import", path), "0 new, 1 corrected, 29 unchanged")
    after = fingerprint(database_url)
    assert after["revisions"][0] == before["revisions"][0] + 1
    assert after["bars"][0] == 30


def test_dates_alone_are_fine_for_days(url: str, env: dict[str, str], tmp_path: Path) -> None:
    days = [line.replace("T00:00:00Z", "") for line in lines(3, timedelta(days=1))]
    assert_said(signalhub(env, "import", write(tmp_path / "DAYUSDT_1d.csv", days)), "3 new")
    assert [row[0] for row in bars_of(url, "DAY/USDT", "1d")] == [START + timedelta(days=day) for day in range(3)]


def test_a_folder_is_walked_and_timeframes_that_are_not_ours_are_skipped_by_name(
    url: str, env: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    write(folder / "crypto" / "FOLDUSDT_1h.csv", lines())
    write(folder / "forex" / "EURGBP_1h.csv", lines())
    write(folder / "FOLDUSDT_1w.csv", lines())
    write(folder / "FOLDUSDT_1M.csv", lines())
    write(folder / "README.txt", [])
    done = signalhub(env, "import", folder)
    assert_said(done, "2 files, 6 rows read: 6 new", "Skipped FOLDUSDT_1w.csv: its timeframe 1w is not one of")
    assert "Skipped FOLDUSDT_1M.csv: its timeframe 1M" in done.stdout
    assert instrument(url, "EUR/GBP") == [("file", "forex", "24/5")]


def test_a_second_file_of_a_symbol_goes_to_the_same_instrument(url: str, env: dict[str, str], tmp_path: Path) -> None:
    first = write(tmp_path / "one.csv", lines(2))
    second = write(tmp_path / "OTHERUSDT_1h__elsewhere.csv", lines(4)[2:])
    options = ("--symbol", "SAME/USDT", "--timeframe", "1h")
    assert_said(signalhub(env, "import", first, *options, "--venue", "desk"), "2 new")
    assert_said(signalhub(env, "import", second, *options), "2 new")
    assert [row[0] for row in instrument(url, "SAME/USDT")] == ["desk"]
    assert len(bars_of(url, "SAME/USDT")) == 4


def test_progress_with_rows_a_second_is_shown_on_a_terminal_only(env: dict[str, str], tmp_path: Path) -> None:
    source = write(tmp_path / "PACEAUSDT_1h.csv", lines(2000))
    shutil.copy(source, tmp_path / "PACEBUSDT_1h.csv")
    code, shown = on_a_terminal(env, "import", tmp_path)
    assert code == 0, shown
    assert "importing" in shown
    assert "/2 files" in shown
    assert "2,000 rows, " in shown
    assert " rows/s · PACEBUSDT_1h.csv" in shown
    assert_said(signalhub(env, "import", tmp_path), "Nothing changed")
