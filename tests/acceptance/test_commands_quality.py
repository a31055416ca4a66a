"""`signalhub quality` over a market that was imported long ago: for people, for programs, asked for wrongly."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.commands import Here, assert_refused
from tests.acceptance.places import replayed


@pytest.fixture(scope="module")
def env(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return replayed(url, tmp_path_factory.mktemp("market"))


def test_as_json_numbers_are_numbers_and_old_bars_are_stale(env: dict[str, str], here: Here) -> None:
    rows = json.loads(here(env, "quality", "--json").out)
    assert {(row["grade"], row["is_fresh"]) for row in rows} == {("D", False)}
    assert all("stale" in row["reasons"] and row["overdue_seconds"] > 0 for row in rows)
    assert all(row["last_close_at"].endswith("Z") for row in rows)


def test_for_people_it_is_a_table_and_what_the_words_mean(env: dict[str, str], here: Here) -> None:
    shown = json.loads(here(env, "quality", "--symbol", "BBB/USDT", "--json").out)
    answer = here(env, "quality", "--symbol", "BBB/USDT")
    lines = answer.out.splitlines()
    assert lines[0].split()[:4] == ["Symbol", "TF", "Grade", "Reasons"]
    assert [line.split()[:3] for line in lines[1 : len(shown) + 1]] == [
        ["BBB/USDT", row["timeframe"], "D"] for row in shown
    ]
    assert "D: stale, or no bars." in answer.out


def test_the_rules_that_are_set_are_the_view_s(env: dict[str, str], here: Here) -> None:
    lenient = env | {"SIGNALHUB_FRESH_HOURS": "500000", "SIGNALHUB_FRESH_BARS": "500000"}
    rows = json.loads(here(lenient, "quality", "--timeframe", "1h", "--json").out)
    assert {row["is_fresh"] for row in rows} == {True}


def test_asked_for_wrongly_it_says_what_is_wrong(env: dict[str, str], here: Here) -> None:
    assert_refused(here(env, "quality", "--symbol", "NOPE"), "No instrument has the symbol 'NOPE'")
    assert_refused(here(env | {"SIGNALHUB_OUTLIER_Z": "3"}, "quality"), "SIGNALHUB_OUTLIER_Z", "8 or more", code=2)
