"""The edge: delivery and the API in one event loop, where asyncio is at home."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from signalhub.api.server import serve_until
from signalhub.channels.deliver import deliver
from signalhub.db.engine import Database
from signalhub.jobs.schedule import API, DELIVERY
from signalhub.service.enduring import BEAT_SECONDS, Keeper
from signalhub.settings import Settings
from signalhub.web.app import create_site


def run_edge(
    database: Database,
    settings: Settings,
    parts: Sequence[str],
    keepers: Mapping[str, Keeper],
    ready: Callable[[str], None] | None = None,
) -> None:
    """Runs delivery, the API, or both until the keepers' stop is set; `ready` is told the API's address.

    Raises: UsageInvalid when the port cannot be had.
    """
    try:
        asyncio.run(_edge(database, settings, parts, keepers, ready))
    except ExceptionGroup as group:  # not except*: what that raises anew, Python 3.11.2 puts into a group again
        # One part's trouble ends both; what it was is told like any other error.
        raise group.exceptions[0] from group


async def _edge(
    database: Database,
    settings: Settings,
    parts: Sequence[str],
    keepers: Mapping[str, Keeper],
    ready: Callable[[str], None] | None,
) -> None:
    stop = asyncio.Event()
    _follow(keepers[parts[0]].stop, stop)
    async with asyncio.TaskGroup() as group:
        if DELIVERY in parts:
            group.create_task(deliver(database, settings, stop))
        if API in parts:
            site = create_site(database, settings)
            group.create_task(serve_until(site, settings.api_host, settings.api_port, stop, ready))
        for part in parts:
            group.create_task(_beat(keepers[part], stop))


def _follow(asked: threading.Event, stop: asyncio.Event) -> None:
    """Whoever asks the process to stop does so in another thread."""
    loop = asyncio.get_running_loop()

    def wait() -> None:
        asked.wait()
        with suppress(RuntimeError):  # the loop has ended by itself, and told why
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait, daemon=True, name="stop").start()


async def _beat(keeper: Keeper, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await asyncio.to_thread(keeper.enduring, keeper.beat)
        try:
            await asyncio.wait_for(stop.wait(), BEAT_SECONDS)
        except TimeoutError:
            continue
    await asyncio.to_thread(keeper.leave)
