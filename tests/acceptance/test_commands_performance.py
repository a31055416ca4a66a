"""`signalhub performance` over a replayed market: for people, for programs, asked for wrongly."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.commands import Here, assert_refused
from tests.acceptance.places import replayed


@pytest.fixture(scope="module")
def env(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return replayed(url, tmp_path_factory.mktemp("market"))


def test_as_json_every_way_of_counting_counts_every_signal(env: dict[str, str], here: Here) -> None:
    every = json.loads(here(env, "signals", "--json").out)
    for what, key in (("strategy", "strategy"), ("instrument", "symbol"), ("timeframe", "timeframe")):
        rows = json.loads(here(env, "performance", "--by", what, "--json").out)
        counted = {row[key]: row["n_signals"] for row in rows}
        assert counted == {value: sum(row[key] == value for row in every) for value in {row[key] for row in every}}
        assert {(row["origin"], row["is_simulated"]) for row in rows} == {("replay", False)}
        assert all(
            0 <= row["win_rate_low"] < row["win_rate"] < row["win_rate_high"] <= 1 for row in rows if row["n_won"]
        )
    days = json.loads(here(env, "performance", "--by", "day", "--json").out)
    assert sum(row["n_signals"] for row in days) == sum(row["exit_at"] is not None for row in every)
    assert all(row["exit_day"].endswith("T00:00:00Z") for row in days)


def test_for_people_it_is_a_table_and_what_the_words_mean(env: dict[str, str], here: Here) -> None:
    for what, columns in (
        ("strategy", ["Strategy", "Version"]),
        ("instrument", ["Symbol"]),
        ("timeframe", ["TF"]),
        ("day", ["Strategy", "Version", "Day", "(UTC)"]),
    ):
        answer = here(env, "performance", "--by", what)
        lines = answer.out.splitlines()
        shown = json.loads(here(env, "performance", "--by", what, "--json").out)
        assert lines[0].split()[: len(columns) + 2] == [*columns, "Origin", "Simulated"]
        assert lines[len(shown) + 1] == "", "one line a row"
        assert "Decided = filled and closed. Win = net R > 0" in answer.out
        assert "never added up" in answer.out


def test_it_can_be_narrowed(env: dict[str, str], here: Here) -> None:
    (row,) = json.loads(here(env, "performance", "--strategy", "breakout", "--symbol", "BBB/USDT", "--json").out)
    chosen = json.loads(here(env, "signals", "--strategy", "breakout", "--symbol", "BBB/USDT", "--json").out)
    assert (row["strategy"], row["n_signals"]) == ("breakout", len(chosen))
    middle = sorted(one["close_at"] for one in chosen)[len(chosen) // 2]
    (row,) = json.loads(
        here(env, "performance", "--strategy", "breakout", "--symbol", "BBB/USDT", "--since", middle, "--json").out
    )
    assert row["n_signals"] == sum(one["close_at"] >= middle for one in chosen)


def test_where_there_is_nothing_to_count_it_says_so(env: dict[str, str], here: Here) -> None:
    assert json.loads(here(env, "performance", "--origin", "live", "--json").out) == []
    assert here(env, "performance", "--origin", "live").out.startswith("No signals to count.")


def test_what_is_asked_for_wrongly_is_one_line(env: dict[str, str], here: Here) -> None:
    assert_refused(here(env, "performance", "--strategy", "nope"), "'nope' is no strategy", "momentum", code=2)
    assert_refused(
        here(env, "performance", "--symbol", "NOPE"), "NOPE", code=here(env, "signals", "--symbol", "NOPE").code
    )
