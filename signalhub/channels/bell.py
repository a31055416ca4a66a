"""The bell: rings when the database says that there may be something to send. Polling makes do without it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import psycopg

from signalhub.db.engine import SESSION_OPTIONS, Database

_log = logging.getLogger(__name__)
_PATIENCE = 1.0


async def listen(database: Database, ring: Callable[[], None]) -> None:
    """Rings at every NOTIFY of the outbox, until cancelled; connects again whenever the database was away."""
    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    while True:
        try:
            connection = await psycopg.AsyncConnection.connect(url, autocommit=True, options=SESSION_OPTIONS)
            async with connection:
                await connection.execute("LISTEN signalhub_outbox")
                ring()  # for what came before
                async for _ in connection.notifies():
                    ring()
        except psycopg.Error as error:
            _log.debug("The bell is off: %s", type(error).__name__)
        await asyncio.sleep(_PATIENCE)
