"""`signalhub verify`: an intact record, an altered one, the root of a day, and the page that says how to check it."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from signalhub.db.edition import POSTGRES
from signalhub.db.engine import Database, create_engine
from tests.acceptance.commands import Here, assert_refused
from tests.acceptance.places import migrated, on_a_terminal
from tests.verified_record import recorded, with_replays

PAGE = Path(__file__).parents[2] / "docs/how-to/verify-the-record.md"
DAY = "2024-03-04"
"""The day of the live signals of tests/live_stage.py."""
GENESIS = "0" * 64


@pytest.fixture(scope="module")
def env(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    env = migrated(url, tmp_path_factory.mktemp("home"))
    engine = create_engine(url)
    with_replays(Database(engine, POSTGRES))
    recorded(Database(engine, POSTGRES))
    engine.dispose()
    return env


def test_an_intact_record_is_said_to_be_so_and_what_cannot_be_made_again_is_counted(
    env: dict[str, str], here: Here
) -> None:
    told = here(env, "verify")
    assert (told.code, told.err) == (0, "")
    first, gone, intact, root = told.out.splitlines()
    assert re.fullmatch(r"\d+ signals verified, and the ledger's 5 entries\.", first)
    assert re.fullmatch(r"\d of rising 1-\w{8} cannot be made again, .*", gone)
    assert intact == "Hashes, scores, levels and sizes are what the inputs give; nothing was altered or removed."
    as_json = json.loads(here(env, "verify", "--all", "--json").out)
    assert as_json["is_intact"] is True
    assert as_json["signals"] == as_json["verified"] == int(first.split()[0])
    assert as_json["ledger"] == {"entries": 5, "root": root.removeprefix("Root of the ledger: ")}
    assert as_json["findings"] == []


def test_progress_is_shown_on_a_terminal(env: dict[str, str]) -> None:
    code, shown = on_a_terminal(env, "verify")
    assert code == 0
    assert "verifying signals" in shown


def test_the_first_altered_row_is_named_with_column_and_both_values(env: dict[str, str], url: str, here: Here) -> None:
    change = (
        "UPDATE engine.signals SET score = score + %s WHERE signal_id = (SELECT min(signal_id) FROM engine.signals)"
    )
    with psycopg.connect(url) as connection:
        connection.execute(change, (-1,))
    try:
        told = here(env, "verify")
        found = json.loads(here(env, "verify", "--json").out)
    finally:
        with psycopg.connect(url) as connection:
            connection.execute(change, (1,))
    assert told.code == 1
    assert "\nNOT INTACT. engine.signals, signal 1 (" in told.out
    [first] = found["findings"]
    assert (found["is_intact"], found["n_findings"]) == (False, 1)
    assert (first["relation"], first["signal_id"], first["column"]) == ("engine.signals", 1, "score")
    assert first["stored"] == pytest.approx(first["expected"] - 1)
    assert first["sentence"] in told.out
    assert here(env, "verify").code == 0


class TestRoot:
    def test_it_is_one_line_and_the_same_for_ever(self, env: dict[str, str], here: Here) -> None:
        told = here(env, "verify", "--root", DAY)
        assert (told.code, told.err) == (0, "")
        date, seq, root = told.out.split()
        assert (date, seq) == (DAY, "5")
        assert json.loads(here(env, "verify", "--json").out)["ledger"]["root"] == root
        assert here(env, "verify", "--root", "2024-03-03").out == f"2024-03-03 0 {GENESIS}\n"
        assert here(env, "verify", "--root", "2024-03-09").out == f"2024-03-09 5 {root}\n"

    def test_no_root_is_given_of_a_ledger_that_is_not_intact(self, env: dict[str, str], url: str, here: Here) -> None:
        change = "UPDATE engine.signals SET reason = reverse(reason) WHERE origin = 'live'"
        with psycopg.connect(url) as connection:
            connection.execute(change)
        try:
            told = here(env, "verify", "--root", DAY)
        finally:
            with psycopg.connect(url) as connection:
                connection.execute(change)
        assert_refused(told, "The ledger is not intact, so no root is given.", "engine.signals", "seq 1")

    def test_of_a_day_that_is_not_over_it_says_so(self, env: dict[str, str], here: Here) -> None:
        from signalhub import clock

        told = here(env, "verify", "--root", f"{clock.now():%Y-%m-%d}")
        assert told.code == 0
        assert "is not over: its root is that of the entries so far" in told.err

    @pytest.mark.parametrize(
        ("words", "parts"),
        [
            (("--root", "2124-01-01"), ("2124-01-01 has not begun",)),
            (("--root", DAY, "--all"), ("--root and --all exclude each other",)),
        ],
    )
    def test_what_makes_no_sense_is_one_line(
        self, env: dict[str, str], here: Here, words: tuple[str, ...], parts: tuple[str, ...]
    ) -> None:
        assert_refused(here(env, "verify", *words), *parts, code=2)


def test_an_outsider_checks_the_chain_and_a_signal_by_what_the_page_says(
    env: dict[str, str], url: str, here: Here, tmp_path: Path
) -> None:
    text = PAGE.read_text(encoding="utf-8")
    [script] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    record_of, worked = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    day = here(env, "verify", "--root", DAY, "--json").out
    told = json.loads(day)
    assert (told["is_over"], told["previous_root"], told["seq"], len(told["entries"])) == (True, GENESIS, 5, 5)
    assert run(script, day, tmp_path) == f"the chain holds {DAY} {told['root']}\n"
    for name, other in (
        ("signal_id", 999),
        ("payload_sha256", "f" * 64),
        ("entered_at", "2024-03-04T20:15:05.000001Z"),
    ):
        forged = json.loads(day)
        forged["entries"][2][name] = other
        assert run(script, json.dumps(forged), tmp_path).startswith("THE CHAIN IS BROKEN")
    entry = told["entries"][0]
    with psycopg.connect(url) as connection:
        asked = record_of.replace("4711", str(entry["signal_id"])).encode()
        [(record, payload, seq)] = connection.execute(asked).fetchall()
        shown = connection.execute(worked.replace("BTC/USDT", "W/USDT").encode()).fetchall()
    assert (payload, seq) == (entry["payload_sha256"], 1)
    assert payload == hashlib.sha256(record.encode()).hexdigest()
    assert json.loads(record)["signal_id"] == entry["signal_id"]
    assert [row[4] for row in shown] == [True]


def run(script: str, day: str, folder: Path) -> str:
    (folder / "day.json").write_text(day)
    done = subprocess.run(
        [sys.executable, "-I", "-c", script, str(folder / "day.json")], capture_output=True, text=True, check=True
    )
    return done.stdout
