"""`signalhub import` of what is no use: bad rows are reported one by one, bad files are one line each."""

from __future__ import annotations

import gzip
from datetime import timedelta
from pathlib import Path

import pytest

from tests.acceptance.commands import signalhub
from tests.acceptance.fingerprint import fingerprint
from tests.acceptance.imports import (
    HEADER,
    START,
    assert_refused,
    assert_said,
    bars_of,
    instrument,
    lines,
    report_of,
    write,
)
from tests.acceptance.places import migrated

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


@pytest.fixture(scope="module")
def env(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One database for all tests that bring symbols of their own, or nothing."""
    return migrated(url, tmp_path_factory.mktemp("home"))


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
