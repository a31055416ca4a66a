"""What the API refuses, and how it fails: problems that say why, without internals."""

from __future__ import annotations

import json
import logging

import psycopg
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from signalhub.db.engine import Database
from signalhub.strategies.declared import declared
from tests.integration.api_client import SIGNALS, assert_problem


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("timeframe=2h", ("'2h'", "1m, 5m, 15m, 1h, 4h, 1d")),
        ("direction=up", ("'up'", "long, short")),
        ("status=won", ("'won'", "target_hit")),
        ("strategy=nope", ("'nope'", ", ".join(sorted(strategy.name for strategy in declared())))),
        ("since=2026-01-02T03:00:00", ("since", "no time zone", "2026-01-02T03:00:00Z")),
        ("since=2026-01-02", ("since", "no time zone")),
        ("since=yesterday", ("since", "'yesterday'")),
        ("since=0001-01-01T00:00:00%2B14:00", ("since",)),
        ("since=1767322800", ("since",)),
        ("limit=0", ("limit", "1")),
        ("limit=501", ("limit", "500")),
        ("limit=many", ("limit",)),
        ("limit=1.5", ("limit",)),
        ("cursor=broken", ("cursor", "next_cursor")),
        ("simbol=BTC/USDT", ("'simbol'", "symbol, timeframe")),
        ("status=open&status=expired", ("status", "more than once")),
    ],
)
def test_a_question_that_makes_no_sense_is_a_problem_that_says_why(
    client: TestClient[Litestar], query: str, words: tuple[str, ...]
) -> None:
    assert_problem(client.get(f"{SIGNALS}?{query}"), 400, *words)


@pytest.mark.parametrize("symbol", ["NOPE", "", "a%00b", "%ff"])
def test_an_unknown_symbol_is_a_problem(client: TestClient[Litestar], symbol: str) -> None:
    assert_problem(client.get(f"{SIGNALS}?symbol={symbol}"), 404, "No instrument has the symbol")


@pytest.mark.parametrize("signal_id", ["77", "0", "-1", str(2**63), "9" * 40])
def test_a_signal_that_does_not_exist_is_a_problem(client: TestClient[Litestar], signal_id: str) -> None:
    assert_problem(client.get(f"{SIGNALS}/{signal_id}"), 404, f"no signal {signal_id}")


@pytest.mark.parametrize(
    "path", ["/nope", f"{SIGNALS}/abc", f"{SIGNALS}/1/2", "/schema", "/schema/redoc", "/schema/openapi.yml", "/docs"]
)
def test_a_path_that_leads_nowhere_is_a_problem(client: TestClient[Litestar], path: str) -> None:
    assert_problem(client.get(path), 404, path)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_is_written_over_the_api(client: TestClient[Litestar], method: str) -> None:
    answer = client.request(method, SIGNALS)
    assert_problem(answer, 405, method)
    assert "GET" in answer.headers["allow"]


def test_a_method_that_somebody_made_up_is_counted_with_the_others_like_it(client: TestClient[Litestar]) -> None:
    for method in ("FOO", "BAR"):
        assert_problem(client.request(method, SIGNALS), 405, method)
    served = client.app.state.edge.counts.served
    assert {method for method, _, status in served if status == 405} == {"other"}


def test_a_route_without_parameters_says_so(client: TestClient[Litestar]) -> None:
    assert_problem(client.get("/api/v1/instruments?symbol=BTC/USDT"), 400, "'symbol'", "takes none")


def test_what_nobody_foresaw_is_logged_and_told_without_internals(
    client: TestClient[Litestar], database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with database.transaction() as connection:
        connection.execute("ALTER VIEW analytics.signals RENAME TO vanished")
    with caplog.at_level(logging.ERROR, "signalhub.api"):
        document = assert_problem(client.get(SIGNALS), 500)
    assert "analytics" not in json.dumps(document)
    assert "analytics.signals" in caplog.text


def test_a_database_that_went_away_is_a_problem_without_its_address(orphan: TestClient[Litestar]) -> None:
    for path in (SIGNALS, f"{SIGNALS}/1", "/api/v1/instruments"):
        document = assert_problem(orphan.get(path), 503, "database does not answer")
        assert "secret" not in json.dumps(document)
        assert "127.0.0.1" not in json.dumps(document)


def test_connections_that_were_cut_are_replaced(client: TestClient[Litestar], database_url: str) -> None:
    assert client.get(SIGNALS).status_code == 200
    with psycopg.connect(database_url) as other:
        cut = other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        ).fetchall()
    assert cut
    answers = [client.get(SIGNALS) for _ in range(len(cut) + 1)]
    for answer in answers[:-1]:
        assert answer.status_code == 200 or assert_problem(answer, 503)
    assert answers[-1].status_code == 200
