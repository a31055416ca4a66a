"""Clients of the live feed: the API on a port of its own, and what they are told."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from litestar import Litestar
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from signalhub import clock
from signalhub.api.app import create_app
from signalhub.api.edge import Edge
from signalhub.api.server import serve_until
from signalhub.db.engine import Database
from signalhub.outbox.publish import publish, publish_closings
from signalhub.settings import Settings
from tests import records
from tests.integration.api_people import CLOSED, PATIENCE_SECONDS, until


@contextmanager
def served(database: Database, settings: Settings = CLOSED) -> Iterator[tuple[Litestar, str]]:
    """The API on a port of its own, in an event loop of its own; its address for WebSockets."""
    app = create_app(database, settings)
    stop, address = asyncio.Event(), threading.Event()
    found: list[Any] = []

    async def serve() -> None:
        found.append(asyncio.get_running_loop())
        await serve_until(app, "127.0.0.1", 0, stop, lambda url: (found.append(url), address.set()))

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert address.wait(PATIENCE_SECONDS)
        edge: Edge = app.state.edge
        until(lambda: edge.listening.is_connected and edge.feed._heard_at is not None)
        yield app, found[1].replace("http://", "ws://") + "/ws/feed"
    finally:
        found[0].call_soon_threadsafe(stop.set)
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive(), "it did not end"


def told(client: ClientConnection, event: str) -> dict[str, Any]:
    """The next event of this kind."""
    while True:
        found: dict[str, Any] = json.loads(client.recv(timeout=PATIENCE_SECONDS))
        if found["event"] == event:
            return found


def add_live(database: Database, strategy: int = 1, hours: int = 5) -> int:
    """A live signal, published as the pipeline does."""
    now = clock.now()
    with database.transaction() as connection:
        signal_id = records.add_signal(
            connection, 1, strategy, now + timedelta(hours=hours), origin="live", published_at=now
        )
        publish(connection, [signal_id], now)
    return signal_id


def end(database: Database, signal_id: int) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE engine.outcomes SET status = 'expired' WHERE signal_id = %s", (signal_id,))
        publish_closings(connection, [signal_id], clock.now())


def refused(address: str, **given: Any) -> int:
    with pytest.raises(InvalidStatus) as error, connect(address, **given):
        pass
    return error.value.response.status_code


def closed_with(client: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as error:
        _read_on(client, [])
    assert error.value.rcvd is not None
    return error.value.rcvd.code


def heard_until_closed(client: ClientConnection) -> list[str]:
    """The events that come before the connection is closed."""
    events: list[str] = []
    with pytest.raises(ConnectionClosed):
        _read_on(client, events)
    return events


def _read_on(client: ClientConnection, events: list[str]) -> None:
    while True:
        events.append(json.loads(client.recv(timeout=PATIENCE_SECONDS))["event"])
