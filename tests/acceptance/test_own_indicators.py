"""docs/how-to/add-your-own-indicator.md, followed literally; and commands that refuse a broken file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from signalhub.db.engine import Database
from signalhub.domain.timeframe import H1
from signalhub.indicators import own_files
from tests.acceptance.commands import Here, answer_of, assert_refused, environment, signalhub
from tests.market import MONDAY, add_instrument, put, random_bars, rows

PAGE = (Path(__file__).parents[2] / "docs/how-to/add-your-own-indicator.md").read_text(encoding="utf-8")
FILES = re.findall(r"^`(\w+\.(?:sql|py))`: .*?```\w+\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
QUERIES = re.findall(r"```sql\n(SELECT .*?)```", PAGE, re.DOTALL)
PRINTED = re.findall(r"^    (ok .*)$", PAGE, re.MULTILINE)


@pytest.fixture(autouse=True)
def _as_in_a_new_process() -> Iterator[None]:
    own_files.read.cache_clear()
    yield
    own_files.read.cache_clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The page's files under the page's names."""
    made = tmp_path / "indicators"
    made.mkdir()
    for name, text in FILES:
        (made / name).write_text(text)
    return made


@pytest.fixture
def env(database_url: str, tmp_path: Path, folder: Path) -> dict[str, str]:
    settings = {"SIGNALHUB_OWN_INDICATORS": str(folder), "SIGNALHUB_FEED": "simulator", "SIGNALHUB_API_PORT": "1"}
    return environment(tmp_path / "home", database_url, **settings)


def test_the_page_does_what_it_says(here: Here, env: dict[str, str], database: Database) -> None:
    assert [name for name, _ in FILES] == ["range_share.sql", "efficiency.py"]
    assert [line for line in here(env, "check").out.splitlines() if "indicators" in line] == PRINTED
    put(database, random_bars(5, add_instrument(database), MONDAY, H1, 100, keep=1.0), timeframe=H1)
    assert here(env, "once").code == 0
    assert len(QUERIES) == 2
    newest, beside = (rows(database, query) for query in QUERIES)
    assert len(newest) == 5
    assert {row["open_at"]: row["range_share"] for row in beside}.items() >= {
        (row["open_at"], row["value"]) for row in newest
    }
    assert len(beside) == 100 - 19
    assert all(0 <= row["range_share"] <= 1 for row in beside)
    python = rows(database, "SELECT efficiency_10, momentum_10 FROM own.efficiency WHERE timeframe = '1h'")
    assert len(python) == 100 - 10
    assert all(row["momentum_10"] is not None and 0 <= row["efficiency_10"] <= 1 for row in python)


@pytest.mark.parametrize("words", [("once",), ("run",), ("run", "--only", "pipeline")])
def test_a_broken_file_refuses_to_start(env: dict[str, str], folder: Path, words: tuple[str, ...]) -> None:
    (folder / "efficiency.py").write_text("import no_such_thing")
    assert_refused(answer_of(signalhub(env, *words)), f"{folder / 'efficiency.py'} cannot be imported")


def test_check_says_what_is_wrong_with_a_file(here: Here, env: dict[str, str], folder: Path) -> None:
    (folder / "range_share.sql").write_text("SELECT 1")
    answer = here(env, "check")
    assert answer.code == 1
    assert f"FAILED  indicators: {folder / 'range_share.sql'}: its head lacks what, unit" in answer.out
