"""What tests of webhooks start from: one try to one URL, and a resolver that says what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from signalhub.channels.base import Address
from signalhub.channels.webhook import Webhook
from signalhub.outbox.verdicts import Verdict
from signalhub.settings import Settings
from tests.contracts.channel_stages import SECRET, outgoing

PRIVATE_ALLOWED = Settings(webhook_allow_private=True)


def sent(url: str | None, settings: Settings = PRIVATE_ALLOWED, secret: str | None = SECRET) -> Verdict:
    async def all_of_it() -> Verdict:
        hooks = Webhook(settings)
        try:
            return await hooks.send(outgoing(Address("ann", webhook_url=url, webhook_secret=secret)))
        finally:
            await hooks.close()

    return asyncio.run(all_of_it())


def answering(*answers: list[str]) -> tuple[list[str], Callable[[str, int], Awaitable[list[str]]]]:
    """A resolver that gives these answers one after the other, and the names it was asked for."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        del port
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return asked, resolve
