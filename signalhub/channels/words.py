"""How numbers, spans and outcomes are written to people, on every channel alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import ROUND_DOWN, Decimal
from typing import Any

MINUS = "\N{MINUS SIGN}"
# Line ends of every kind, control characters, and the marks that turn the direction of what follows.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_SPACES = re.compile(r"\s+")

_OUTCOMES = {
    "open": ("🔵", "open"),
    "target_hit": ("✅", "target hit"),
    "stop_hit": ("🛑", "stop hit"),
    "expired": ("⌛", "expired"),
    "cancelled": ("⚪", "cancelled"),
}
_SIDES = {"long": ("🟢", "LONG"), "short": ("🔴", "SHORT")}


def one_line(text: str) -> str:
    """The text without line ends and control characters: it cannot begin a line, a header or a mark-up of its own."""
    return _SPACES.sub(" ", _CONTROL.sub(" ", text)).strip()


def side(direction: str) -> str:
    """`🟢 LONG` or `🔴 SHORT`."""
    return " ".join(_SIDES[direction])


def outcome_mark(status: str) -> str:
    """One sign for a status."""
    return _OUTCOMES[status][0]


def outcome_words(status: str) -> str:
    """A status in plain words."""
    return _OUTCOMES[status][1]


def move_percent(level: Decimal, entry: Decimal) -> str:
    """From entry to a level as `−0.49 %`; cut, not rounded, so that no target looks better than it is."""
    exact = (level - entry) / entry * 100
    return signed(exact.quantize(Decimal("0.01"), ROUND_DOWN)) + " %"


def percent(value: float) -> str:
    """`+2.20 %`; 2.2 means 2.2 %."""
    return f"{signed(value)} %"


def in_r(value: float) -> str:
    """`+1.83 R`."""
    return f"{signed(value)} R"


def signed(value: float | Decimal) -> str:
    """Two decimals with a sign, a real minus; what rounds to nothing has no sign."""
    text = f"{abs(value):,.2f}"
    if text == "0.00":
        return text
    return f"{MINUS if value < 0 else '+'}{text}"


def ratio(value: Decimal) -> str:
    """`4.5`."""
    return f"{value:,.1f}"


def lasted(span: timedelta) -> str:
    """`2 d 4 h`, `3 h 20 min` or `15 min`: the two largest units."""
    minutes = int(span.total_seconds()) // 60
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, "d"), (hours, "h")] if days else [(hours, "h"), (rest, "min")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 min"


def at(instant: datetime, seen_from: datetime) -> str:
    """`17:00 UTC`, with the date where it is not the same UTC day."""
    instant, seen_from = instant.astimezone(UTC), seen_from.astimezone(UTC)
    same_day = instant.date() == seen_from.date()
    return f"{instant:%H:%M} UTC" if same_day else f"{instant:%Y-%m-%d %H:%M} UTC"


def local_time(instant: datetime, zone: tzinfo) -> str:
    """`17:00` in a time zone."""
    return f"{instant.astimezone(zone):%H:%M}"


def day(instant: datetime, zone: tzinfo) -> str:
    """`Fri 2 Jan 2026` in a time zone, whatever the machine's language."""
    local = instant.astimezone(zone)
    weekday = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[local.weekday()]
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[local.month - 1]
    return f"{weekday} {local.day} {month} {local.year}"


def clean(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with every text in one line."""
    return {name: one_line(value) if isinstance(value, str) else value for name, value in row.items()}
