"""Deliver: one lane per channel that is configured, until told to stop.

Any number of processes may deliver from one database; leases keep them apart.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime

from signalhub import plugins
from signalhub.channels.base import Channel
from signalhub.channels.deliverer import Deliverer
from signalhub.channels.render import Renderer
from signalhub.db.engine import Database
from signalhub.settings import Settings


async def deliver(database: Database, settings: Settings, stop: asyncio.Event) -> None:
    """Delivers by every configured channel until `stop`; then finishes and settles what is under way."""
    await Deliverer(database, configured(settings), Renderer(settings)).run(stop)


def drain(database: Database, settings: Settings, now: datetime) -> Counter[str]:
    """Delivers what is due at `now`, once; how many messages ended how.

    Raises: what the database raises.
    """

    async def all_of_it() -> Counter[str]:
        return await Deliverer(database, configured(settings), Renderer(settings), now=lambda: now).drain()

    return asyncio.run(all_of_it())


def kinds() -> dict[str, type[Channel]]:
    """Every channel there is, by its name.

    Raises: PluginInvalid when a module declares something that is no channel.
    """
    found = plugins.declared_classes("signalhub.channels", "CHANNEL", Channel)
    return {kind.name: kind for kind in found.values()}


def configured(settings: Settings) -> list[Channel]:
    """The channels for which the settings say enough. Call it in the event loop they are used in."""
    return [kind(settings) for kind in kinds().values() if kind.is_configured(settings)]
