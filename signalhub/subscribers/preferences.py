"""Preferences: what a subscriber wants to hear of, where, and when. One row each, made with the subscriber.

`read` takes JSON values, `get` and `put` the database; what is refused is told in one line, whichever door it
came through.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Any

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.domain.instrument import ASSET_CLASSES
from signalhub.domain.signal import Direction
from signalhub.domain.timeframe import TIMEFRAMES
from signalhub.errors import NotFound, UsageInvalid
from signalhub.subscribers import values
from signalhub.subscribers.values import Field, Refused

CHANNELS = ("email", "telegram", "webhook")

_SQL = Queries("subscribers/preferences")
_LISTS = ("symbols", "asset_classes", "timeframes", "directions", "channels")


@dataclass(frozen=True)
class QuietHours:
    """Local times of day, [begin, end), in which messages wait; they may wrap midnight."""

    begin: time
    end: time

    def __str__(self) -> str:
        return f"{self.begin:%H:%M}-{self.end:%H:%M}"


@dataclass(frozen=True)
class Preferences:
    """None does not narrow; channels None is every channel there is an address for. Times of day are local."""

    symbols: tuple[str, ...] | None = None
    asset_classes: tuple[str, ...] | None = None
    timeframes: tuple[str, ...] | None = None
    directions: tuple[str, ...] | None = None
    min_score: Decimal = Decimal(0)
    channels: tuple[str, ...] | None = None
    quiet_hours: QuietHours | None = None
    daily_cap: int | None = None
    digest_at: time | None = None
    weekly: bool = False


def _quiet_hours(value: Any) -> QuietHours:
    begin, _, end = values.text(str(value) if isinstance(value, QuietHours) else value).partition("-")
    hours = QuietHours(values.time_of_day(begin.strip()), values.time_of_day(end.strip()))
    if hours.begin == hours.end:
        raise Refused(f"begin and end at {hours.begin:%H:%M}")
    return hours


def _some_of(allowed: tuple[str, ...]) -> Field:
    return Field(
        values.several(values.one_of(allowed)),
        f"some of {', '.join(allowed)}, or nothing for all of them",
        from_words=values.list_words,
    )


FIELDS: Mapping[str, Field] = {
    "symbols": Field(
        values.several(values.text), "symbols of instruments, or nothing for all of them", from_words=values.list_words
    ),
    "asset_classes": _some_of(ASSET_CLASSES),
    "timeframes": _some_of(tuple(item.code for item in TIMEFRAMES)),
    "directions": _some_of(tuple(item.value for item in Direction)),
    "min_score": Field(
        values.amount(0, 100, 2), "a number from 0 to 100 with at most two decimals", Decimal(0), values.number_words
    ),
    "channels": _some_of(CHANNELS),
    "quiet_hours": Field(_quiet_hours, "two local times such as 22:00-07:00"),
    "daily_cap": Field(
        values.whole(1, 1_000_000), "a whole number from 1 to 1000000, or nothing for no cap", None, values.number_words
    ),
    "digest_at": Field(values.time_of_day, "a local time such as 08:00, or nothing for no digest"),
    "weekly": Field(values.yes_or_no, "yes or no (in JSON: true or false)", False, values.yes_words),
}
"""Every preference by its JSON name."""


def read(given: Mapping[str, Any], onto: Preferences | None = None, shown: Callable[[str], str] = str) -> Preferences:
    """Preferences from JSON values; what is not named keeps what `onto` says, else its default.

    Symbols are looked up when they are put. Raises: UsageInvalid, naming the field and what is allowed.
    """
    return dataclasses.replace(onto or Preferences(), **values.read(FIELDS, given, shown))


def as_json(preferences: Preferences) -> dict[str, Any]:
    """What `read` reads: lists, numbers, `22:00-07:00`, `08:00`, true or false, null."""
    return {field.name: _json(getattr(preferences, field.name)) for field in dataclasses.fields(preferences)}


def _json(value: Any) -> Any:
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, QuietHours):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def get(connection: Connection, subscriber_id: int) -> Preferences:
    """The subscriber's preferences.

    Raises: NotFound.
    """
    return _got(connection, "get", subscriber_id)


def put(
    connection: Connection,
    subscriber_id: int,
    preferences: Preferences,
    now: datetime,
    shown: Callable[[str], str] = str,
) -> Preferences:
    """Replaces the subscriber's preferences; as they are stored, symbols by their public names.

    Raises: UsageInvalid as `read` does, and for symbols that no instrument has.
    """
    checked = read(as_json(preferences), shown=shown)
    if checked.symbols is not None:
        checked = dataclasses.replace(checked, symbols=_public(connection, checked.symbols, shown("symbols")))
    _SQL.run(connection, "put", subscriber_id=subscriber_id, now=now, **_columns(checked))
    return checked


def change(
    connection: Connection,
    subscriber_id: int,
    given: Mapping[str, Any],
    now: datetime,
    shown: Callable[[str], str] = str,
) -> Preferences:
    """Changes some of them; what somebody else changes at the same time is not lost.

    Raises: as `put` does; NotFound.
    """
    current = _got(connection, "get_for_update", subscriber_id)
    return put(connection, subscriber_id, read(given, current, shown), now, shown)


def _got(connection: Connection, name: str, subscriber_id: int) -> Preferences:
    rows = _SQL.rows(connection, name, subscriber_id=subscriber_id)
    if not rows:
        raise NotFound(f"There is no subscriber {subscriber_id}.")
    row = rows[0]
    begin, end = row.pop("quiet_from"), row.pop("quiet_until")
    lists = {key: None if row[key] is None else tuple(row[key]) for key in _LISTS}
    return Preferences(**row | lists, quiet_hours=None if begin is None else QuietHours(begin, end))


def _columns(preferences: Preferences) -> dict[str, Any]:
    columns = {field.name: getattr(preferences, field.name) for field in dataclasses.fields(preferences)}
    columns |= {key: None if columns[key] is None else list(columns[key]) for key in _LISTS}
    quiet = columns.pop("quiet_hours")
    return columns | {"quiet_from": quiet and quiet.begin, "quiet_until": quiet and quiet.end}


def _public(connection: Connection, symbols: tuple[str, ...], name: str) -> tuple[str, ...]:
    found = {row["given"]: row["public_symbol"] for row in _SQL.rows(connection, "public", symbols=list(symbols))}
    unknown = [symbol for symbol in symbols if symbol not in found]
    if unknown:
        few = [row["public_symbol"] for row in _SQL.rows(connection, "a_few_symbols")]
        hint = f"known are {', '.join(few[:8])}{' …' if len(few) > 8 else ''}" if few else "there are none yet"
        raise UsageInvalid(f"{name} names {unknown[0][:80]!r}, which no instrument has: {hint}.")
    return tuple(dict.fromkeys(found[symbol] for symbol in symbols))
