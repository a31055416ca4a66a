"""The desk of one channel: the database's half of delivery. Synchronous; the lane calls it in threads."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

import psycopg
import sqlalchemy

from signalhub.channels.base import Address, Content, Outgoing
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.outbox import queue
from signalhub.outbox.queue import Claimed
from signalhub.outbox.verdicts import PutOff, RetryAt, Verdict

GONE = (psycopg.OperationalError, psycopg.InterfaceError, sqlalchemy.exc.DBAPIError)
"""What a database raises that went away; it is waited for."""

Finished: TypeAlias = tuple[Claimed, Verdict | PutOff | None]
"""A message with its verdict; None: nobody tried to send it, and it is given back."""

_log = logging.getLogger(__name__)


class Renderer(Protocol):
    """Says what a message says."""

    def render(self, connection: Connection, channel: str, message: Claimed) -> Content | None:
        """The content; None where there is nothing to say any more."""


@dataclass(frozen=True)
class Ready:
    """A message that can be sent."""

    message: Claimed
    content: Content

    def outgoing(self) -> Outgoing:
        """The message as a channel takes it."""
        who = self.message
        address = Address(who.name, who.email, who.telegram_chat_id, who.webhook_url, who.webhook_secret)
        # The instant tells apart what two databases send to one receiver.
        key = f"{who.message_id}-{int(who.created_at.timestamp())}"
        return Outgoing(key, who.kind, address, self.content)


@dataclass
class Taken:
    """What came of one claim: what can be sent, and what is finished without a send."""

    ready: list[Ready] = field(default_factory=list)
    finished: list[Finished] = field(default_factory=list)
    silent: list[Claimed] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ready) + len(self.finished) + len(self.silent)


@dataclass(frozen=True)
class Desk:
    """Claims, renders, begins and settles the messages of one channel."""

    database: Database
    channel: str
    renderer: Renderer
    lease: timedelta

    def take(self, limit: int, now: datetime) -> Taken:
        """Claims up to `limit` messages and renders them; those with nothing to say are withheld.

        Raises: one of GONE when nothing was claimed. Later on, what could not be rendered is given back.
        """
        with self.database.transaction() as connection:
            claimed = queue.claim(connection, self.channel, limit, now, self.lease)
        taken = Taken()
        rest = claimed[::-1]
        try:
            with self.database.transaction() as connection:
                while rest:
                    self._render(connection, rest[-1], taken)
                    rest.pop()
                queue.withhold(connection, taken.silent, "there was nothing left to say", now)
        except GONE:
            _log.warning("The database went away while messages for %s were rendered.", self.channel)
            taken.finished += [(message, None) for message in (*rest, *taken.silent)]
            taken.silent.clear()
        return taken

    def _render(self, connection: Connection, message: Claimed, taken: Taken) -> None:
        try:
            content = self.renderer.render(connection, self.channel, message)
        except GONE:
            raise
        except Exception as error:
            # A template that fails for one message must not hold up the others; the log has the rest.
            _log.exception("Message %s cannot be rendered.", message.message_id)
            connection.rollback()
            taken.finished.append((message, RetryAt(f"could not be rendered: {type(error).__name__}")))
            return
        if content is None:
            taken.silent.append(message)
        else:
            taken.ready.append(Ready(message, content))

    def begin(self, message: Claimed, now: datetime) -> bool:
        """Commits that the message's bytes may leave; False when it is not ours any more."""
        with self.database.transaction() as connection:
            return message.message_id in queue.begin(connection, [message], now)

    def settle(self, finished: Sequence[Finished], now: datetime) -> None:
        """Writes verdicts, and gives back what nobody tried."""
        with self.database.transaction() as connection:
            tried = [(who, said) for who, said in finished if said is not None and not isinstance(said, PutOff)]
            put_off = [(who, said) for who, said in finished if isinstance(said, PutOff)]
            queue.settle(connection, tried, now)
            if put_off:
                queue.put_off(connection, put_off, now)
            untried = [message for message, verdict in finished if verdict is None]
            if untried:
                queue.give_back(connection, untried)

    def tidy(self, now: datetime) -> None:
        """Releases what died under way, and withholds what has lost its point."""
        with self.database.transaction() as connection:
            queue.release_overdue(connection, self.channel, now)
            queue.withhold_stale(connection, self.channel, now)

    def next_due(self, now: datetime) -> datetime | None:
        """When the next message falls due after `now`."""
        with self.database.transaction() as connection:
            return queue.next_due(connection, self.channel, now)
