"""`signalhub import` as a newcomer tries it: every kind of file, every kind of mistake."""

from __future__ import annotations

import csv
import gzip
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import polars as pl
import psycopg
import pytest

from tests.acceptance.commands import environment, signalhub
from tests.acceptance.fingerprint import fingerprint
from tests.acceptance.places import on_a_terminal, own_database

START = datetime(2024, 3, 4, tzinfo=UTC)
HEADER = "ts,open,high,low,close,volume"


@pytest.fixture(scope="module")
def url(server_urls: dict[str, str]) -> Iterator[str]:
    """One database for all tests that bring symbols of their own, or nothing."""
    with own_database(server_urls, "imports") as made:
        yield made


@pytest.fixture(scope="module")
def env(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    env = environment(tmp_path_factory.mktemp("home"), url)
    assert signalhub(env, "migrate").returncode == 0
    return env


def lines(count: int = 3, step: timedelta = timedelta(hours=1), price: float = 100.0) -> list[str]:
    """Good rows, one per step."""
    times = (START + index * step for index in range(count))
    return [f"{at:%Y-%m-%dT%H:%M:%SZ},{price},{price + 2},{price - 2},{price + 1},5.5" for at in times]


def write(path: Path, rows: list[str], header: str = HEADER) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def ask(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def bars_of(url: str, symbol: str, timeframe: str = "1h") -> list[tuple[object, ...]]:
    where = f"WHERE symbol = '{symbol}' AND timeframe = '{timeframe}' AND bar_count > 0"
    return ask(url, f"SELECT open_at, open, high, low, close, volume FROM analytics.bars {where} ORDER BY open_at")


def instrument(url: str, symbol: str) -> list[tuple[object, ...]]:
    return ask(url, f"SELECT venue, asset_class, calendar FROM market.instruments WHERE symbol = '{symbol}'")


def assert_refused(done: CompletedProcess[str], *parts: str, code: int = 1) -> None:
    """One line on stderr that says all this, and nothing else anywhere."""
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert done.stderr.startswith("signalhub: ")
    assert done.stderr.count("\n") == 1, done.stderr
    for part in parts:
        assert part in done.stderr


def assert_said(done: CompletedProcess[str], *parts: str, code: int = 0) -> None:
    assert (done.returncode, done.stderr) == (code, ""), done.stderr
    for part in parts:
        assert part in done.stdout


def report_of(done: CompletedProcess[str]) -> list[dict[str, str]]:
    line = next(line for line in done.stdout.splitlines() if line.startswith("Rejected rows"))
    with Path(line.rpartition(": ")[2]).open(encoding="utf-8") as report:
        return list(csv.DictReader(report))


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


BAD = {
    2: ("2024-03-04T00:00:00Z,abc,102,98,101,5", "open is not a number"),
    3: ("2024-03-04T01:00:00Z,100,98,102,101,5", "high 98.0 is below low 102.0"),
    4: ("2024-03-04T02:00:00Z,-100,102,98,101,5", "price is not positive"),
    5: ("2024-03-04T03:00:00Z,100,102,98,101,-5", "volume is negative"),
    6: ("2024-03-04T04:00:00Z,NaN,102,98,101,5", "not finite"),
    8: ("2024-03-04T05:00:00Z,100,102,98,101,6", "duplicate time"),
    9: ("2024-03-04T06:30:00Z,100,102,98,101,5", "off the 1h grid"),
    10: ("2024-03-04T07:00:00Z,100,102,98", "fields too few"),
    11: ("someday,100,102,98,101,5", "time is not readable"),
}
"""Line of the file → a bad row there and what the report says of it. Line 7 is good."""


def test_bad_rows_are_reported_one_by_one_and_good_rows_go_in(url: str, env: dict[str, str], tmp_path: Path) -> None:
    good = {7: lines(6)[5], 12: lines(9)[8]}
    rows = [good.get(number) or BAD[number][0] for number in range(2, 13)]
    path = write(tmp_path / "BADUSDT_1h.csv", rows)
    done = signalhub(env, "import", path)
    assert_said(done, "11 rows read: 2 new, 0 corrected, 0 unchanged, 9 rejected")
    report = report_of(done)
    assert {row["file"] for row in report} == {str(path)}
    assert [int(row["line"]) for row in report] == list(BAD)
    for row in report:
        text, reason = BAD[int(row["line"])]
        assert reason in row["reason"]
        assert row["content"] == text
    assert len(bars_of(url, "BAD/USDT")) == 2
    own = tmp_path / "new" / "mine.csv"
    assert_said(signalhub(env, "import", path, "--strict", "--rejects", own), f": {own}", code=1)
    assert own.read_text().count("\n") == 10


def test_times_without_a_zone_are_one_error_that_suggests_an_option(
    url: str, env: dict[str, str], tmp_path: Path
) -> None:
    path = write(tmp_path / "ZONEUSDT_1h.csv", [line.replace("Z,", ",") for line in lines()])
    assert_refused(signalhub(env, "import", path), str(path), "--timezone UTC")
    assert instrument(url, "ZONE/USDT") == []
    assert_refused(signalhub(env, "import", path, "--timezone", "Mars/Base"), "'Mars/Base' is no time zone", code=2)
    assert_said(signalhub(env, "import", path, "--timezone", "Europe/Berlin"), "3 new")
    assert bars_of(url, "ZONE/USDT")[0][0] == START - timedelta(hours=1)


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


def test_one_broken_file_of_a_folder_is_named_and_does_not_keep_the_others_out(
    url: str, env: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    broken = write(folder / "AAAUSDT_1h.csv", ["1,2"], header="no,bars")
    write(folder / "RESTUSDT_1h.csv", lines())
    done = signalhub(env, "import", folder)
    assert done.returncode == 1
    assert "1 file, 3 rows read: 3 new" in done.stdout
    assert done.stderr.count("\n") == 1
    assert f"{broken} has no column for" in done.stderr
    assert len(bars_of(url, "REST/USDT")) == 3


def test_what_cannot_be_used_is_one_line_and_leaves_the_database_as_it_was(
    url: str, env: dict[str, str], tmp_path: Path
) -> None:
    before = fingerprint(url)
    (tmp_path / "empty").mkdir()
    other = write(tmp_path / "weekly" / "AAAUSDT_1w.csv", lines())
    torn = tmp_path / "TORNUSDT_1h.csv.gz"
    torn.write_bytes(gzip.compress("\n".join([HEADER, *lines(500)]).encode())[:-200])
    no_gz = write(tmp_path / "NOGZUSDT_1h.csv.gz", []).rename(tmp_path / "NOGZ2USDT_1h.csv.gz")
    no_gz.write_bytes(b"\x1f\x8b\x00broken")
    no_parquet = write(tmp_path / "PQUSDT_1h.parquet", lines())
    hollow = write(tmp_path / "HOLLOWUSDT_1h.csv", [])
    nameless = write(tmp_path / "my bars.csv", lines())
    for words, part in (
        ((tmp_path / "nope.csv",), "nope.csv: there is no such file"),
        ((tmp_path / "empty",), "there is no .csv.gz, .csv, .parquet file"),
        ((other.parent,), "its timeframe 1w is not one of"),
        ((other,), "its timeframe 1w is not one of"),
        ((torn,), "TORNUSDT_1h.csv.gz"),
        ((no_gz,), "NOGZ2USDT_1h.csv.gz"),
        ((no_parquet,), "cannot be read as parquet"),
        ((hollow,), "it holds no rows"),
        ((nameless,), "timeframe"),
        ((torn, hollow), "The other file cannot be used either"),
    ):
        assert_refused(signalhub(env, "import", *words), part)
    assert fingerprint(url) == before


def test_a_calendar_that_nobody_knows_is_refused_and_nothing_is_written(
    url: str, env: dict[str, str], tmp_path: Path
) -> None:
    before, path = fingerprint(url), write(tmp_path / "CALUSDT_1h.csv", lines())
    assert_refused(signalhub(env, "import", path, "--calendar", "XMARS"), "'XMARS' is no trading calendar", code=2)
    assert fingerprint(url) == before


def test_a_file_of_bad_rows_only_writes_a_report_and_nothing_else(
    url: str, env: dict[str, str], tmp_path: Path
) -> None:
    before, path = fingerprint(url), write(tmp_path / "NONEUSDT_1h.csv", [BAD[2][0], BAD[3][0]])
    done = signalhub(env, "import", path)
    assert (done.returncode, done.stderr) == (1, "signalhub: Not one of 2 rows is a bar of use: nothing was written.\n")
    assert len(report_of(done)) == 2
    assert "Nothing changed" not in done.stdout
    assert fingerprint(url) == before


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
