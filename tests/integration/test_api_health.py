"""Health over the API: critical, degraded or healthy, by the database, its revision and its bars."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from litestar import Litestar
from litestar.testing import TestClient

from signalhub.db.engine import Database
from signalhub.jobs.health import Condition, health
from tests import records
from tests.integration.api_client import JSON


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
