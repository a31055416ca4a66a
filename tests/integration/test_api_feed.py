"""The WebSocket /ws/feed: who is let in, what they are told, and what happens when something breaks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence

import psycopg
import pytest
from litestar import Litestar
from websockets.sync.client import connect

from signalhub import clock
from signalhub.api import feed, listening, sessions, socket
from signalhub.api.access import Access
from signalhub.api.edge import Edge
from signalhub.api.feed import Client
from signalhub.db.engine import Database
from signalhub.signals.read import Visible
from signalhub.subscribers import entitlements, keys
from tests import servers
from tests.integration.api_live import add_live, closed_with, end, heard_until_closed, refused, served, told
from tests.integration.api_people import CLOSED, CUT_OFF, PATIENCE_SECONDS, Town, settled, until


@pytest.fixture
def town(database: Database) -> Town:
    return settled(database)


@pytest.fixture
def hall(database: Database, town: Town) -> Iterator[tuple[Litestar, str]]:  # noqa: ARG001 — it has to be there.
    with served(database) as found:
        yield found


def test_a_signal_and_its_end_are_told_as_the_api_shows_them(
    hall: tuple[Litestar, str], database: Database, town: Town
) -> None:
    with connect(hall[1], additional_headers=town.headers("entitled")) as client:
        greeted = told(client, "connected")
        assert (greeted["name"], greeted["role"], greeted["strategies"]) == ("entitled", "subscriber", ["momentum"])
        signal_id = add_live(database)
        fresh = told(client, "signal")["signal"]
        assert (fresh["signal_id"], fresh["symbol"], fresh["entry"], fresh["status"]) == (
            *(signal_id, "BTC/USDT"),
            *(100, "open"),
        )
        end(database, signal_id)
        assert told(client, "signal_closed")["signal"] == fresh | {"status": "expired"}


def test_everybody_is_told_of_their_own_strategies_only(
    hall: tuple[Litestar, str], database: Database, town: Town
) -> None:
    with (
        connect(hall[1], additional_headers=town.headers("entitled")) as entitled,
        connect(hall[1], additional_headers=town.headers("subscriber")) as owns_nothing,
        connect(hall[1], additional_headers=town.headers("operator")) as operator,
    ):
        for client in (entitled, owns_nothing, operator):
            told(client, "connected")
        ids = [add_live(database, strategy=2), add_live(database, strategy=1)]
        assert [told(operator, "signal")["signal"]["signal_id"] for _ in ids] == ids
        assert told(entitled, "signal")["signal"]["signal_id"] == ids[1]
        with database.transaction() as connection:
            entitlements.grant(connection, town.ids["subscriber"], ["breakout"], clock.now())
        third = add_live(database, strategy=2, hours=6)
        assert told(owns_nothing, "signal")["signal"]["signal_id"] == third


def test_the_status_is_told_at_once(hall: tuple[Litestar, str], town: Town) -> None:
    with connect(hall[1], additional_headers=town.headers("analyst")) as client:
        status = told(client, "status")
        assert status["status"] in {"HEALTHY", "DEGRADED", "CRITICAL"}
        assert "database" in status["components"]


def test_a_quiet_connection_is_kept_alive(database: Database, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "KEEPALIVE_SECONDS", 0.05)
    with served(database) as (_, address), connect(address, additional_headers=town.headers("analyst")) as client:
        assert {told(client, "keepalive")["event"] for _ in range(2)} == {"keepalive"}


def test_a_key_may_come_in_the_first_message(hall: tuple[Litestar, str], town: Town) -> None:
    with connect(hall[1]) as client:
        client.send(json.dumps({"key": town.tokens["entitled"]}))
        assert told(client, "connected")["name"] == "entitled"


@pytest.mark.parametrize("words", ['{"key": "shk_wrong"}', '{"key": 7}', "{}", "[]", "no json", "7"])
def test_a_first_message_without_a_good_key_is_the_last(hall: tuple[Litestar, str], words: str) -> None:
    with connect(hall[1]) as client:
        client.send(words)
        assert closed_with(client) == 1008


def test_whoever_says_nothing_is_sent_away(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "KEY_SECONDS", 0.05)
    with served(database) as (_, address), connect(address) as client:
        assert closed_with(client) == 1008


@pytest.mark.parametrize("who", ["revoked", "expired", "inactive"])
def test_a_key_that_opens_nothing_does_not_open_the_feed(hall: tuple[Litestar, str], town: Town, who: str) -> None:
    assert refused(hall[1], additional_headers=town.headers(who)) == 403


def test_another_sites_page_cannot_use_the_session_of_ours(hall: tuple[Litestar, str], database: Database) -> None:
    with database.transaction() as connection:
        token = sessions.begin(connection, 2, clock.now())
    cookie = {"Cookie": f"{sessions.COOKIE}={token}"}
    assert refused(hall[1], additional_headers=cookie, origin="https://evil.example") == 403
    ours = hall[1].removesuffix("/ws/feed").replace("ws://", "http://")
    with connect(hall[1], additional_headers=cookie, origin=ours) as client:  # type: ignore[arg-type]
        assert told(client, "connected")["name"] == "entitled"


def test_an_open_page_is_open_to_its_own_origin_only(database: Database) -> None:
    with served(database, CLOSED.replace(open_page=True)) as (_, address):
        assert refused(address, origin="https://evil.example") == 403
        with connect(address) as client:
            assert told(client, "connected")["name"] == "anonymous"


def test_a_client_is_disconnected_when_its_key_is_revoked(
    hall: tuple[Litestar, str], database: Database, town: Town
) -> None:
    with connect(hall[1], additional_headers=town.headers("entitled")) as client:
        told(client, "connected")
        with database.transaction() as connection:
            keys.revoke(connection, town.tokens["entitled"], clock.now())
        assert closed_with(client) == 1008


def test_what_was_missed_while_nothing_was_heard_is_told_once(
    hall: tuple[Litestar, str], database: Database, database_url: str, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    edge: Edge = hall[0].state.edge
    monkeypatch.setattr(listening, "_PAUSES_SECONDS", (2.0,))
    with connect(hall[1], additional_headers=town.headers("operator")) as client:
        before = add_live(database, hours=1)
        assert told(client, "signal")["signal"]["signal_id"] == before
        servers.execute(database_url, CUT_OFF)
        until(lambda: not edge.listening.is_connected)
        missed = add_live(database, hours=2)
        end(database, before)
        until(lambda: edge.listening.is_connected)
        after = add_live(database, hours=3)
        found = []
        while not found or found[-1] != ("signal", after):
            event = json.loads(client.recv(timeout=PATIENCE_SECONDS))
            if "signal" in event:
                found.append((event["event"], event["signal"]["signal_id"]))
        assert found == [("signal", missed), ("signal_closed", before), ("signal", after)]


def test_whose_key_ended_while_nothing_was_heard_is_not_told_what_was_missed(
    hall: tuple[Litestar, str], database: Database, database_url: str, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    edge: Edge = hall[0].state.edge
    monkeypatch.setattr(listening, "_PAUSES_SECONDS", (2.0,))
    with connect(hall[1], additional_headers=town.headers("entitled")) as client:
        told(client, "connected")
        servers.execute(database_url, CUT_OFF)
        until(lambda: not edge.listening.is_connected)
        with database.transaction() as connection:
            keys.revoke(connection, town.tokens["entitled"], clock.now())
        add_live(database)
        assert "signal" not in heard_until_closed(client)


def test_whose_key_ended_is_not_told_what_came_after_although_the_database_was_away_for_a_moment(
    hall: tuple[Litestar, str], database: Database, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub: feed.Feed = hall[0].state.edge.feed
    look_again, tries = hub._doorkeeper.renewed, []

    async def renewed(before: Sequence[Access]) -> list[Access | None]:
        tries.append(before)
        if len(tries) > 1:
            return await look_again(before)
        await asyncio.to_thread(add_live, database)
        while hub._notices.empty():
            await asyncio.sleep(0.01)
        raise psycopg.OperationalError("away")

    monkeypatch.setattr(feed, "_PAUSE_SECONDS", 0.01)
    with connect(hall[1], additional_headers=town.headers("entitled")) as client:
        told(client, "connected")
        monkeypatch.setattr(hub._doorkeeper, "renewed", renewed)
        with database.transaction() as connection:
            keys.revoke(connection, town.tokens["entitled"], clock.now())
        assert "signal" not in heard_until_closed(client)


def test_a_client_that_cannot_keep_up_is_closed_and_holds_up_nobody(
    database: Database, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "QUEUE", 20)
    much = json.dumps({"event": "status", "padding": "x" * 500_000})
    with (
        served(database) as (app, address),
        connect(address, additional_headers=town.headers("analyst"), max_queue=1, compression=None) as slow,
        connect(address, additional_headers=town.headers("operator"), compression=None) as quick,
    ):
        hub: feed.Feed = app.state.edge.feed
        told(quick, "connected")
        until(lambda: hub.clients == 2)
        (behind,) = (member for member in hub._members if member.access.name == "analyst")
        for _ in range(500):
            behind.ended.get_loop().call_soon_threadsafe(hub._hand_all, much)
            assert told(quick, "status")
            if behind.ended.done():
                break
        assert closed_with(slow) == 1013
        signal_id = add_live(database)
        assert told(quick, "signal")["signal"]["signal_id"] == signal_id


async def _filled(events: int) -> Client:
    client = Client(Access("subscriber", visible=Visible(("momentum",))))
    for _ in range(events):
        client.hand("{}")
    return client


@pytest.mark.parametrize(("events", "is_ended"), [(feed.QUEUE, False), (feed.QUEUE + 1, True)])
def test_a_client_may_be_so_far_behind_and_no_further(events: int, is_ended: bool) -> None:
    client = asyncio.run(_filled(events))
    assert client.ended.done() is is_ended
    assert client.sees("momentum")
    assert not client.sees("breakout")
