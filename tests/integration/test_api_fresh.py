"""Answers are kept in memory, and never older than what the database has announced."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from signalhub import clock
from signalhub.api.app import create_app
from signalhub.api.edge import Edge
from signalhub.db.engine import Database
from signalhub.subscribers import entitlements, keys
from tests import records, servers
from tests.integration.api_client import SIGNALS
from tests.integration.api_people import CLOSED, CUT_OFF, Town, settled, until
from tests.records import CLOSE


@pytest.fixture
def town(database: Database) -> Town:
    return settled(database)


@pytest.fixture
def client(database: Database, town: Town) -> Iterator[TestClient[Litestar]]:  # noqa: ARG001 — it has to be there.
    with TestClient(create_app(database, CLOSED)) as opened:
        edge: Edge = opened.app.state.edge
        until(lambda: edge.listening.is_connected)
        yield opened


def ids(client: TestClient[Litestar], town: Town, who: str) -> list[int]:
    answer = client.get(SIGNALS, headers=town.headers(who))
    return [item["signal_id"] for item in answer.json()["items"]]


def standing(client: TestClient[Litestar], town: Town, who: str) -> list[str]:
    return [item["status"] for item in client.get(SIGNALS, headers=town.headers(who)).json()["items"]]


def test_the_same_question_is_answered_from_memory_with_the_same_bytes(
    client: TestClient[Litestar], town: Town
) -> None:
    answers = client.app.state.edge.answers
    first = client.get(SIGNALS, headers=town.headers("entitled"))
    assert (answers.hits, answers.misses) == (0, 1)
    second = client.get(SIGNALS, headers=town.headers("entitled"))
    assert (answers.hits, answers.misses) == (1, 1)
    assert second.content == first.content
    assert second.headers["content-type"] == first.headers["content-type"] == "application/json"


def test_what_is_kept_for_one_audience_is_not_given_to_another(client: TestClient[Litestar], town: Town) -> None:
    both = [town.breakout, town.momentum]
    for _ in range(2):
        assert ids(client, town, "operator") == both
        assert ids(client, town, "entitled") == [town.momentum]
        assert ids(client, town, "subscriber") == []
        assert ids(client, town, "analyst") == both


def test_a_new_signal_and_its_end_show_as_soon_as_they_are_announced(
    client: TestClient[Litestar], database: Database, town: Town
) -> None:
    assert standing(client, town, "entitled") == ["target_hit"]
    with database.transaction() as connection:
        fresh = records.add_signal(connection, 1, 1, CLOSE + timedelta(hours=2))
    until(lambda: ids(client, town, "entitled") == [fresh, town.momentum])
    assert standing(client, town, "entitled") == ["open", "target_hit"]
    with database.transaction() as connection:
        connection.execute("UPDATE engine.outcomes SET status = 'expired' WHERE signal_id = %s", (fresh,))
    until(lambda: standing(client, town, "entitled") == ["expired", "target_hit"])


def test_a_revoked_key_is_turned_away_as_soon_as_it_is_announced(
    client: TestClient[Litestar], database: Database, town: Town
) -> None:
    assert client.get(SIGNALS, headers=town.headers("entitled")).status_code == 200
    with database.transaction() as connection:
        keys.revoke(connection, town.tokens["entitled"], clock.now())
    until(lambda: client.get(SIGNALS, headers=town.headers("entitled")).status_code == 401)


def test_what_is_granted_and_revoked_shows_as_soon_as_it_is_announced(
    client: TestClient[Litestar], database: Database, town: Town
) -> None:
    assert ids(client, town, "subscriber") == []
    with database.transaction() as connection:
        entitlements.grant(connection, town.ids["subscriber"], ["breakout"], clock.now())
    until(lambda: ids(client, town, "subscriber") == [town.breakout])
    with database.transaction() as connection:
        entitlements.revoke(connection, town.ids["subscriber"], ["breakout"], clock.now())
    until(lambda: ids(client, town, "subscriber") == [])


def test_whoever_owned_a_strategy_when_a_signal_closed_goes_on_seeing_it(
    client: TestClient[Litestar], database: Database, town: Town
) -> None:
    with database.transaction() as connection:
        early, late = CLOSE - timedelta(hours=1), CLOSE + timedelta(minutes=1)
        entitlements.grant(connection, town.ids["subscriber"], ["momentum", "breakout"], clock.now(), early, late)
    until(lambda: ids(client, town, "subscriber") == [town.momentum])
    statuses = [
        client.get(f"{SIGNALS}/{signal_id}", headers=town.headers("subscriber")).status_code
        for signal_id in (town.momentum, town.breakout)
    ]
    assert statuses == [200, 404]


def test_a_grant_that_begins_later_shows_when_it_begins_without_any_announcement(
    client: TestClient[Litestar], database: Database, town: Town
) -> None:
    begin = clock.now() + timedelta(seconds=2)
    with database.transaction() as connection:
        entitlements.grant(connection, town.ids["subscriber"], ["momentum"], clock.now(), begin)
    until(lambda: ids(client, town, "subscriber") == [town.momentum])
    assert clock.now() >= begin


def test_while_nothing_is_heard_nothing_is_kept(client: TestClient[Litestar], database: Database, town: Town) -> None:
    listening = client.app.state.edge.listening
    assert ids(client, town, "entitled") == [town.momentum]
    listening.is_connected = False
    with database.transaction() as connection:
        fresh = records.add_signal(connection, 1, 1, CLOSE + timedelta(hours=2))
    assert ids(client, town, "entitled") == [fresh, town.momentum]


def test_a_listener_that_was_cut_off_comes_back(
    client: TestClient[Litestar], database: Database, database_url: str, town: Town
) -> None:
    listening = client.app.state.edge.listening
    generation = listening.generation
    servers.execute(database_url, CUT_OFF)
    until(lambda: listening.generation > generation and listening.is_connected)
    with database.transaction() as connection:
        fresh = records.add_signal(connection, 1, 1, CLOSE + timedelta(hours=2))
    until(lambda: ids(client, town, "entitled") == [fresh, town.momentum])


def test_an_answer_that_was_being_made_while_something_changed_is_not_kept(client: TestClient[Litestar]) -> None:
    edge: Edge = client.app.state.edge
    cache = edge.answers._kept
    generation = edge.listening.generation
    edge.listening.generation += 1
    # Somebody else asks first, and finds nothing.
    assert cache.get(("/", b"", None)) is None
    cache.put(("/", b"", None), b"old", generation)
    assert cache.get(("/", b"", None)) is None
    cache.put(("/", b"", None), b"new", edge.listening.generation)
    assert cache.get(("/", b"", None)) == b"new"
