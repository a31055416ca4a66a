"""Channels that answer on script, and a renderer that says the message's number."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import ClassVar

from signalhub.channels.base import Channel, Content, Outgoing
from signalhub.channels.deliverer import Deliverer
from signalhub.channels.lane import Pace
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.outbox.queue import Claimed
from signalhub.outbox.verdicts import Sent, Verdict
from signalhub.settings import Settings
from tests.outbox_stage import NOW

Script = Callable[[Outgoing], Awaitable[Verdict]]
QUICK = Pace(poll=0.05, patience=0.05, tidy=0.05)
PATIENCE = 60.0  # only a hang takes that long


async def accept(message: Outgoing) -> Verdict:
    return Sent(message.key)


class Mail(Channel):
    """Has keys; five at once."""

    name: ClassVar[str] = "email"
    has_keys: ClassVar[bool] = True
    at_once: ClassVar[int] = 5

    def __init__(self, script: Script = accept) -> None:
        super().__init__(Settings())
        self.script = script
        self.sent: list[Outgoing] = []
        self.under_way = self.most_at_once = 0
        self.is_closed = False

    @classmethod
    def is_configured(cls, settings: Settings) -> bool:
        return settings.smtp_host is not None

    async def send(self, message: Outgoing) -> Verdict:
        self.sent.append(message)
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            await asyncio.sleep(0)
            return await self.script(message)
        finally:
            self.under_way -= 1

    async def check(self) -> str:
        return "works"

    async def close(self) -> None:
        self.is_closed = True

    @property
    def said(self) -> list[str]:
        return [message.content.text for message in self.sent]


class Chat(Mail):
    """Has no keys."""

    name: ClassVar[str] = "telegram"
    has_keys: ClassVar[bool] = False


class Numbers:
    """A renderer: `message 7`; what is in `silent` has nothing to say, what is in `broken` fails."""

    def __init__(self) -> None:
        self.silent: set[int] = set()
        self.broken: set[int] = set()

    def render(self, connection: Connection, channel: str, message: Claimed) -> Content | None:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        if message.message_id in self.broken:
            connection.execute("SELECT 1 / 0")
        if message.message_id in self.silent:
            return None
        return Content(text=f"{channel} {message.message_id}")


def drain(
    database: Database, *channels: Channel, renderer: Numbers | None = None, pace: Pace = QUICK
) -> dict[str, int]:
    """Delivers what is due at NOW."""

    async def all_of_it() -> dict[str, int]:
        found = await Deliverer(database, channels, renderer or Numbers(), pace, lambda: NOW).drain()
        return {name: count for name, count in found.items() if count}

    return asyncio.run(all_of_it())


def deliver_until(database: Database, channel: Mail, is_over: Callable[[], bool], pace: Pace = QUICK) -> None:
    """Delivers until something is so."""

    async def all_of_it() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(Deliverer(database, [channel], Numbers(), pace, lambda: NOW).run(stop))
        async with asyncio.timeout(PATIENCE):
            while not await asyncio.to_thread(is_over):
                await asyncio.sleep(0.01)
            stop.set()
            await running

    asyncio.run(all_of_it())
