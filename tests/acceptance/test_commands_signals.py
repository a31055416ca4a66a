"""`signalhub signals`, `status`, `replay` and `once` over a replayed market: for people, for programs, interrupted."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from typing import Any

import psycopg
import pytest

from tests.acceptance.commands import COMMAND, PATIENCE, Here, signalhub, started, wait_until
from tests.acceptance.fingerprint import fingerprint
from tests.acceptance.places import replayed

FIELDS = """
signal_id strategy strategy_version symbol asset_class timeframe direction open_at close_at entry stop target
risk_reward score components confidence reason valid_until published_at status is_ambiguous fill_price fill_at
exit_price exit_at gross_return_pct net_return_pct r_multiple mfe_r mae_r input_hash origin is_simulated recorded_at
"""
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@pytest.fixture(scope="module")
def env(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return replayed(url, tmp_path_factory.mktemp("market"))


def test_signals_as_json_have_the_fields_of_the_contract_with_numbers_and_instants(
    env: dict[str, str], here: Here
) -> None:
    answer = here(env, "signals", "--json")
    rows = json.loads(answer.out)
    assert answer.err == ""
    assert len(rows) > 50, "with --json there is no limit unless one is set"
    for row in rows:
        assert set(FIELDS.split()) <= set(row)
        assert all(type(row[name]) in (int, float) for name in ("entry", "stop", "target", "score", "risk_reward"))
        assert all(INSTANT.fullmatch(row[name]) for name in ("open_at", "close_at", "valid_until", "recorded_at"))
        assert isinstance(row["components"], dict)
        assert row["origin"] == "replay"
        assert row["is_simulated"] is False
    assert any(type(row["r_multiple"]) is float and INSTANT.fullmatch(row["exit_at"]) for row in rows)
    closes = [row["close_at"] for row in rows]
    assert closes == sorted(closes, reverse=True)


def test_signals_can_be_narrowed_and_limited(env: dict[str, str], here: Here) -> None:
    def rows(*words: str) -> list[dict[str, Any]]:
        found = json.loads(here(env, "signals", "--json", *words).out)
        assert isinstance(found, list)
        return found

    every = rows()
    assert rows("--limit", "3") == every[:3]
    for name, value in (("symbol", "BBB/USDT"), ("timeframe", "4h"), ("strategy", "breakout")):
        chosen = [row for row in every if row[name] == value]
        assert 0 < len(chosen) < len(every)
        assert rows(f"--{name}", value) == chosen
    is_open, is_closed = rows("--open"), rows("--closed")
    assert {row["status"] for row in is_open} <= {"open"}
    assert sorted(row["signal_id"] for row in is_open + is_closed) == sorted(row["signal_id"] for row in every)


def test_signals_for_people_are_a_table_of_the_newest(env: dict[str, str], here: Here) -> None:
    lines = here(env, "signals", "--limit", "3").out.splitlines()
    assert len(lines) == 4
    assert lines[0].split()[:4] == ["Close", "(UTC)", "Symbol", "TF"]
    assert len(here(env, "signals").out.splitlines()) == 51


def test_status_as_json_has_the_facts_of_the_contract(env: dict[str, str], here: Here) -> None:
    facts = json.loads(here(env, "status", "--json").out)
    assert facts["edition"] == "postgres"
    assert (facts["instruments"], facts["bars"]) == (2, 3000)
    assert facts["open_signals"] == len(json.loads(here(env, "signals", "--open", "--json").out))
    assert list(facts["last_close"]) == ["1m", "5m", "15m", "1h", "4h", "1d"]
    assert facts["last_close"]["1m"] is None
    assert INSTANT.fullmatch(facts["last_close"]["1h"])
    assert {"signalhub", "postgresql", "revision"} <= set(facts["versions"])
    assert "2 instruments · 3,000 base bars" in here(env, "status").out


def test_replay_and_once_repeated_change_nothing(url: str, env: dict[str, str], here: Here) -> None:
    before = fingerprint(url)
    span = ("--from", "2024-01-10", "--to", "2024-01-20T00:00:00+01:00")
    again = here(env, "replay", "--symbol", "AAA/USDT", "--timeframe", "1h", "--strategy", "momentum", *span)
    assert re.match(r"23\d closes evaluated, 0 new signals", again.out)
    assert here(env, "once").out.startswith("0 closes evaluated, 0 new signals")
    assert fingerprint(url) == before


@pytest.mark.parametrize("words", [["signals", "--limit", "5"], ["signals", "--json"], ["status"]])
def test_a_reader_that_leaves_early_is_no_reason_for_complaint(words: list[str], env: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen([*COMMAND, *words], env=env, stdout=writer, stderr=subprocess.PIPE, text=True) as process:
        os.close(writer)
        _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (1, "")


def test_an_interrupted_replay_is_one_line_and_a_rerun_completes_it(
    database_url: str, env: dict[str, str], url: str
) -> None:
    own = {**env, "SIGNALHUB_DATABASE_URL": database_url}
    assert signalhub(own, "import", env["SIGNALHUB_HOME"]).returncode == 0
    words = ("replay", "--timeframe", "1h", "--timeframe", "4h")
    # The replay waits for a lock of ours in the middle of its work: the signal cannot come too late.
    waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'engine.signals'::regclass)"
    with psycopg.connect(database_url) as holder:
        holder.execute("LOCK TABLE engine.signals IN ACCESS EXCLUSIVE MODE")
        with started(own, *words) as replaying:
            try:
                wait_until(lambda: holder.execute(waits).fetchone() == (True,))
                replaying.send_signal(signal.SIGINT)
                out, err = replaying.communicate(timeout=PATIENCE)
            finally:
                replaying.kill()
    assert (replaying.returncode, out, err.strip()) == (130, "", "signalhub: interrupted")
    assert signalhub(own, *words).returncode == 0
    assert fingerprint(database_url)["signals"] == fingerprint(url)["signals"]
