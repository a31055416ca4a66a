"""Listening: one connection that hears what the database announces, for caches, the live feed and the page.

It runs in the event loop of whoever uses it. A connection that was lost is opened anew; in between `is_connected` is
false, and whoever watches is told `CONNECTED` afterwards, since notices were missed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
import sqlalchemy

CHANGED = "signalhub_changed"
"""The payload is the table's name."""
SIGNALS = "signalhub_signals"
"""The payload is {"event": "signal" or "signal_closed", "signal_ids": […]}."""
CONNECTED = "connected"
"""No channel of the database: we hear again, and may have missed something."""

_LOG = logging.getLogger(__name__)
_CHECK_SECONDS = 5
"""How long a connection may be silent before it has to prove that it is alive."""
_PAUSES_SECONDS = (0.1, 0.5, 1, 2)

Watcher = Callable[[str, str], None]


class Listening:
    """What changed, by counting: `generation` is another number after every change."""

    def __init__(self, engine: sqlalchemy.Engine) -> None:
        _, self._arguments = engine.dialect.create_connect_args(engine.url)
        self._watchers: list[Watcher] = []
        self.generation = 0
        self.is_connected = False

    def watch(self, watcher: Watcher) -> None:
        """Calls `watcher(channel, payload)` in the event loop for every notice; it must neither wait nor fail."""
        self._watchers.append(watcher)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listens meanwhile."""
        task = asyncio.create_task(self._run(), name="listening")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError, TimeoutError) as error:
                failures = 1 if self._lose() else failures + 1
                if failures == 1:
                    _LOG.warning("the database announces nothing just now: %s", " ".join(str(error).split()))
            finally:
                self._lose()
            await asyncio.sleep(_PAUSES_SECONDS[min(failures, len(_PAUSES_SECONDS)) - 1])

    async def _listen(self) -> None:
        async with asyncio.timeout(2 * _CHECK_SECONDS):
            connection = await psycopg.AsyncConnection.connect(**self._arguments, autocommit=True)
        async with connection:
            for channel in (CHANGED, SIGNALS):
                await connection.execute(f"LISTEN {channel}".encode())
            self.is_connected = True
            self._tell(CONNECTED, "")
            while True:
                await self._hear(connection)

    async def _hear(self, connection: psycopg.AsyncConnection[Any]) -> None:
        async for notice in connection.notifies(timeout=_CHECK_SECONDS):
            self._tell(notice.channel, notice.payload)
        async with asyncio.timeout(_CHECK_SECONDS):
            await connection.execute("SELECT 1")

    def _lose(self) -> bool:
        was_connected, self.is_connected = self.is_connected, False
        self.generation += 1
        return was_connected

    def _tell(self, channel: str, payload: str) -> None:
        if channel != SIGNALS:
            self.generation += 1
        for watcher in self._watchers:
            watcher(channel, payload)
