"""People and programs that receive signals: added once, found by name, with their addresses.

A subscriber never goes away, since the record hangs on it; one that is not active gets nothing and no key of its
own opens anything.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.errors import NameTaken, NotFound, UsageInvalid
from signalhub.settings import Settings
from signalhub.subscribers import addresses, values
from signalhub.subscribers.preferences import CHANNELS, Preferences

_SQL = Queries("subscribers/people")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_SHOWN = 8
_DEFAULTS: Mapping[str, Any] = {
    "email": None,
    "telegram_chat_id": None,
    "webhook_url": None,
    "time_zone": "UTC",
    "is_active": True,
}


@dataclass(frozen=True)
class Subscriber:
    """A row of account.subscribers, without its secret."""

    subscriber_id: int
    name: str
    email: str | None
    telegram_chat_id: int | None
    webhook_url: str | None
    time_zone: str
    is_active: bool
    created_at: datetime

    @property
    def channels(self) -> list[str]:
        """The channels it has an address for."""
        reached = zip(CHANNELS, (self.email, self.telegram_chat_id, self.webhook_url), strict=True)
        return [channel for channel, address in reached if address is not None]


def add(
    connection: Connection,
    name: str,
    given: Mapping[str, Any],
    settings: Settings,
    now: datetime,
    shown: Callable[[str], str] = str,
) -> Subscriber:
    """A new subscriber with default preferences; `given` are JSON values of `addresses.fields`.

    Raises: NameTaken; UsageInvalid, naming the field and what is allowed.
    """
    if not _NAME.fullmatch(name):
        raise UsageInvalid(
            f"{name[:80]!r} cannot be a name: expected a letter or digit, then up to 63 letters, digits and . _ @ + -"
        )
    row = {**_DEFAULTS, **_checked(connection, given, settings, shown)}
    subscriber_id = _SQL.scalar(
        connection, "add", name=name, webhook_secret=_new_secret(row["webhook_url"]), now=now, **row
    )
    if subscriber_id is None:
        raise NameTaken(f"There is a subscriber {name!r} already. Choose another name, or change it with `set`.")
    _SQL.run(connection, "add_preferences", subscriber_id=subscriber_id, now=now)
    return by_id(connection, subscriber_id)


def find(connection: Connection, name: str) -> Subscriber:
    """The subscriber of this name.

    Raises: NotFound, naming a few that exist.
    """
    rows = _SQL.rows(connection, "by_name", name=name) if _NAME.fullmatch(name) else []
    if rows:
        return Subscriber(**rows[0])
    few = [row["name"] for row in _SQL.rows(connection, "a_few_names")]
    hint = f"There are: {', '.join(few[:_SHOWN])}{' …' if len(few) > _SHOWN else ''}." if few else "There are none yet."
    raise NotFound(f"No subscriber is called {name[:80]!r}. {hint}")


def by_id(connection: Connection, subscriber_id: int) -> Subscriber:
    """The subscriber of this id.

    Raises: NotFound.
    """
    rows = _SQL.rows(connection, "by_id", subscriber_id=subscriber_id)
    if not rows:
        raise NotFound(f"There is no subscriber {subscriber_id}.")
    return Subscriber(**rows[0])


def every(connection: Connection) -> list[Subscriber]:
    """All of them, active or not, by name."""
    return [Subscriber(**row) for row in _SQL.rows(connection, "all")]


def change(
    connection: Connection,
    subscriber_id: int,
    given: Mapping[str, Any],
    settings: Settings,
    shown: Callable[[str], str] = str,
) -> Subscriber:
    """Changes what is given, as JSON values of `addresses.fields`. Another webhook URL gets another secret.

    Raises: UsageInvalid, naming the field and what is allowed; NotFound.
    """
    checked = _checked(connection, given, settings, shown)
    _SQL.run(connection, "lock", subscriber_id=subscriber_id)
    before = asdict(by_id(connection, subscriber_id))
    after = {name: before[name] for name in _DEFAULTS} | checked
    secret = _new_secret(after["webhook_url"])
    _SQL.run(connection, "change", subscriber_id=subscriber_id, webhook_secret=secret, **after)
    return by_id(connection, subscriber_id)


def lock(connection: Connection, subscriber_id: int) -> None:
    """One transaction at a time changes what belongs to this subscriber."""
    _SQL.run(connection, "lock", subscriber_id=subscriber_id)


def webhook_secret(connection: Connection, subscriber_id: int) -> str | None:
    """What its webhooks are signed with (Standard Webhooks, `whsec_…`); for the receiver and nobody else."""
    secret: str | None = _SQL.scalar(connection, "webhook_secret", subscriber_id=subscriber_id)
    return secret


def reachable(subscriber: Subscriber, preferences: Preferences, channel: str | None = None) -> list[str]:
    """The channels its messages go to, or the one that is asked for.

    Raises: UsageInvalid where there is no address to send to, or the subscriber is not active.
    """
    if not subscriber.is_active:
        raise UsageInvalid(f"{subscriber.name} is not active: nothing is sent to them. Set active=yes first.")
    if channel is not None and channel not in CHANNELS:
        raise UsageInvalid(f"{channel[:80]!r} is no channel. Use one of {', '.join(CHANNELS)}.")
    wanted = [channel] if channel else preferences.channels or CHANNELS
    found = [item for item in subscriber.channels if item in wanted]
    if not found:
        raise UsageInvalid(f"{subscriber.name} has no address for {' or '.join(wanted)}. Set one first.")
    return found


def _checked(
    connection: Connection, given: Mapping[str, Any], settings: Settings, shown: Callable[[str], str]
) -> dict[str, Any]:
    checked = values.read(addresses.fields(settings), given, shown)
    zone = checked.get("time_zone", "UTC")
    if zone != "UTC" and not _SQL.scalar(connection, "knows_time_zone", time_zone=zone):
        raise UsageInvalid(f"{shown('time_zone')} {zone} is not known to the database server. Choose another one.")
    return checked


def _new_secret(webhook_url: str | None) -> str | None:
    return None if webhook_url is None else "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
