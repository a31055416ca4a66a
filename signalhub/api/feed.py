"""The live feed: what the database announces, rendered once and handed to every client that may see it.

Each client has a short queue and a task of its own that empties it: one that cannot keep up is closed with 1013 and
holds up nobody else.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar

import psycopg
import sqlalchemy.exc
from litestar.serialization import encode_json

from signalhub import clock
from signalhub.api.access import Access
from signalhub.api.auth import Doorkeeper
from signalhub.api.listening import CHANGED, CONNECTED, SIGNALS, Listening
from signalhub.api.missed import Event, Told
from signalhub.api.wire import Signal
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.jobs.health import Health, health
from signalhub.signals import read

QUEUE = 200
"""Events a client may be behind."""
TOO_SLOW, NOT_ALLOWED = 1013, 1008
KEEPALIVE_SECONDS = 20.0
_STATUS_SECONDS = 5.0
_PAUSE_SECONDS = 1.0
_AT_ONCE = 500
_EXPIRY = "expiry"
"""A notice of our own: look whose time is over."""
_LOST = (psycopg.OperationalError, sqlalchemy.exc.OperationalError, sqlalchemy.exc.TimeoutError)
_LOG = logging.getLogger(__name__)
T = TypeVar("T")


class Client:
    """One WebSocket: what waits to be sent, and what it may see."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.waiting: asyncio.Queue[str] = asyncio.Queue(QUEUE)
        self.ended: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

    def hand(self, text: str) -> None:
        """Queues a text; ends the client where it is too far behind."""
        try:
            self.waiting.put_nowait(text)
        except asyncio.QueueFull:
            self.end(TOO_SLOW, "too slow")

    def end(self, code: int, reason: str) -> None:
        """Closes the connection as soon as its task comes to it."""
        if not self.ended.done():
            self.ended.set_result((code, reason))

    def sees(self, strategy: str) -> bool:
        """Whether new signals of the strategy are for them."""
        return self.access.visible is None or strategy in self.access.visible.strategies


class Feed:
    """All clients of this process, and the tasks that tell them."""

    def __init__(self, database: Database, listening: Listening, doorkeeper: Doorkeeper) -> None:
        self._database = database
        self._doorkeeper = doorkeeper
        self._listening = listening
        self._members: set[Client] = set()
        self._notices: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._told = Told()
        self._heard_at: datetime | None = None
        self._status: dict[str, Any] = {}
        listening.watch(lambda channel, payload: self._notices.put_nowait((channel, payload)))

    @property
    def clients(self) -> int:
        """How many there are."""
        return len(self._members)

    def join(self, access: Access) -> Client:
        """A new client, greeted."""
        client = Client(access)
        owned = None if access.visible is None else list(access.visible.strategies)
        client.hand(rendered("connected", at=clock.now(), name=access.name, role=access.role, strategies=owned))
        if self._status:
            client.hand(rendered("status", at=clock.now(), **self._status))
        self._members.add(client)
        return client

    def part(self, client: Client) -> None:
        """Forgets a client."""
        self._members.discard(client)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tells what is announced meanwhile."""
        async with AsyncExitStack() as stack:
            for work in (self._tell(), self._keep_alive(), self._watch_status()):
                stack.callback(asyncio.create_task(work).cancel)
            yield

    async def _tell(self) -> None:
        while True:
            notice = await self._notices.get()
            # Again before the next one: a key's end must not be heard after the signals that followed it.
            while not await self._has_heeded(*notice):
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _has_heeded(self, channel: str, payload: str) -> bool:
        try:
            await self._heed(channel, payload)
        except _LOST:
            _LOG.warning("the live feed could not read what was announced and tries again")
            return False
        except Exception:
            _LOG.exception("the live feed could not tell %s %s", channel, payload)
        return True

    async def _heed(self, channel: str, payload: str) -> None:
        if channel == CONNECTED:
            # First who may still see what, for that was not heard either.
            await self._renew(self._members)
            await self._catch_up()
        if channel == SIGNALS:
            notice = json.loads(payload)
            await self._announce([(notice["event"], signal_id) for signal_id in notice["signal_ids"]])
        if channel == _EXPIRY:
            await self._renew([client for client in self._members if not client.access.is_good(clock.now())])
        if channel == CHANGED and payload.startswith("account.") and payload != "account.preferences":
            await self._renew(self._members)

    async def _catch_up(self) -> None:
        now, since = clock.now(), self._heard_at
        if since is None:
            await self._read(lambda connection: self._told.begin(connection, now))
        else:
            await self._announce(await self._read(lambda connection: self._told.since(connection, since)))
        self._heard_at = now

    async def _announce(self, events: list[Event]) -> None:
        fresh = [event for event in events if self._told.is_new(event)]
        for start in range(0, len(fresh), _AT_ONCE):
            some = fresh[start : start + _AT_ONCE]
            ids = sorted({signal_id for _, signal_id in some})
            rows = await self._read(lambda connection, ids=ids: read.some(connection, ids))  # type: ignore[misc]
            await self._renew([client for client in self._members if not client.access.is_good(clock.now())])
            by_id = {row["signal_id"]: row for row in rows}
            for event in some:
                self._told.remember(event)
                self._broadcast(event[0], by_id[event[1]])

    def _broadcast(self, event: str, row: dict[str, Any]) -> None:
        text = rendered(event, signal=Signal.of(row))
        for client in self._members:
            if client.sees(row["strategy"]):
                client.hand(text)

    async def _renew(self, clients: Collection[Client]) -> None:
        """Looks again what clients may see; whose key or session has ended is sent away."""
        some = list(clients)
        renewed = await self._doorkeeper.renewed([client.access for client in some]) if some else []
        for client, access in zip(some, renewed, strict=True):
            if access is None:
                client.end(NOT_ALLOWED, "key revoked or expired")
                self.part(client)
            else:
                client.access = access

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(KEEPALIVE_SECONDS)
            self._hand_all(rendered("keepalive", at=clock.now()))
            # While we hear, nothing before now can have been missed.
            if self._listening.is_connected and self._heard_at is not None and self._notices.empty():
                self._heard_at = clock.now()
            self._notices.put_nowait((_EXPIRY, ""))

    async def _watch_status(self) -> None:
        while True:
            found = _status(await asyncio.to_thread(health, self._database, clock.now()))
            if found != self._status:
                self._status = found
                self._hand_all(rendered("status", at=clock.now(), **found))
            await asyncio.sleep(_STATUS_SECONDS)

    def _hand_all(self, text: str) -> None:
        for client in self._members:
            client.hand(text)

    async def _read(self, work: Callable[[Connection], T]) -> T:
        def reading() -> T:
            with self._database.transaction() as connection:
                return work(connection)

        return await asyncio.to_thread(reading)


def rendered(event: str, **values: Any) -> str:
    """An event as every client gets it."""
    return encode_json({"event": event, **values}).decode()


def _status(found: Health) -> dict[str, Any]:
    components = {name: part.status for name, part in found.components.items()}
    return {"status": found.status, "components": components}
