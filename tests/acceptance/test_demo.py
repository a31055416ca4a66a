"""The demo: what a newcomer sees first, with and without a network, and the API it ends with."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from signalhub.domain.timeframe import H1
from tests.acceptance.commands import COMMAND, environment, signalhub
from tests.acceptance.places import empty_home
from tests.bench.market import walk

PATIENCE = 120.0  # only a hang takes that long


@pytest.fixture(scope="module")
def env() -> Iterator[dict[str, str]]:
    with empty_home() as home:
        yield environment(home)


@pytest.fixture(scope="module")
def first(env: dict[str, str]) -> CompletedProcess[str]:
    """The demo on an empty home."""
    return signalhub(env, "demo", "--no-serve")


def signals_of(env: dict[str, str]) -> dict[int, str]:
    """Every signal as it is stored with its inputs, without the outcome, which is still being tracked."""
    query = "SELECT to_jsonb(s) || to_jsonb(i) FROM engine.signals s JOIN engine.signal_inputs i USING (signal_id)"
    done = signalhub(env, "db", "psql", "-X", "-A", "-t", "-c", query)
    return {json.loads(line)["signal_id"]: line for line in done.stdout.splitlines()}


def closes_warming_up(env: dict[str, str]) -> int:
    """How many closes had an instrument with too few bars. A weekend spreads them: not every market has bars then."""
    query = (
        "SELECT count(DISTINCT (timeframe, close_at)) FROM engine.abstentions "
        "JOIN engine.evaluations USING (evaluation_id) WHERE reason = 'warming_up'"
    )
    return int(signalhub(env, "db", "psql", "-X", "-A", "-t", "-c", query).stdout)


def test_the_demo_on_an_empty_home_shows_signals_and_outcomes_and_that_prices_are_simulated(
    first: CompletedProcess[str],
) -> None:
    assert (first.returncode, first.stderr) == (0, "")
    table, outcomes = first.stdout.split("Outcomes so far")
    lines = table.strip().splitlines()
    assert lines[0] == "Latest signals, from bars of the built-in simulator:"
    assert lines[2].split()[-7:] == ["Side", "Score", "Entry", "Stop", "Target", "Status", "R"]
    assert len(lines) == 3 + 15
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d  SIM:", line) for line in lines[3:])
    assert "These prices are SIMULATED" in outcomes
    for strategy in ("breakout", "momentum"):
        assert re.search(rf"^{strategy} +replay +yes +\d+ ", outcomes, re.MULTILINE)
    assert re.search(r"[1-9][\d,]* closes evaluated, [1-9][\d,]* new signals", outcomes)


def test_a_second_demo_does_only_what_is_new_and_rewrites_no_signal(
    first: CompletedProcess[str], env: dict[str, str]
) -> None:
    before, warming = signals_of(env), closes_warming_up(env)
    again = signalhub(env, "demo", "--no-serve")
    assert (again.returncode, again.stderr) == (0, "")
    # Closes where somebody was still warming up are tried again, and what closed since is new.
    evaluated, of_first = (closes_evaluated(done) for done in (again, first))
    assert warming <= evaluated < warming + of_first / 100
    after = signals_of(env)
    assert before
    assert {key: after.get(key) for key in before} == before


def closes_evaluated(done: CompletedProcess[str]) -> int:
    found = re.search(r"([\d,]+) closes evaluated", done.stdout)
    assert found
    return int(found[1].replace(",", ""))


def test_the_demo_serves_the_api_until_sigterm_and_leaves_the_server_stopped(
    first: CompletedProcess[str], env: dict[str, str]
) -> None:
    assert first.returncode == 0
    port = free_port()
    words = [*COMMAND, "demo", "--port", str(port)]
    with subprocess.Popen(words, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as demo:
        shown = lines_until(demo, "/health")
        health = fetched(f"http://127.0.0.1:{port}/health")
        listed = fetched(f"http://127.0.0.1:{port}/api/v1/signals?limit=3")
        page = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE).read().decode()
        demo.send_signal(signal.SIGTERM)
        _, err = demo.communicate(timeout=PATIENCE)
    assert f"The live page: http://127.0.0.1:{port}/" in shown
    assert "<title>Signals" in page
    assert isinstance(health, dict)
    assert isinstance(listed, dict)
    assert len(listed["items"]) == 3
    assert demo.returncode in (0, 128 + signal.SIGTERM), err
    assert "Traceback" not in err
    assert "not running" in signalhub(env, "db", "status").stdout


def test_a_port_that_is_taken_is_one_line(first: CompletedProcess[str], env: dict[str, str]) -> None:
    assert first.returncode == 0
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = signalhub({**env, "SIGNALHUB_API_PORT": str(port)}, "demo")
    assert done.returncode == 2
    assert done.stderr.startswith(f"signalhub: Port {port} of 127.0.0.1 is taken by another program.")
    assert done.stderr.count("\n") == 1


def test_the_demo_with_files_shows_signals_of_these_files_and_calls_none_simulated(
    first: CompletedProcess[str], env: dict[str, str], tmp_path: Path
) -> None:
    assert first.returncode == 0, "the home holds simulated signals, and newer ones"
    walk(1500, H1, 3).drop("turnover").write_csv(tmp_path / "MINEUSDT_1h.csv")
    done = signalhub(env, "demo", "--no-serve", "--import", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    table, outcomes = done.stdout.split("Outcomes so far")
    lines = table.strip().splitlines()
    assert lines[0] == "Latest signals, from bars of your files:"
    assert len(lines) > 3
    assert all(" MINE/USDT " in line for line in lines[3:])
    assert "SIMULATED" not in outcomes


def test_the_demo_with_files_that_cannot_be_used_is_one_line(env: dict[str, str], tmp_path: Path) -> None:
    done = signalhub(env, "demo", "--no-serve", "--import", tmp_path / "nope.csv")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"signalhub: {tmp_path / 'nope.csv'}: there is no such file.\n"


def test_an_exchange_that_does_not_answer_is_given_up_for_simulated_prices(
    first: CompletedProcess[str], env: dict[str, str]
) -> None:
    assert first.returncode == 0
    # Connections to a listener that never accepts are made, and then nothing is ever said.
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        proxies = dict.fromkeys(("https_proxy", "http_proxy", "HTTPS_PROXY", "HTTP_PROXY"), address)
        done = signalhub({**env, "SIGNALHUB_DEMO_EXCHANGE": "binance", **proxies}, "demo", "--no-serve")
    assert done.returncode == 0
    assert done.stderr == "binance does not answer: the demo goes on with SIMULATED prices.\n"
    assert "from bars of the built-in simulator" in done.stdout


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def read(url: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=PATIENCE) as answer:
        assert answer.status == 200
        return str(answer.read().decode())


def fetched(url: str) -> object:
    return json.loads(read(url))


def lines_until(process: subprocess.Popen[str], part: str) -> str:
    assert process.stdout is not None
    shown = ""
    for line in process.stdout:
        shown += line
        if part in line:
            break
    return shown
