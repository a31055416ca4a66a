"""The dashboard and the alarms ask for what /metrics and analytics have, by the names and labels they have."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sysconfig
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from litestar.testing import TestClient
from prometheus_client.parser import text_string_to_metric_families

from signalhub import clock
from signalhub.api.app import create_app
from signalhub.db.connection import Connection
from signalhub.db.embedded_binaries import PROGRAMS
from signalhub.db.engine import Database
from signalhub.outbox import queue
from signalhub.outbox.verdicts import RetryAt, Sent
from tests import outbox_stage, servers
from tests.integration.api_people import CLOSED, settled

PSQL = Path(sysconfig.get_path("purelib")) / PROGRAMS / "bin/psql"
FOLDER = Path(__file__).resolve().parents[2] / "docs/operations"
WORD = r"[a-zA-Z_]\w*"

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / "grafana/signalhub.json").read_text(encoding="utf-8"))["panels"]
    return found


def questions() -> list[str]:
    """Every expression of PromQL, of panels and alarms."""
    asked = [target["expr"] for panel in panels() for target in panel["targets"] if "expr" in target]
    alarms = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))
    return asked + [rule["expr"] for group in alarms["groups"] for rule in group["rules"]]


def legends() -> list[str]:
    """Expressions with what their legend or summary names."""
    return [
        f"{target['expr']} {target['legendFormat']}"
        for panel in panels()
        for target in panel["targets"]
        if "expr" in target
    ]


def busy(connection: Connection) -> None:
    """Something of everything that is counted: two tries, a part, watermarks, an evaluation of each origin."""
    now = clock.now()
    outbox_stage.add_messages(connection, 2, due_at=now, created_at=now)
    claimed = queue.claim(connection, "email", 2, now, timedelta(minutes=1))
    queue.settle(connection, [(claimed[0], Sent()), (claimed[1], RetryAt("busy"))], now)
    connection.execute("INSERT INTO engine.heartbeats VALUES ('feeds', 'here:1', %s, %s)", (now, now))
    (instrument,) = connection.execute("SELECT min(instrument_id) FROM market.instruments").fetchone() or (None,)
    connection.execute(
        "INSERT INTO market.watermarks (instrument_id, timeframe, settled_through) VALUES (%s, '1m', %s)",
        (instrument, now),
    )
    for hours, milliseconds in ((2, 70.0), (1, 30.0)):
        connection.execute(
            "INSERT INTO engine.evaluations (origin, strategy_id, timeframe, close_at, instruments_seen, "
            "instruments_abstained, candidates, signals, milliseconds, evaluated_at) "
            "SELECT 'live', strategy_id, '1h', %s, 1, 0, 0, 0, %s, %s FROM engine.strategies",
            (now - timedelta(hours=hours), milliseconds, now),
        )


@pytest.fixture
def metrics(database: Database) -> Samples:
    """What /metrics says while something of everything is there."""
    town = settled(database)
    with database.transaction() as connection:
        busy(connection)
    with TestClient(create_app(database, CLOSED)) as client:
        client.get("/api/v1/signals", headers=town.headers("analyst"))
        answer = client.get("/metrics", headers=town.headers("operator"))
    assert answer.status_code == 200
    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def test_every_name_and_every_label_that_is_asked_for_is_there(metrics: Samples) -> None:
    labels = {name: {label for label, _ in given} for name, given in metrics}
    asked = set()
    for question in [*questions(), *legends()]:
        names = re.findall(r"signalhub_\w+", question)
        asked |= set(names)
        assert set(names) <= set(labels), question
        wanted = set(re.findall(rf"[{{,]\s*({WORD})\s*[=!]~?=?\"", question)) - {"job"}
        wanted |= {word for group in re.findall(r"by \(([^)]*)\)", question) for word in re.split(r",\s*", group)}
        wanted |= set(re.findall(rf"{{{{({WORD})}}}}", question))
        assert wanted <= set().union(*(labels[name] for name in names)), question
    assert len(asked) > 10


def test_what_is_counted_is_counted_right(metrics: Samples) -> None:
    def of(name: str) -> dict[frozenset[tuple[str, str]], float]:
        return {labels: value for (found, labels), value in metrics.items() if found == f"signalhub_{name}"}

    def labelled(**labels: str) -> frozenset[tuple[str, str]]:
        return frozenset(labels.items())

    assert of("attempts") == {
        labelled(channel="email", verdict="sent"): 1,
        labelled(channel="email", verdict="retry_at"): 1,
    }
    assert of("instruments") == {labelled(state="behind"): 0, labelled(state="current"): 1}
    assert of("evaluation_milliseconds") == {labelled(origin="live", timeframe="1h"): 30}


@pytest.mark.parametrize("title", [panel["title"] for panel in panels() if "rawSql" in panel["targets"][0]])
def test_a_panel_of_sql_is_read_as_the_analyst(connection: psycopg.Connection, title: str) -> None:
    outbox_stage.add_signal(connection)
    connection.execute("SET LOCAL ROLE signalhub_analyst")
    (panel,) = (panel for panel in panels() if panel["title"] == title)
    assert len(connection.execute(panel["targets"][0]["rawSql"].encode()).fetchall()) == 1


def test_grafana_s_login_is_made_twice_over_and_reads_analytics_only(database_url: str) -> None:
    role, made = "signalhub_grafana", FOLDER / "grafana/role.sql"
    assert role in made.read_text(encoding="utf-8")
    try:
        for password in ("first", "it's second"):
            env = {**os.environ, "GRAFANA_DB_PASSWORD": password}
            words = [PSQL, "-X", "-q", "-d", database_url, "-f", made]
            done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, "")
        with psycopg.connect(database_url) as connection:
            connection.execute(f"SET ROLE {role}".encode())
            assert connection.execute("SELECT count(*) FROM analytics.signals").fetchone() == (0,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT * FROM account.subscribers")
    finally:
        servers.execute(database_url, f"DROP ROLE IF EXISTS {role}")


def test_the_page_about_the_api_has_a_line_for_every_route(database: Database) -> None:
    page = (FOLDER.parent / "api.md").read_text(encoding="utf-8")
    paths = {str(route.path) for route in create_app(database, CLOSED).routes}
    paths = {re.sub(r"\{(?:signal_)?(\w+):\w+\}", r"{\1}", path) for path in paths if path.startswith("/api/v1/")}
    # What stands beside another one of its family is named by its last word alone.
    missing = [path for path in paths if f"{path}`" not in page and f"{path.rsplit('/', 1)[1]}" not in page]
    assert len(paths) > 10
    assert missing == []
