"""`signalhub run` against the loopback exchange: kills, a database that goes away, two services side by side."""

from __future__ import annotations

import json
import math
import os
import random
import re
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from signalhub.db.embedded import EmbeddedServer
from signalhub.strategies.declared import declared
from tests import servers
from tests.acceptance.commands import PATIENCE, answer_of, assert_refused, environment, signalhub
from tests.acceptance.places import empty_home
from tests.acceptance.service_stage import MINUTE, SETTINGS, SYMBOLS, Stage, bars_that_are_wrong, on_stage
from tests.conftest import scale
from tests.doubles.exchange_process import running
from tests.doubles.http import HttpDouble, serving

pytestmark = pytest.mark.kill

KILLS = 20
NO_DOUBLE_SIGNALS = (
    "SELECT count(*) - count(DISTINCT (strategy_id, instrument_id, timeframe, close_at, direction)) "
    "FROM engine.signals WHERE origin = 'live'"
)
# What a live close gave, a replay of the stored bars gives again, and nothing else: of the instruments that were seen.
LIVE_UNLIKE_REPLAY = """
WITH live AS (
    SELECT s.strategy_id, s.instrument_id, s.timeframe, s.close_at, s.direction, s.input_hash
    FROM engine.signals s WHERE s.origin = 'live'
), replayed AS (
    SELECT s.strategy_id, s.instrument_id, s.timeframe, s.close_at, s.direction, s.input_hash
    FROM engine.signals s WHERE s.origin = 'replay' AND EXISTS (
        SELECT 1 FROM engine.evaluations e
        WHERE e.origin = 'live' AND e.strategy_id = s.strategy_id AND e.timeframe = s.timeframe
            AND e.close_at = s.close_at AND NOT EXISTS (
                SELECT 1 FROM engine.abstentions a
                WHERE a.evaluation_id = e.evaluation_id AND a.instrument_id = s.instrument_id AND a.direction IS NULL
            )
    )
)
(SELECT 'only live', * FROM live EXCEPT SELECT 'only live', * FROM replayed)
UNION ALL (SELECT 'only replayed', * FROM replayed EXCEPT SELECT 'only replayed', * FROM live)
"""


@pytest.fixture(scope="module")
def exchange() -> Iterator[str]:
    with running("--symbols", SYMBOLS) as remote:
        yield remote.url


@pytest.fixture
def sink() -> Iterator[HttpDouble]:
    with serving() as double:
        yield double


@pytest.fixture
def stage(database_url: str, exchange: str, sink: HttpDouble, tmp_path: Path) -> Iterator[Stage]:
    env = environment(tmp_path, database_url, SIGNALHUB_VENUE_URL=exchange, **SETTINGS)
    for name in ("anna", "bert"):
        words = ("subscribers", "add", name, "--webhook", f"{sink.url}/{name}", "--all-strategies")
        assert signalhub(env, *words).returncode == 0
    with on_stage(env, database_url, tmp_path / "service.log") as made:
        yield made


def wait_for_a_close(stage: Stage) -> None:
    """Until a minute that begins now has closed, is evaluated, and no message waits any more; the next is far yet."""
    close = datetime.fromtimestamp((time.time() // MINUTE + 1) * MINUTE, UTC)
    wait_for(stage, close)
    while datetime.now(UTC) > close + timedelta(seconds=MINUTE / 2):
        close += timedelta(seconds=MINUTE)
        wait_for(stage, close)


def wait_for(stage: Stage, close: datetime) -> None:
    """Until the close is stored for all, evaluated on every timeframe it ends, and no message waits any more."""
    stage.wait(lambda: (stage.newest_settled() or close.min.replace(tzinfo=UTC)) >= close, "no bars came", 120)
    due = sum(timeframe.floor(close) == close for strategy in declared() for timeframe in strategy.timeframes)
    evaluated = (
        "SELECT count(*) FROM (SELECT DISTINCT strategy_id, timeframe FROM engine.evaluations "
        f"WHERE close_at = '{close.isoformat()}')"
    )
    stage.wait(lambda: stage.one(evaluated) >= due, "the close was not evaluated")
    stage.wait_until_at_work(datetime.now(UTC))  # what ended with the close is tracked, and told of, by then
    stage.wait(lambda: stage.one("SELECT count(*) FROM outbox.messages WHERE status = 'pending'") == 0, "undelivered")


def assert_nothing_lost_or_doubled(stage: Stage, sink: HttpDouble) -> None:
    assert bars_that_are_wrong(stage) == []
    assert stage.one(NO_DOUBLE_SIGNALS) == 0
    signals, decisions = (
        stage.one("SELECT count(*) FROM engine.signals WHERE origin = 'live'"),
        stage.one("SELECT count(*) FROM outbox.decisions"),
    )
    assert decisions == 2 * signals
    messages = stage.rows("SELECT kind, status, count(*) FROM outbox.messages GROUP BY kind, status")
    alerts = {status: count for kind, status, count in messages if kind == "alert"}
    assert sum(alerts.values()) == decisions
    assert {status for _, status, _ in messages} <= {"sent", "withheld"}
    # Once a key: a receiver that drops what it has seen got every message that says it was sent, and no other.
    taken = Counter(json.dumps([request.path, request.headers["webhook-id"]]) for request in sink.taken)
    assert len(taken) == stage.one("SELECT count(*) FROM outbox.messages WHERE status = 'sent'")
    assert signalhub(stage.env, "replay", "--timeframe", "1m", "--timeframe", "5m").returncode == 0
    assert stage.rows(LIVE_UNLIKE_REPLAY) == []


def test_a_killed_service_comes_back_and_loses_and_doubles_nothing(stage: Stage, sink: HttpDouble) -> None:
    chance, killed = random.Random(str(stage.url)), Counter[str]()
    stage.start()
    stage.wait_until_at_work(datetime.now(UTC))
    seconds = []
    for _ in range(max(2, math.ceil(KILLS * scale()))):
        time.sleep(chance.uniform(0.5, 12.0))
        instant = datetime.now(UTC)
        killed[stage.kill(chance)] += 1
        seconds.append(stage.wait_until_at_work(instant))
    print(f"back at work after {max(seconds):.1f} s at most; killed: {dict(killed)}")
    wait_for_a_close(stage)
    assert stage.stop() == 0
    assert_nothing_lost_or_doubled(stage, sink)


def test_a_database_that_goes_away_is_waited_for(
    stage: Stage, sink: HttpDouble, server_urls: dict[str, str], edition: str
) -> None:
    stage.start()
    stage.wait_until_at_work(datetime.now(UTC))
    with psycopg.connect(stage.url) as connection:
        name = connection.info.dbname
    for _ in range(2):
        _take_away(server_urls[edition], name, seconds=3.0)
        stage.wait_until_at_work(datetime.now(UTC))
    wait_for_a_close(stage)
    assert stage.process is not None
    assert stage.process.poll() is None
    assert stage.stop() == 0
    assert "ended with" not in stage.log.read_text()  # nothing died of it
    assert_nothing_lost_or_doubled(stage, sink)


def _take_away(admin: str, name: str, seconds: float) -> None:
    servers.execute(
        admin,
        f"ALTER DATABASE {name} ALLOW_CONNECTIONS false",
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
    )
    time.sleep(seconds)
    servers.execute(admin, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def test_two_services_side_by_side_are_harmless(stage: Stage, sink: HttpDouble, tmp_path: Path) -> None:
    stage.start()
    with on_stage(stage.env, stage.url, tmp_path / "second.log") as second:
        second.start()
        stage.wait_until_at_work(datetime.now(UTC))
        wait_for_a_close(stage)
        assert (stage.stop(), second.stop()) == (0, 0)
    assert_nothing_lost_or_doubled(stage, sink)
    assert stage.rows("SELECT * FROM engine.heartbeats") == []


@pytest.fixture
def alone() -> Iterator[Stage]:
    """The service on its embedded database, with simulated prices: it needs nothing and nobody."""
    with empty_home() as home:
        env = environment(home, SIGNALHUB_FEED="simulator", SIGNALHUB_HISTORY_DAYS="0.05")
        url = signalhub(env, "db", "url").stdout.strip()
        with on_stage(env, url, home / "service.log") as made:
            yield made


def test_it_comes_back_when_its_embedded_server_is_killed_and_its_end_leaves_nothing_behind(alone: Stage) -> None:
    server = EmbeddedServer(Path(alone.env["SIGNALHUB_HOME"]))
    alone.start()
    alone.wait_until_at_work(datetime.now(UTC))
    killed = server.status().pid
    assert killed is not None
    instant = datetime.now(UTC)
    os.kill(killed, signal.SIGKILL)
    print(f"back at work after {alone.wait_until_at_work(instant):.1f} s")
    assert server.status().pid not in (None, killed)
    children = alone.children()
    assert len(children) == 2
    assert alone.stop() == 0
    assert_at_an_end(children, server)
    log = alone.log.read_text()
    assert "ended with" not in log
    assert "Traceback" not in log

    # Ctrl-C reaches the processes as well as their supervisor, and is no second request to hurry.
    alone.start()
    alone.wait_until_at_work(datetime.now(UTC))
    children = alone.children()
    assert alone.interrupt() == 0
    assert_at_an_end(children, server)
    told = alone.log.read_text().splitlines()
    assert [line for line in told if line.startswith("signalhub: ")] == []
    assert [line for line in told if line.endswith("killed")] == []


def assert_at_an_end(children: list[int], server: EmbeddedServer) -> None:
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)
    assert not server.status().is_running


def test_sigterm_in_the_midst_of_the_start_ends_it_too(alone: Stage) -> None:
    alone.start()
    alone.wait(lambda: len(alone.children()) == 2, "the processes did not start")
    children = alone.children()
    assert alone.stop() == 0
    assert_at_an_end(children, EmbeddedServer(Path(alone.env["SIGNALHUB_HOME"])))


def test_a_feed_that_there_is_none_of_ends_it_at_once_with_one_line(tmp_path: Path) -> None:
    env = environment(tmp_path, SIGNALHUB_FEED="telepathy")
    for words in ((), ("--only", "feeds,pipeline")):
        assert_refused(answer_of(signalhub(env, "run", *words)), "SIGNALHUB_FEED is 'telepathy'", "simulator", code=2)


def test_a_port_that_is_taken_ends_it_with_one_line(url: str, tmp_path: Path) -> None:
    env = environment(tmp_path, url, SIGNALHUB_FEED="simulator", SIGNALHUB_HISTORY_DAYS="0.05")
    assert signalhub(env, "migrate").returncode == 0
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = signalhub(env | {"SIGNALHUB_API_PORT": str(port)}, "run", timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (2, "")
    complaints = [line for line in done.stderr.splitlines() if not re.match(r"\d{4}-\d\d-\d\dT\S+ INFO ", line)]
    assert len(complaints) == 1, done.stderr
    assert complaints[0].startswith(f"signalhub: Port {port} of 127.0.0.1 is taken")
