"""`signalhub audit`: for people, for programs, with a repair, asked for wrongly."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest

from signalhub.domain.timeframe import H1
from tests.acceptance.commands import Here, assert_refused, signalhub
from tests.acceptance.places import migrated
from tests.bench.market import walk

WRONG = "UPDATE market.bars_4h SET high = 1e6 WHERE open_at = (SELECT max(open_at) FROM market.bars_4h)"


@pytest.fixture(scope="module")
def env(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("market")
    for seed, symbol in enumerate(("AAAUSDT", "BBBUSDT")):
        walk(400, H1, seed).drop("turnover").write_csv(folder / f"{symbol}_1h__desk.csv")
    env = migrated(url, folder)
    assert signalhub(env, "import", folder).returncode == 0
    return env


@pytest.fixture
def tampered(url: str, env: dict[str, str], here: Here) -> Iterator[None]:
    with psycopg.connect(url) as connection:
        assert connection.execute(WRONG).rowcount == 2
    yield
    here(env, "audit", "--full", "--repair")


def test_where_all_is_right_it_says_how_much_that_was(env: dict[str, str], here: Here) -> None:
    for words in (("--full",), ("--sample", "5"), ()):
        answer = here(env, "audit", *words)
        assert answer.code == 0, answer
        assert answer.out.endswith("all of them are what the base bars say.\n")
    said = json.loads(here(env, "audit", "--full", "--json").out)
    assert said["findings"] == []
    assert said["rows"] > 2 * (400 + 400 + 400 + 100 + 17)


@pytest.mark.usefixtures("tampered")
def test_what_differs_is_shown_kept_and_repaired(env: dict[str, str], here: Here) -> None:
    shown = here(env, "audit", "--full")
    assert shown.code == 1
    assert "2 values differ. --repair makes them right." in shown.out
    said = json.loads(here(env, "audit", "--full", "--symbol", "AAA/USDT", "--timeframe", "4h", "--json").out)
    (finding,) = said["findings"]
    assert (finding["relation"], finding["symbol"], finding["column"]) == ("market.bars_4h", "AAA/USDT", "high")
    assert (finding["stored"], finding["remains"]) == ("1000000", True)
    assert finding["open_at"].endswith("Z")
    assert here(env, "audit", "--full", "--timeframe", "1d").code == 0
    made_right = here(env, "audit", "--full", "--repair")
    assert made_right.code == 0
    assert "2 values differed, 0 differ after the repair." in made_right.out
    assert here(env, "audit", "--full").code == 0


def test_what_is_asked_for_wrongly_is_one_line(env: dict[str, str], here: Here) -> None:
    assert_refused(here(env, "audit", "--full", "--sample", "3"), "--full and --sample", code=2)
    assert_refused(here(env, "audit", "--symbol", "NOPE"), "NOPE")
