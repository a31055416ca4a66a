"""Values that people give about themselves, as words or as JSON: read in one place, refused in one line.

A field is a name, what reads a JSON value, and what is expected. The command line turns its words into JSON values
first, so that both doors let in the same things and say the same about the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from signalhub.errors import UsageInvalid

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9998, 12, 31, tzinfo=UTC)
"""Instants beyond cannot be read back in every time zone, for want of years."""
_SHOWN = 60
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


class Refused(ValueError):
    """A value that cannot be taken, for a reason of its own; a plain ValueError: because it is not what is expected."""


@dataclass(frozen=True)
class Field:
    """One value: how it is read from JSON, what is expected, what null stands for, and how words become JSON."""

    read: Callable[[Any], Any]
    expected: str
    cleared: Any = None
    from_words: Callable[[str], Any] = str
    may_be_null: bool = True


Fields = Mapping[str, Field]


def spelled(name: str) -> str:
    """A field's name on the command line: `min_score` → `min-score`."""
    return name.replace("_", "-")


def from_words(fields: Fields, name: str, words: str) -> Any:
    """The JSON value of what was typed; nothing typed is null, and what cannot be understood stays as it is."""
    if not words.strip():
        return None
    return fields[name].from_words(words.strip()) if name in fields else words


def read(fields: Fields, values: Mapping[str, Any], shown: Callable[[str], str] = str) -> dict[str, Any]:
    """The values as the house holds them; `shown` says how a field is called in messages.

    Raises: UsageInvalid, naming the field, what was wrong, and what is allowed.
    """
    for name in values:
        if name not in fields:
            known = ", ".join(shown(known) for known in fields)
            raise UsageInvalid(f"{_short(name)} cannot be set. Known: {known}.")
    return {name: _value(fields[name], value, shown(name)) for name, value in values.items()}


def _value(field: Field, value: Any, name: str) -> Any:
    if value is None and field.may_be_null:
        return field.cleared
    try:
        return field.read(value)
    except Refused as reason:
        raise UsageInvalid(f"{name} {reason}: expected {field.expected}.") from None
    except (ValueError, TypeError):
        raise UsageInvalid(f"{name} is {_short(value)}: expected {field.expected}.") from None


def _short(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    shown = str(value) if isinstance(value, Decimal) else repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"


def text(value: Any) -> str:
    """Text that fits on a line.

    Raises: ValueError.
    """
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError
    return value


def yes_or_no(value: Any) -> bool:
    """A JSON boolean.

    Raises: ValueError.
    """
    if not isinstance(value, bool):
        raise ValueError
    return value


def whole(low: int, high: int) -> Callable[[Any], int]:
    """Reads a whole number from `low` to `high`."""

    def read_whole(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError
        return value

    return read_whole


def amount(low: int, high: int, decimals: int) -> Callable[[Any], Decimal]:
    """Reads a number from `low` to `high` with at most so many decimals."""

    def read_amount(value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise ValueError
        # By its shortest text: 70.1 is meant as it is written, not as the binary fraction next to it.
        number = Decimal(str(value))
        if not number.is_finite() or not low <= number <= high or number != round(number, decimals):
            raise ValueError
        return number

    return read_amount


def several(read_one: Callable[[Any], str], at_most: int = 500) -> Callable[[Any], tuple[str, ...]]:
    """Reads a list of one or more, without repeats, in the order given."""

    def read_several(value: Any) -> tuple[str, ...]:
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise ValueError
        if not value:
            raise Refused("is an empty list, which would want nothing")
        if len(value) > at_most:
            raise Refused(f"lists {len(value)}, more than {at_most}")
        return tuple(dict.fromkeys(read_one(item) for item in value))

    return read_several


def one_of(allowed: Sequence[str]) -> Callable[[Any], str]:
    """Reads one of these words."""

    def read_one(value: Any) -> str:
        if value not in allowed:
            raise Refused(f"names {_short(value)}")
        return str(value)

    return read_one


def time_of_day(value: Any) -> time:
    """A local time of day from `HH:MM`, or one that is read already.

    Raises: ValueError.
    """
    if isinstance(value, time):
        return value
    found = _CLOCK.fullmatch(value)
    if not found:
        raise ValueError
    return time(int(found[1]), int(found[2]))


def list_words(words: str) -> list[str]:
    """`a, b` → `["a", "b"]`."""
    return [item.strip() for item in words.split(",") if item.strip()]


def number_words(words: str) -> int | Decimal | str:
    """`70` → 70, `70.5` → 70.5; other words stay words."""
    try:
        number = Decimal(words) if re.fullmatch(r"-?[0-9.]{1,20}", words) else None
    except InvalidOperation:
        return words
    if number is None:
        return words
    return int(number) if number == number.to_integral_value() else number


def yes_words(words: str) -> bool | str:
    """`yes` → true, `no` → false; other words stay words."""
    return {"yes": True, "no": False, "true": True, "false": False}.get(words.lower(), words)


def instant(value: datetime, name: str) -> datetime:
    """The instant, where it can be kept.

    Raises: UsageInvalid.
    """
    if not EARLIEST <= value <= LATEST:
        raise UsageInvalid(f"{name} {value:%Y-%m-%d} is out of reach: expected a time from 1970 to 9998.")
    return value
