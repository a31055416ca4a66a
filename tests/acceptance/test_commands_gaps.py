"""`signalhub gaps`: told by import, listed, asked for at the venue, filled in."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.commands import Here, assert_refused, signalhub
from tests.acceptance.imports import assert_said, lines, write
from tests.acceptance.places import migrated

SIMULATED = "SIM:BTC/USDT"
NOWHERE = "AAA/USDT"


@pytest.fixture(scope="module")
def env(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Ten hours at the simulator without the fourth and fifth, and at a venue nobody knows without the ninth."""
    folder = tmp_path_factory.mktemp("holes")
    env, hours = migrated(url, folder / "home"), lines(10)
    simulated = write(folder / "a_1h.csv", [*hours[:3], *hours[5:]])
    nowhere = write(folder / "b_1h.csv", [*hours[:8], hours[9]])
    first = signalhub(env, "import", simulated, "--symbol", SIMULATED, "--venue", "simulator")
    assert_said(first, "8 new", "1 gap was found in the bars: `signalhub gaps` lists them.")
    second = signalhub(env, "import", nowhere, "--symbol", NOWHERE, "--venue", "nowhere")
    assert_said(second, "9 new", "1 gap was found")
    return env


def test_gaps_are_listed_for_people_and_for_programs(env: dict[str, str], here: Here) -> None:
    answer = here(env, "gaps")
    assert answer.code == 0
    header, first, second, total = answer.out.splitlines()
    assert header.split() == ["Symbol", "Base", "From", "(UTC)", "To", "Expected", "Missing", "Status", "Detail"]
    assert first.split() == [NOWHERE, "1h", "2024-03-04", "08:00", "2024-03-04", "09:00", "1", "1", "open"]
    assert second.split() == [SIMULATED, "1h", "2024-03-04", "03:00", "2024-03-04", "05:00", "2", "2", "open"]
    assert total == "2 gaps of 2 instruments, 3 bars missing"
    (told,) = json.loads(here(env, "gaps", "--symbol", SIMULATED, "--json").out)
    known = {"symbol": SIMULATED, "timeframe": "1h", "expected": 2, "missing": 2, "status": "open", "detail": None}
    assert known.items() <= told.items()
    assert (told["from_at"], told["to_at"]) == ("2024-03-04T03:00:00Z", "2024-03-04T05:00:00Z")
    assert told["detected_at"].endswith("Z")
    assert "No bar is missing." in here(env, "gaps", "--since", "2024-03-05").out


def test_a_symbol_nobody_has_is_one_line(env: dict[str, str], here: Here) -> None:
    assert_refused(here(env, "gaps", "--symbol", "NOPE"), "No instrument has the symbol 'NOPE'. Known: AAA/USDT, SIM")


def test_the_venue_is_asked_and_what_is_left_can_be_filled_in(env: dict[str, str], here: Here) -> None:
    asked = here(env, "gaps", "--fill")
    assert asked.code == 1
    assert "2 bars came; the venues have nothing for 0 gaps" in asked.out
    assert asked.err == (
        f"signalhub: {NOWHERE} could not be asked for: ccxt knows no venue 'nowhere'. "
        + asked.err.partition("'nowhere'. ")[2]
    )
    filled = here(env, "gaps", "--fill-in")
    assert (filled.code, filled.err) == (0, "")
    assert "1 flat bars filled in, 0 were there already" in filled.out
    rows = json.loads(here(env, "gaps", "--all", "--json").out)
    assert {row["symbol"]: (row["status"], row["missing"]) for row in rows} == {
        NOWHERE: ("open", 1),
        SIMULATED: ("filled", 0),
    }
