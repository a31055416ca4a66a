"""Explain: why a subscriber did or did not get a signal, read from decisions, messages, attempts and grants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.errors import NotFound
from signalhub.signals import read
from signalhub.subscribers import entitlements, people
from signalhub.subscribers.entitlements import Entitlement
from signalhub.subscribers.people import Subscriber

_SQL = Queries("outbox/explain")


@dataclass(frozen=True)
class Told:
    """A message and the tries to send it."""

    message: dict[str, Any]
    attempts: Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Explanation:
    """What is on record about one signal and one subscriber. Instants are UTC.

    `signal` is a row of analytics.signals; `decision` is None where none was made, or it is forgotten; `spans` are
    the grants of the signal's strategy.
    """

    signal: dict[str, Any]
    subscriber: Subscriber
    decision: dict[str, Any] | None
    messages: Sequence[Told]
    spans: Sequence[Entitlement]
    is_remembered: bool

    @property
    def published_at(self) -> datetime:
        """When the signal was published, or recorded where it never was."""
        instant: datetime = self.signal["published_at"] or self.signal["recorded_at"]
        return instant

    @property
    def was_entitled(self) -> bool:
        """Whether the subscriber owned the strategy when the signal was published, as it was known then."""
        return any(span.granted_at <= self.published_at and span.holds(self.published_at) for span in self.spans)


def explain(connection: Connection, signal_id: int, name: str) -> Explanation:
    """What there is to say about a signal and a subscriber.

    Raises: NotFound where there is no such signal or subscriber.
    """
    signal = read.one(connection, signal_id)
    if signal is None:
        raise NotFound(f"There is no signal {signal_id}. `signalhub signals --json` lists them with their ids.")
    subscriber = people.find(connection, name)
    key = {"signal_id": signal_id, "subscriber_id": subscriber.subscriber_id}
    decisions = _rows(connection, "decision", **key)
    owned = entitlements.history(connection, subscriber.subscriber_id)
    return Explanation(
        signal,
        subscriber,
        decisions[0] if decisions else None,
        _told(connection, key),
        [span for span in owned if span.strategy == signal["strategy"]],
        _SQL.scalar(connection, "is_remembered", at=signal["published_at"] or signal["recorded_at"]),
    )


def _told(connection: Connection, key: dict[str, int]) -> list[Told]:
    messages = _rows(connection, "messages", **key)
    attempts = _rows(connection, "attempts", message_ids=[message["message_id"] for message in messages])
    return [
        Told(message, [tried for tried in attempts if tried["message_id"] == message["message_id"]])
        for message in messages
    ]


def _rows(connection: Connection, name: str, **parameters: Any) -> list[dict[str, Any]]:
    return _SQL.rows(connection, name, **parameters)
