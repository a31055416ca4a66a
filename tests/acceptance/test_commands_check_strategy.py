"""`signalhub check-strategy FILE`: an honest file, one that cheats, and stored bars in place of made-up ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.commands import Here, assert_refused, environment
from tests.acceptance.places import replayed
from tests.strategy_files import HONEST, strategy_file

CHEAT = f"({HONEST}) & (close.shift(-1).over(by) > close)"


@pytest.fixture(scope="module")
def env(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return replayed(url, tmp_path_factory.mktemp("market"))


def test_an_honest_file_outside_the_package_passes_on_made_up_bars(tmp_path: Path, here: Here) -> None:
    told = here(environment(tmp_path / "home"), "check-strategy", str(strategy_file(tmp_path)))
    assert (told.code, told.err) == (0, "")
    first, last = told.out.splitlines()
    assert first.startswith("mine 1-")
    assert " 1h bars of 4 instruments: " in first
    assert last == "It does not look ahead, and says the same of a bar whatever surrounds it."
    # No database of the user's was needed, nor made.
    assert not (tmp_path / "home").exists()


def test_one_that_cheats_is_told_with_column_bar_and_remedy(env: dict[str, str], tmp_path: Path, here: Here) -> None:
    words = ("check-strategy", str(strategy_file(tmp_path, long=CHEAT)), "--symbol", "AAA/USDT", "--timeframe", "4h")
    told = here(env, *words)
    assert (told.code, told.err) == (1, "")
    lines = told.out.splitlines()
    assert " 4h bars of 1 instrument: " in lines[0]
    assert lines[1].startswith("LEAK  long of AAA/USDT at 20")
    assert "is True, and False when its history ends there; it reads close there." in lines[1]
    assert "      It looks ahead: reach bars with previous(column, bars) only, bars > 0." in lines
    found = json.loads(here(env, *words, "--json").out)
    assert (found["strategy"], found["timeframe"], found["symbols"]) == ("mine", "4h", ["AAA/USDT"])
    assert found["looks_ahead"] is True
    leak = found["leaks"][0]
    assert (leak["column"], leak["symbol"], leak["whole"], leak["other"], leak["reads"]) == (
        *("long", "AAA/USDT", True, False),
        ["close"],
    )
    assert leak["sentence"] in lines[1]


def test_one_that_proposes_nothing_was_not_checked(env: dict[str, str], tmp_path: Path, here: Here) -> None:
    told = here(env, "check-strategy", str(strategy_file(tmp_path, long="close < 0.0")), "--symbol", "AAA/USDT")
    assert told.code == 1
    assert "NOT CHECKED: it proposed nothing" in told.out


@pytest.mark.parametrize(
    ("words", "parts", "code"),
    [
        (("no_such.py",), ("no_such.py is no Python file",), 1),
        (("mine.py", "--symbol", "NO/SUCH"), ("NO/SUCH", "AAA/USDT"), 1),
        (("mine.py", "--symbol", "AAA/USDT", "--timeframe", "1m"), ("no 1m bars to try it on",), 1),
        (("undeclared.py", "--symbol", "AAA/USDT"), ("mine reads ema_50, which it does not declare",), 1),
        (("slow.py", "--timeframe", "1m"), ("mine is not for 1m. Use one of 4h.",), 2),
    ],
)
def test_what_cannot_be_tried_is_one_line(
    env: dict[str, str], tmp_path: Path, here: Here, words: tuple[str, ...], parts: tuple[str, ...], code: int
) -> None:
    strategy_file(tmp_path)
    strategy_file(tmp_path, long="pl.col('ema_50') > close", name="undeclared.py")
    slow = strategy_file(tmp_path, name="slow.py")
    text = slow.read_text().replace("    code_version = 1", "    code_version = 1\n    timeframes = (H4,)")
    slow.write_text(
        text.replace("import polars as pl", "import polars as pl\n\nfrom signalhub.domain.timeframe import H4")
    )
    # The commands of these tests run in tmp_path.
    assert_refused(here(env, "check-strategy", *words), *parts, code=code)
