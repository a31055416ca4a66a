"""What further routes answer: preferences, deliveries, decisions, administration, metrics."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from prometheus_client.parser import text_string_to_metric_families

from signalhub import clock
from signalhub.api.app import create_app
from signalhub.db.engine import Database
from signalhub.domain.wire import plain_row
from signalhub.jobs.runs import beat
from signalhub.outbox.publish import publish
from signalhub.performance import statistics as performance
from signalhub.subscribers import entitlements, people
from tests import records
from tests.integration.api_client import SIGNALS, assert_problem
from tests.integration.api_people import CLOSED, Town, settled


@pytest.fixture
def town(database: Database) -> Town:
    return settled(database)


@pytest.fixture
def client(database: Database, town: Town) -> Iterator[TestClient[Litestar]]:
    """Asks as `entitled` unless other headers are given."""
    with TestClient(create_app(database, CLOSED)) as opened:
        opened.headers.update(town.headers("entitled"))
        yield opened


def test_preferences_are_read_replaced_and_refused(client: TestClient[Litestar]) -> None:
    before = client.get("/api/v1/preferences").json()
    assert (before["symbols"], before["min_score"], before["weekly"]) == (None, 0, False)
    wanted = {"symbols": ["BTC/USDT"], "min_score": 60.5, "quiet_hours": "22:00-07:00", "digest_at": "08:00"}
    assert client.put("/api/v1/preferences", json=wanted).json() == before | wanted
    assert client.get("/api/v1/preferences").json() == before | wanted
    assert client.put("/api/v1/preferences", json={}).json() == before
    assert_problem(client.put("/api/v1/preferences", json={"min_score": 101}), 400, "min_score", "100")
    assert_problem(client.put("/api/v1/preferences", json={"symbols": ["NOPE"]}), 400, "NOPE")
    assert_problem(client.put("/api/v1/preferences", json=[1]), 400)


def test_a_test_message_that_could_not_be_sent_for_an_hour_is_of_no_use_any_more(
    client: TestClient[Litestar], database: Database
) -> None:
    assert client.post("/api/v1/preferences/test").status_code == 202
    with database.transaction() as connection:
        (found,) = connection.execute("SELECT valid_until - created_at FROM outbox.messages").fetchall()
    assert found == (timedelta(hours=1),)


def test_a_test_message_is_queued_and_listed(client: TestClient[Litestar]) -> None:
    assert client.post("/api/v1/preferences/test").json() == {"channels": ["email"]}
    assert_problem(client.post("/api/v1/preferences/test?channel=telegram"), 400, "telegram")
    (found,) = client.get("/api/v1/deliveries").json()["items"]
    assert (found["kind"], found["channel"], found["subscriber"], found["status"]) == (
        *("test", "email", "entitled"),
        "pending",
    )


def test_everybody_sees_their_own_deliveries_and_decisions_and_operators_all(
    client: TestClient[Litestar], database: Database, town: Town
) -> None:
    now = clock.now()
    with database.transaction() as connection:
        entitlements.grant(connection, town.ids["subscriber"], ["momentum"], now)
        live = [
            records.add_signal(connection, 1, 1, now + timedelta(hours=n), origin="live", published_at=now)
            for n in range(1, 4)
        ]
        publish(connection, live, now)
    for what in ("decisions", "deliveries"):
        mine = client.get(f"/api/v1/{what}").json()["items"]
        assert [item["signal_id"] for item in mine] == live[::-1]
        assert {item["subscriber"] for item in mine} == {"entitled"}
        walked, cursor = [], {}
        while cursor is not None:
            page = client.get(
                f"/api/v1/{what}", params={"subscriber": "*", "limit": 4} | cursor, headers=town.headers("operator")
            ).json()
            walked += [(item["signal_id"], item["subscriber"]) for item in page["items"]]
            cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
        assert sorted(walked) == sorted((key, who) for key in live for who in ("subscriber", "entitled"))
        asked = client.get(f"/api/v1/{what}?subscriber=subscriber", headers=town.headers("operator")).json()
        assert {item["subscriber"] for item in asked["items"]} == {"subscriber"}
        assert_problem(client.get(f"/api/v1/{what}?cursor=broken"), 400, "cursor")
        assert_problem(client.get(f"/api/v1/{what}?subscriber=nope", headers=town.headers("operator")), 404, "nope")


def test_feedback_is_kept_and_a_second_word_replaces_the_first(
    client: TestClient[Litestar], database: Database, town: Town
) -> None:
    path = f"{SIGNALS}/{town.momentum}/feedback"
    for word in ({"rating": "taken"}, {"rating": "not_useful", "comment": "too late"}):
        assert client.post(path, json=word).status_code == 200
    assert_problem(client.post(path, json={"rating": "great"}), 400, "great", "useful")
    assert_problem(client.post(path, json={"rating": "useful", "comment": "x" * 2001}), 400, "comment")
    with database.transaction() as connection:
        kept = connection.execute("SELECT subscriber_id, rating, comment FROM account.feedback").fetchall()
    assert kept == [(town.ids["entitled"], "not_useful", "too late")]


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("strategies", performance.by_strategy),
        ("instruments", performance.by_instrument),
        ("timeframes", performance.by_timeframe),
        ("daily", performance.daily),
        ("equity", performance.equity_curve),
    ],
)
def test_performance_is_what_analytics_says_of_the_strategies_that_may_be_seen(
    client: TestClient[Litestar], database: Database, town: Town, path: str, read: object
) -> None:
    assert callable(read)
    with database.transaction() as connection:
        own = [plain_row(row) for row in read(connection, performance.PerformanceFilter(strategies=["momentum"]))]
        every = [plain_row(row) for row in read(connection)]
    assert client.get(f"/api/v1/performance/{path}").json() == {"items": own}
    operator = client.get(f"/api/v1/performance/{path}", headers=town.headers("operator")).json()
    assert operator == {"items": every}
    assert client.get(f"/api/v1/performance/{path}?origin=live").json() == {"items": []}
    assert_problem(client.get(f"/api/v1/performance/{path}?origin=paper"), 400, "paper")


def test_one_pass_of_the_evaluation_at_a_time(client: TestClient[Litestar], database: Database, town: Town) -> None:
    path, headers = "/api/v1/admin/generate", town.headers("operator")
    done = client.post(path, json={"mode": "hybrid"}, headers=headers).json()
    assert (done["mode"], done["signals"]) == ("hybrid", 0)
    assert_problem(client.post(path, json={"mode": "fast"}, headers=headers), 400, "fast", "database")
    with database.autocommit() as other:
        other.execute("SELECT pg_advisory_lock(hashtext('signalhub.generate'))")
        assert_problem(client.post(path, json={}, headers=headers), 409, "under way")
        other.execute("SELECT pg_advisory_unlock(hashtext('signalhub.generate'))")
    assert client.post(path, json={}, headers=headers).json()["mode"] == "database"


def test_the_status_counts_what_is_there(client: TestClient[Litestar], town: Town) -> None:
    found = client.get("/api/v1/admin/status", headers=town.headers("operator")).json()
    assert found["database"]["signals"] == 2
    assert found["live_clients"] == 0


def test_metrics_are_prometheus_text_of_the_process_and_the_database(
    client: TestClient[Litestar], database: Database, town: Town
) -> None:
    client.get(SIGNALS)
    client.get(f"{SIGNALS}/{town.breakout}")
    with database.transaction() as connection:
        beat(connection, "pipeline", "here", clock.now() - timedelta(seconds=30))
    answer = client.get("/metrics", headers=town.headers("operator"))
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert samples["signalhub_signals", "momentum", "replay", "target_hit"] == 1
    assert samples["signalhub_http_seconds_count", *sorted(("GET", SIGNALS, "200"))] == 1
    assert samples["signalhub_http_seconds_count", *sorted(("GET", f"{SIGNALS}/{{signal_id}}", "404"))] == 1
    assert samples["signalhub_part_seen_seconds", "pipeline"] >= 30


def test_health_gives_reasons_to_those_with_a_key_and_states_to_everybody(
    client: TestClient[Litestar], database: Database, town: Town
) -> None:
    with database.transaction() as connection:
        beat(connection, "pipeline", "gone", clock.now() - timedelta(minutes=2))
        beat(connection, "feeds", "here", clock.now())
        people.change(connection, town.ids["entitled"], {"email": None}, CLOSED)
        connection.execute(
            "INSERT INTO outbox.messages (kind, channel, subscriber_id, status, due_at, created_at, finished_at) "
            "VALUES ('test', 'email', 1, 'failed', %(now)s, %(now)s, %(now)s)",
            {"now": clock.now()},
        )
    told = client.get("/health").json()
    states = {name: part["status"] for name, part in told["components"].items()}
    assert states == {
        "database": "HEALTHY",
        "revision": "HEALTHY",
        "bars": "DEGRADED",
        "feeds": "HEALTHY",
        "pipeline": "DEGRADED",
        "outbox": "DEGRADED",
    }
    assert "no sign of life for 0:02:0" in told["components"]["pipeline"]["detail"]
    assert "1 dead letters" in told["components"]["outbox"]["detail"]
    with TestClient(client.app) as stranger:
        public = stranger.get("/health").json()
    assert {name: part["status"] for name, part in public["components"].items()} == states
    assert {part["detail"] for part in public["components"].values()} == {None}
    assert (public["version"], public["newest_close"]) == (None, None)


def test_a_part_that_is_silent_for_long_makes_it_critical(client: TestClient[Litestar], database: Database) -> None:
    with database.transaction() as connection:
        beat(connection, "delivery", "gone", clock.now() - timedelta(minutes=6))
    answer = client.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "CRITICAL")


@pytest.mark.parametrize("path", ["/api/v1", "/health", SIGNALS, "/nope", "/api/v1/preferences", f"{SIGNALS}?limit=0"])
def test_head_is_answered_as_get_without_the_body(client: TestClient[Litestar], path: str) -> None:
    full, head = client.get(path), client.head(path)
    assert head.content == b""
    assert head.status_code == full.status_code
    different = {"ratelimit-remaining", "ratelimit-reset"}
    assert {name: value for name, value in head.headers.items() if name not in different} == {
        name: value for name, value in full.headers.items() if name not in different
    }
