"""The API over a real database: what it answers, what it refuses, and how it is documented."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import yaml
from litestar import Litestar
from litestar.testing import TestClient

from signalhub import __version__
from signalhub.api.app import create_app
from signalhub.api.signals import Signal
from signalhub.db.engine import Database, create_engine
from signalhub.domain.wire import to_json
from signalhub.jobs.health import Condition, health
from signalhub.signals.read import SignalFilter, page
from tests import records
from tests.records import CLOSE, closed

SIGNALS = "/api/v1/signals"
JSON = "application/json"
PROBLEM = "application/problem+json"
OPERATIONS = {"/", "/health", SIGNALS, f"{SIGNALS}/{{signal_id}}", "/api/v1/instruments"}


@pytest.fixture
def client(database: Database) -> Iterator[TestClient[Litestar]]:
    """The API over three signals of BTC/USDT and one of ETH/USDT."""
    with database.transaction() as connection:
        bitcoin = records.add_instrument(connection, "BTC/USDT", tick_size=Decimal("0.010"))
        ether = records.add_instrument(connection, "ETH/USDT")
        strategy = records.add_strategy(connection)
        records.add_signal(connection, bitcoin, strategy, CLOSE, closed("target_hit", 2.0))
        records.add_signal(connection, bitcoin, strategy, CLOSE + timedelta(hours=1), closed("stop_hit", -1.0))
        records.add_signal(connection, bitcoin, strategy, CLOSE + timedelta(hours=2))
        records.add_signal(connection, ether, strategy, CLOSE + timedelta(hours=2), origin="live", published_at=CLOSE)
    with TestClient(create_app(database)) as opened:
        yield opened


@pytest.fixture
def orphan(edition: str) -> Iterator[TestClient[Litestar]]:
    """The API over a database that went away."""
    engine = create_engine("postgresql://nobody:secret@127.0.0.1:1/gone")
    with TestClient(create_app(Database(engine, edition))) as opened:
        yield opened
    engine.dispose()


def signal_ids(client: TestClient[Litestar], query: str) -> list[int]:
    answer = client.get(f"{SIGNALS}?{query}")
    assert answer.status_code == 200, answer.text
    return [item["signal_id"] for item in answer.json()["items"]]


def assert_problem(answer: Any, status: int, *words: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    document: dict[str, Any] = answer.json()
    assert set(document) == {"type", "title", "status", "detail", "instance"}
    assert document["status"] == status
    assert document["instance"] == answer.request.url.path
    assert document["type"] == f"urn:signalhub:problem:{document['title'].lower().replace(' ', '-')}"
    assert all(word in document["detail"] for word in words), document["detail"]
    assert "\n" not in document["detail"]
    return document


def test_the_list_is_the_record_as_the_command_line_prints_it(client: TestClient[Litestar], database: Database) -> None:
    with database.transaction() as connection:
        zone = connection.info.parameter_status("TimeZone")
        rows = page(connection, SignalFilter()).items
    answer = client.get(SIGNALS)
    assert zone != "UTC"
    assert answer.headers["content-type"] == JSON
    assert answer.json() == {"items": json.loads(to_json(rows)), "next_cursor": None}


def test_numbers_are_numbers_and_times_end_with_z_whatever_the_sessions_zone(client: TestClient[Litestar]) -> None:
    newest = client.get(f"{SIGNALS}?symbol=BTC/USDT").json()["items"][-1]
    numbers = ("entry", "stop", "target", "risk_reward", "score", "fill_price", "r_multiple", "net_return_pct")
    assert [newest[name] for name in numbers] == [100, 99, 102, 2, 71.25, 100, 2, 2]
    assert newest["close_at"] == "2026-01-02T03:00:00Z"
    assert newest["recorded_at"] == "2026-01-02T03:00:01.000250Z"
    assert newest["components"] == {"trend": 0.8, "volume": 0.55}
    assert newest["reason"] == "Up × 2 − made up"
    assert newest["confidence"] is None


def test_a_signal_has_the_columns_of_the_view(database: Database) -> None:
    with database.transaction() as connection:
        columns = connection.execute("SELECT * FROM analytics.signals LIMIT 0").description or []
    assert [field.name for field in fields(Signal)] == [column.name for column in columns]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [4, 3, 2, 1]),
        ("symbol=ETH/USDT", [4]),
        ("symbol=ETH%2FUSDT@test", [4]),
        ("timeframe=1h&direction=long&strategy=momentum", [4, 3, 2, 1]),
        ("timeframe=4h", []),
        ("direction=short", []),
        ("status=open", [4, 3]),
        ("status=stop_hit&symbol=BTC/USDT", [2]),
        ("since=2026-01-02T04:00:00Z", [4, 3, 2]),
        ("since=2026-01-02T05:00:00%2B01:00", [4, 3, 2]),
        ("since=2026-01-02T05:00:00+01:00", [4, 3, 2]),
        ("since=2026-01-02T01:30:00.5-02:30", [4, 3]),
        ("limit=1", [4]),
    ],
)
def test_each_filter_narrows_the_list(client: TestClient[Litestar], query: str, expected: list[int]) -> None:
    assert signal_ids(client, query) == expected


def test_cursors_lead_through_all_pages(client: TestClient[Litestar]) -> None:
    seen: list[int] = []
    parameters: dict[str, Any] = {"limit": 3}
    for _ in range(2):
        answer = client.get(SIGNALS, params=parameters).json()
        seen += [item["signal_id"] for item in answer["items"]]
        parameters["cursor"] = answer["next_cursor"]
    assert seen == [4, 3, 2, 1]
    assert parameters["cursor"] is None


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("timeframe=2h", ("'2h'", "1m, 5m, 15m, 1h, 4h, 1d")),
        ("direction=up", ("'up'", "long, short")),
        ("status=won", ("'won'", "target_hit")),
        ("strategy=nope", ("'nope'", "breakout, momentum")),
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


def test_one_signal_is_the_item_of_the_list(client: TestClient[Litestar]) -> None:
    for item in client.get(SIGNALS).json()["items"]:
        assert client.get(f"{SIGNALS}/{item['signal_id']}").json() == item


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


def test_instruments_are_listed_by_symbol(client: TestClient[Litestar]) -> None:
    common = {"venue": "test", "asset_class": "crypto", "calendar": "24/7", "is_simulated": False}
    assert client.get("/api/v1/instruments").json() == {
        "items": [
            {"symbol": "BTC/USDT", "tick_size": 0.01, **common},
            {"symbol": "ETH/USDT", "tick_size": None, **common},
        ]
    }


def test_the_index_names_paths_that_answer(client: TestClient[Litestar]) -> None:
    answer = client.get("/").json()
    assert (answer["name"], answer["version"]) == ("signalhub", __version__)
    assert {client.get(path).status_code for path in answer["links"].values()} == {200}


@pytest.mark.parametrize("path", ["/", "/health", SIGNALS, "/nope", "/schema/openapi.json", f"{SIGNALS}?limit=0"])
def test_every_answer_forbids_sniffing_and_storing(client: TestClient[Litestar], path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_health_is_critical_without_a_database(orphan: TestClient[Litestar]) -> None:
    answer = orphan.get("/health")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == JSON
    assert answer.json()["status"] == "CRITICAL"
    assert answer.json()["components"] == {"database": {"status": "CRITICAL", "detail": "does not answer"}}
    assert "secret" not in answer.text


def test_health_is_critical_at_another_revision(client: TestClient[Litestar], database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE market.meta SET value = 'older' WHERE key = 'derived_sha256'")
    answer = client.get("/health")
    assert answer.status_code == 503
    parts = answer.json()["components"]
    assert (parts["database"]["status"], parts["revision"]["status"]) == ("HEALTHY", "CRITICAL")
    assert "signalhub migrate" in parts["revision"]["detail"]


def test_health_is_degraded_while_bars_are_missing(client: TestClient[Litestar]) -> None:
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "DEGRADED"
    assert answer.json()["components"]["bars"]["detail"] == "2 of 2 instruments are behind the clock"
    assert answer.json()["newest_close"] == dict.fromkeys(("1m", "5m", "15m", "1h", "4h", "1d"))


def test_health_goes_by_the_watermarks(client: TestClient[Litestar], database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO market.watermarks (instrument_id, timeframe, settled_through)"
            " SELECT instrument_id, '5m', '2026-01-02 07:35:00+00' FROM market.instruments"
        )
    fresh = health(database, datetime(2026, 1, 2, 7, 44, tzinfo=UTC))
    late = health(database, datetime(2026, 1, 2, 8, 10, tzinfo=UTC))
    assert (fresh.status, late.status) == (Condition.HEALTHY, Condition.DEGRADED)
    assert client.get("/health").json()["newest_close"] == {
        "1m": None,
        "5m": "2026-01-02T07:35:00Z",
        "15m": "2026-01-02T07:30:00Z",
        "1h": "2026-01-02T07:00:00Z",
        "4h": "2026-01-02T04:00:00Z",
        "1d": "2026-01-02T00:00:00Z",
    }


def test_health_does_not_expect_bars_while_a_market_is_closed(database: Database) -> None:
    friday_close = datetime(2026, 1, 2, 22, tzinfo=UTC)
    sunday = datetime(2026, 1, 4, 12, tzinfo=UTC)
    with database.transaction() as connection:
        records.add_instrument(connection, "EUR/USD", asset_class="forex", calendar="24/5")
        for start in (friday_close - timedelta(days=5), friday_close + timedelta(days=2)):
            connection.execute(
                "INSERT INTO market.sessions VALUES ('24/5', %s, %s)", (start, start + timedelta(days=5))
            )
        connection.execute(
            "INSERT INTO market.watermarks SELECT instrument_id, '1h', %s FROM market.instruments", (friday_close,)
        )
    assert health(database, sunday).status is Condition.HEALTHY
    assert health(database, sunday + timedelta(days=1)).status is Condition.DEGRADED


def documents(client: TestClient[Litestar]) -> dict[str, Any]:
    """The OpenAPI document, the same as JSON and as YAML."""
    found: dict[str, Any] = client.get("/schema/openapi.json").json()
    assert yaml.safe_load(client.get("/schema/openapi.yaml").text) == found
    return found


def inside(node: Any) -> Iterator[Any]:
    """A node of a document and all below it."""
    yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from inside(child)


def test_the_openapi_document_describes_every_route(client: TestClient[Litestar]) -> None:
    document = documents(client)
    assert document["openapi"].startswith("3.1")
    assert (document["info"]["title"], document["info"]["version"]) == ("Signalhub", __version__)
    assert document["info"]["description"]
    assert set(document["paths"]) == OPERATIONS
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(OPERATIONS)
    for operation in operations:
        assert operation["summary"]
        for status, response in operation["responses"].items():
            is_problem = status.startswith("4") or (status == "503" and "HealthCheck" not in operation["operationId"])
            assert list(response["content"]) == [PROBLEM if is_problem else JSON]


def test_the_openapi_document_refers_to_nothing_outside(client: TestClient[Litestar]) -> None:
    document = documents(client)
    references = {node["$ref"] for node in inside(document) if isinstance(node, dict) and "$ref" in node}
    assert references
    for reference in references:
        target: Any = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        assert target
    assert [text for text in inside(document) if isinstance(text, str) and "://" in text] == []


def test_the_examples_have_the_shape_of_their_schema(client: TestClient[Litestar]) -> None:
    document = documents(client)
    schemas = document["components"]["schemas"]
    checked = 0
    for content in (node for node in inside(document) if isinstance(node, dict) and "examples" in node):
        reference = content.get("schema", {}).get("$ref", "")
        for example in content["examples"].values() if reference else ():
            assert set(example["value"]) == set(schemas[reference.rpartition("/")[2]]["required"])
            assert set(example) <= {"summary", "description", "value"}
            checked += 1
    assert checked >= 6


def test_the_parameters_of_the_list_say_what_they_take(client: TestClient[Litestar]) -> None:
    found = {item["name"]: item for item in documents(client)["paths"][SIGNALS]["get"]["parameters"]}
    names = ["symbol", "timeframe", "strategy", "direction", "status", "since", "limit", "cursor"]
    assert sorted(found) == sorted(names)
    assert all(item["in"] == "query" and item["description"] and not item["required"] for item in found.values())
    assert found["timeframe"]["schema"]["enum"] == ["1m", "5m", "15m", "1h", "4h", "1d"]
    assert (found["limit"]["schema"]["minimum"], found["limit"]["schema"]["maximum"]) == (1, 500)
    assert found["limit"]["schema"]["default"] == 50
