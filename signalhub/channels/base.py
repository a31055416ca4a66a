"""The contract of a channel: it takes one rendered message to one address and says what became of it.

A channel module declares `CHANNEL`, a subclass of Channel. It reads and writes nothing in the database: `deliver`
claims messages, renders them, calls `send`, and settles the verdict.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from signalhub.outbox.verdicts import PutOff, Verdict
from signalhub.settings import Settings


@dataclass(frozen=True)
class Content:
    """What is said, the same for every receiver of it: rendered once, sent many times.

    `text` is plain text (e-mail), or the channel's own markup (Telegram: HTML). `data` is what a program reads
    (webhook). Each channel uses what it needs.
    """

    subject: str = ""
    text: str = ""
    html: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Address:
    """Where a subscriber is reached; each channel uses its own part."""

    name: str
    email: str | None = None
    telegram_chat_id: int | None = None
    webhook_url: str | None = None
    webhook_secret: str | None = None


@dataclass(frozen=True)
class Outgoing:
    """One message to one address. `key` is the same on every try, so that a receiver can tell a repeat."""

    key: str
    kind: str
    address: Address
    content: Content


class Channel(ABC):
    """A way out of the house. Made once per process, in the event loop it is used in."""

    name: ClassVar[str]
    """As in outbox.messages.channel and preferences."""
    has_keys: ClassVar[bool]
    """Whether a receiver can tell a message sent twice by its key. Where not, it is never sent again blindly."""
    at_once: ClassVar[int]
    """How many messages may be under way at the same time."""
    patience: ClassVar[float] = 5.0
    """Seconds that one step of a try may take: to connect, to get an answer. A channel without keys has to give up by
    itself before its lane breaks it off (lane.py), for it alone knows whether anything left."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @classmethod
    @abstractmethod
    def is_configured(cls, settings: Settings) -> bool:
        """Whether the settings say enough to send anything."""

    async def turn(self, message: Outgoing) -> PutOff | None:  # noqa: ARG002 - for those with a pace to keep
        """Waits until the message may be sent; or says how much later its turn comes.

        Nothing leaves before it ends: a message that is killed while it waits was surely not sent.
        """
        return None

    @abstractmethod
    async def send(self, message: Outgoing) -> Verdict:
        """Tries once to send the message.

        Guarantees: never raises for what the network or the receiver does; says `Uncertain` when the bytes may have
        left without an answer and the channel has no keys.
        """

    @abstractmethod
    async def check(self) -> str:
        """One line that says that the channel works; sends nothing to anybody.

        Raises: SignalhubError with one line that says what is wrong and what to do.
        """

    async def close(self) -> None:
        """Lets go of connections. Nothing by default."""
        return
