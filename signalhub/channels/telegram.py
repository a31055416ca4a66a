"""Telegram by python-telegram-bot: HTML messages of a bot, at the pace that Telegram allows.

The Bot API knows no keys: whether a message whose answer never came has arrived cannot be found out, so it is
`Uncertain` and not sent again blindly.
"""

from __future__ import annotations

import asyncio
import logging
import os
from datetime import timedelta
from typing import ClassVar

import httpx
from telegram import Bot, LinkPreviewOptions
from telegram.constants import ParseMode
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)
from telegram.request import HTTPXRequest

from signalhub import clock
from signalhub.channels.base import Channel, Outgoing
from signalhub.channels.words import one_line
from signalhub.errors import ChannelUnavailable
from signalhub.outbox.verdicts import PutOff, RetryAt, Sent, Uncertain, Undeliverable, Verdict
from signalhub.settings import Settings

# The library is on its way from seconds to timedelta, and warns who has not followed yet: this is its switch.
os.environ.setdefault("PTB_TIMEDELTA", "true")

_TELEGRAM = "https://api.telegram.org"
_LONGEST_TURN = 3.0
"""Seconds that a message may wait for its turn here; what would wait longer goes back to the queue."""
_KEPT_CHATS = 10_000
_LOG_URLS = ("httpx", "telegram.Bot")
"""Loggers that write URLs, with the token in them."""
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class Pace:
    """Telegram's limits as turns, each the earliest instant that keeps its distance from the one before.

    Units: seconds on a clock that never jumps. About 30 messages a second in all, one a second to a person, twenty a
    minute to a group (whose ids are negative).
    """

    overall = 1 / 30
    person = 1.0
    group = 3.0

    def __init__(self) -> None:
        self._next = 0.0
        self._next_of_chat: dict[int, float] = {}
        self._next_put_off: dict[int, float] = {}

    def chat_turn(self, chat_id: int, now: float, longest: float = float("inf")) -> float:
        """Seconds until the chat's next turn, which is taken unless it is more than `longest` away.

        Those that are too early are told when to come back, each to a time of its own.
        """
        turn = max(now, self._next_of_chat.get(chat_id, 0.0))
        turns = self._next_of_chat
        if turn - now > longest:
            turns = self._next_put_off
            turn = max(turn, turns.get(chat_id, 0.0))
        turns[chat_id] = turn + (self.person if chat_id > 0 else self.group)
        self._forget(now)
        return turn - now

    def overall_turn(self, now: float) -> float:
        """Seconds until the next turn of all, which is taken."""
        turn = max(now, self._next)
        self._next = turn + self.overall
        return turn - now

    def hold(self, chat_id: int, until: float) -> None:
        """Gives the chat no turn before then."""
        self._next_of_chat[chat_id] = max(until, self._next_of_chat.get(chat_id, 0.0))

    def _forget(self, now: float) -> None:
        for turns in (self._next_of_chat, self._next_put_off):
            if len(turns) > _KEPT_CHATS:
                for chat in [chat for chat, turn in turns.items() if turn <= now]:
                    del turns[chat]


class _Hidden(logging.Filter):
    """The bot's token is part of every URL, and URLs are logged."""

    def __init__(self, secret: str) -> None:
        super().__init__()
        self._secret = secret

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if self._secret and self._secret in text:
            record.msg, record.args = text.replace(self._secret, "…"), ()
        return True


class Telegram(Channel):
    """Messages of the bot of SIGNALHUB_TELEGRAM_TOKEN."""

    name: ClassVar[str] = "telegram"
    has_keys: ClassVar[bool] = False
    at_once: ClassVar[int] = 30

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._token = settings.telegram_token or ""
        self._hidden = _Hidden(self._token)
        for name in _LOG_URLS:
            logging.getLogger(name).addFilter(self._hidden)
        wait = self.patience
        self._request = HTTPXRequest(
            self.at_once, connect_timeout=wait, read_timeout=wait, write_timeout=wait, pool_timeout=wait
        )
        base_url = f"{settings.telegram_url or _TELEGRAM}/bot"
        self._bot = Bot(self._token, base_url=base_url, request=self._request, get_updates_request=self._request)
        self._pace = Pace()

    @classmethod
    def is_configured(cls, settings: Settings) -> bool:
        """Whether there is a bot."""
        return settings.telegram_token is not None

    async def turn(self, message: Outgoing) -> PutOff | None:
        """Waits for the chat's turn and then for that of all; a chat whose turn is far off comes back later."""
        chat_id = message.address.telegram_chat_id
        if chat_id is not None:
            wait = self._pace.chat_turn(chat_id, clock.stopwatch(), _LONGEST_TURN)
            if wait > _LONGEST_TURN:
                return PutOff(timedelta(seconds=wait))
            await asyncio.sleep(wait)
        await asyncio.sleep(self._pace.overall_turn(clock.stopwatch()))
        return None

    async def send(self, message: Outgoing) -> Verdict:
        """Tries once."""
        chat_id = message.address.telegram_chat_id
        if chat_id is None:
            return Undeliverable(f"{message.address.name} has no Telegram chat.")
        try:
            sent = await self._bot.send_message(
                chat_id,
                message.content.text,
                parse_mode=ParseMode.HTML,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )
        except TelegramError as error:
            return self._verdict(chat_id, error)
        return Sent(f"message {sent.message_id}")

    async def check(self) -> str:
        """Asks who the bot is."""
        try:
            bot = await self._bot.get_me()
        except TelegramError as error:
            raise ChannelUnavailable(
                f"Telegram does not accept the bot: {self._said(error)}. "
                "Check SIGNALHUB_TELEGRAM_TOKEN and the way to Telegram."
            ) from None
        return f"telegram: the bot @{bot.username} answers"

    async def close(self) -> None:
        """Lets go of the connections."""
        await self._request.shutdown()
        for name in _LOG_URLS:
            logging.getLogger(name).removeFilter(self._hidden)

    def _verdict(self, chat_id: int, error: TelegramError) -> Verdict:
        if isinstance(error, RetryAfter):
            after = _after(error)
            self._pace.hold(chat_id, clock.stopwatch() + after.total_seconds())
            return RetryAt(self._said(error), after)
        if isinstance(error, ChatMigrated):
            return Undeliverable(f"The group has become chat {error.new_chat_id}: set that for the subscriber.")
        # A BadRequest is a NetworkError in this library, and has to be told from one first.
        if isinstance(error, BadRequest | Forbidden):
            return Undeliverable(self._said(error))
        if isinstance(error, InvalidToken):
            return RetryAt(f"Telegram refuses the bot's token: {self._said(error)}. Check SIGNALHUB_TELEGRAM_TOKEN.")
        if _never_left(error):
            return RetryAt(self._said(error))
        return Uncertain(f"No answer of Telegram's: {self._said(error)}")

    def _said(self, error: TelegramError) -> str:
        text = one_line(str(error)) or type(error).__name__
        return (text.replace(self._token, "…") if self._token else text)[:300].rstrip(".")


def _never_left(error: TelegramError) -> bool:
    """Whether nothing was sent, or the Bot API itself said that it did nothing.

    An error without a cause is an answer of the Bot API's. An answer that is not its JSON comes from something
    in between, which may have passed the message on.
    """
    return error.__cause__ is None or (isinstance(error, NetworkError) and isinstance(error.__cause__, _NEVER_LEFT))


def _after(error: RetryAfter) -> timedelta:
    after = error.retry_after
    return after if isinstance(after, timedelta) else timedelta(seconds=after)


CHANNEL = Telegram
