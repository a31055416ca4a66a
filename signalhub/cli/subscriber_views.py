"""What people and programs see of subscribers: tables and lines, and objects for --json."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from signalhub.cli import output, subscriber_words
from signalhub.db.connection import Connection
from signalhub.subscribers import entitlements, keys, preferences
from signalhub.subscribers.entitlements import Entitlement
from signalhub.subscribers.keys import Key
from signalhub.subscribers.people import Subscriber
from signalhub.subscribers.preferences import Preferences


@dataclass(frozen=True)
class Whole:
    """All there is about one subscriber, secrets left out."""

    subscriber: Subscriber
    strategies: list[str]
    preferences: Preferences
    entitlements: list[Entitlement]
    keys: list[Key]

    def as_json(self) -> dict[str, Any]:
        """One object."""
        return {
            **dataclasses.asdict(self.subscriber),
            "strategies": self.strategies,
            "preferences": preferences.as_json(self.preferences),
            "entitlements": [dataclasses.asdict(row) for row in self.entitlements],
            "keys": [key(one) for one in self.keys],
        }


def read(connection: Connection, subscriber: Subscriber, now: datetime) -> Whole:
    """All there is about a subscriber."""
    sid = subscriber.subscriber_id
    history = entitlements.history(connection, sid)
    owned = sorted({row.strategy for row in history if row.holds(now)})
    return Whole(subscriber, owned, preferences.get(connection, sid), history, keys.every(connection, sid))


def summary(subscriber: Subscriber, owned: Mapping[int, list[str]]) -> dict[str, Any]:
    """A subscriber in a list, for programs."""
    return {**dataclasses.asdict(subscriber), "strategies": owned.get(subscriber.subscriber_id, [])}


def key(one: Key) -> dict[str, Any]:
    """A key, for programs."""
    return {name: value for name, value in dataclasses.asdict(one).items() if name != "name"}


def settable(subscriber: Subscriber, held: Preferences) -> dict[str, Any]:
    """What can be set, by field name, as JSON values."""
    about = {name: getattr(subscriber, name) for name in subscriber_words.ABOUT}
    return about | preferences.as_json(held)


def show_all(everybody: Sequence[Subscriber], owned: Mapping[int, list[str]]) -> None:
    """Prints subscribers as a table."""
    output.table(
        ("Name", "Active", "E-mail", "Telegram", "Webhook", "Time zone", "Strategies"),
        [
            (
                one.name,
                "yes" if one.is_active else "no",
                one.email,
                one.telegram_chat_id,
                one.webhook_url,
                one.time_zone,
                ", ".join(owned.get(one.subscriber_id, [])),
            )
            for one in everybody
        ],
    )


def show(whole: Whole, now: datetime) -> None:
    """Prints all there is about a subscriber."""
    output.say(
        f"{whole.subscriber.name}, added {utc(whole.subscriber.created_at)} UTC; {_owned_now(whole.strategies)}."
    )
    output.say()
    show_values(settable(whole.subscriber, whole.preferences))
    output.say()
    if whole.entitlements:
        output.table(
            ("Strategy", "From (UTC)", "Until", "Granted", "Now"),
            [
                (
                    row.strategy,
                    utc(row.valid_from),
                    utc(row.valid_until, "without end"),
                    utc(row.granted_at),
                    _standing(row, now),
                )
                for row in whole.entitlements
            ],
        )
        output.say()
    if whole.keys:
        show_keys(whole.keys, now)


def show_values(held: Mapping[str, Any], only: Sequence[str] | None = None) -> None:
    """Prints values as `set` takes them, all or those named."""
    output.table(
        ("Key", "Value"),
        [(subscriber_words.shown(name), _typed(held[name])) for name in (held if only is None else only)],
    )


def show_keys(found: Sequence[Key], now: datetime) -> None:
    """Prints keys as a table."""
    output.table(
        ("Key", "Begins", "Role", "Made (UTC)", "Expires", "Now"),
        [
            (one.key_id, f"{one.hint}…", one.role, utc(one.created_at), utc(one.expires_at, "never"), one.status(now))
            for one in found
        ],
        right=("Key",),
    )


def reached(subscriber: Subscriber) -> str:
    """How messages reach a subscriber, in words."""
    return f"reached by {', '.join(subscriber.channels)}" if subscriber.channels else "no address yet"


def owned(rows: Sequence[Entitlement]) -> str:
    """What these entitlements are to, in words."""
    return _owned_now(sorted({row.strategy for row in rows}))


def span(row: Entitlement) -> str:
    """From when until when, in words."""
    until = "without end" if row.valid_until is None else f"until {utc(row.valid_until)} UTC"
    return f"from {utc(row.valid_from)} UTC {until}"


def utc(instant: datetime | None, none: str = "") -> str:
    """An instant to the minute, in UTC."""
    return none if instant is None else f"{instant.astimezone(UTC):%Y-%m-%d %H:%M}"


def _owned_now(names: Sequence[str]) -> str:
    return f"entitled to {', '.join(names)}" if names else "entitled to no strategy"


def _standing(row: Entitlement, now: datetime) -> str:
    if row.holds(now):
        return "owned"
    if row.valid_until == row.valid_from:
        return "revoked before it began"
    return "to come" if row.valid_from > now else "over"


def _typed(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else ",".join(value) if isinstance(value, list) else str(value)
