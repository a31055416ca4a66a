"""`signalhub instruments`: the universe in time for people and programs, said and asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from signalhub.domain.timeframe import D1
from tests.acceptance.commands import Here, assert_refused
from tests.acceptance.places import migrated
from tests.bench.market import walk


@pytest.fixture(scope="module")
def env(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return migrated(url, tmp_path_factory.mktemp("universe"))


def spans(here: Here, env: dict[str, str], *words: str) -> list[tuple[str, str, str | None, str | None]]:
    answer = here(env, "instruments", *words, "--json")
    assert (answer.code, answer.err) == (0, "")
    return [(row["status"], row["valid_from"], row["valid_until"], row["source"]) for row in json.loads(answer.out)]


def test_what_is_said_is_what_is_shown(env: dict[str, str], here: Here, tmp_path: Path) -> None:
    assert here(env, "instruments", "list").out == "No instruments.\n"
    walk(30, D1, 1).drop("turnover").write_csv(tmp_path / "AAAUSDT_1d__desk.csv")
    assert here(env, "import", str(tmp_path)).code == 0
    ((status, first, until, source),) = spans(here, env, "status", "AAA/USDT")
    assert (status, until, source) == ("listed", None, None)
    assert here(env, "instruments", "status", "AAA/USDT", "halted", "--from", "2031-01-02", "--until", "2031-01-05")
    wanted = [
        ("listed", first, "2031-01-02T00:00:00Z", None),
        ("halted", "2031-01-02T00:00:00Z", "2031-01-05T00:00:00Z", "operator"),
        ("listed", "2031-01-05T00:00:00Z", "2031-02-01T12:00:00Z", None),
        ("delisted", "2031-02-01T12:00:00Z", None, "operator"),
    ]
    assert spans(here, env, "status", "AAA/USDT", "delisted", "--from", "2031-02-01T12:00:00Z") == wanted
    assert spans(here, env, "status", "AAA/USDT@desk", "delisted", "--from", "2031-02-01T12:00:00Z") == wanted
    assert spans(here, env, "list", "--at", "2031-01-03") == [wanted[1]]
    assert spans(here, env, "list", "--at", "2031-02-02") == []
    table = here(env, "instruments", "status", "AAA/USDT").out.splitlines()
    assert table[0].split() == ["Symbol", "Venue", "Status", "From", "(UTC)", "Until", "(UTC)", "Said", "by"]
    assert table[2].split()[2:] == ["halted", "2031-01-02", "00:00", "2031-01-05", "00:00", "operator"]


@pytest.mark.parametrize(
    ("words", "parts", "code"),
    [
        (("NONE/USDT",), ("NONE/USDT",), 1),
        (("A/USDT", "halted"), ("--from",), 2),
        (("A/USDT", "--from", "2031-01-01"), ("listed, halted or delisted",), 2),
        (("A/USDT", "halted", "--from", "2031-01-02", "--until", "2031-01-02"), ("not after",), 2),
    ],
)
def test_what_is_said_wrongly_is_one_line(
    env: dict[str, str], here: Here, words: tuple[str, ...], parts: tuple[str, ...], code: int
) -> None:
    assert_refused(here(env, "instruments", "status", *words), *parts, code=code)
