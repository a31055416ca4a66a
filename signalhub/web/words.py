"""How a signal is written on the page: the words of a row, and what became of it in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from signalhub.channels import words
from signalhub.signals.levels import shown_level, shown_price

Row = Mapping[str, Any]
STATUSES = {
    "open": "Open",
    "target_hit": "Target hit",
    "stop_hit": "Stop hit",
    "expired": "Expired",
    "cancelled": "Cancelled",
}
_AMBIGUOUS = "Stop and target lay inside one bar, and no finer bars tell which came first: it counts as stopped."


def minute(instant: datetime) -> str:
    """`2026-01-02 17:00`, in UTC."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M}"


def machine_time(instant: datetime) -> str:
    """The instant for machines, as HTML's datetime."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def level(row: Row, name: str) -> str:
    """Entry, stop or target with the decimals of its tick."""
    return shown_level(row[name])


def traded(row: Row, name: str) -> str:
    """fill_price or exit_price with the decimals of the levels; a dash where there is none."""
    return "–" if row[name] is None else shown_price(row[name], row["entry"])


def from_entry(row: Row, name: str) -> str:
    """How far stop or target is from entry: `−0.49 %`."""
    return words.move_percent(row[name], row["entry"])


def outcome(row: Row) -> str:
    """What became of the signal, in a sentence or two."""
    if row["status"] == "open":
        return _still_open(row)
    return " ".join([_ENDINGS[row["status"]](row), *([_AMBIGUOUS] if row["is_ambiguous"] else [])])


def _still_open(row: Row) -> str:
    until = f"valid until {minute(row['valid_until'])} UTC"
    if row["fill_at"] is None:
        return f"Waiting for the first bar after the signal; {until}."
    seen = minute(row["tracked_through"])
    return f"{_filled(row)}. Neither stop nor target was touched up to {seen} UTC; {until}."


def _hit(row: Row) -> str:
    what = "target" if row["status"] == "target_hit" else "stop"
    after = words.lasted(row["exit_at"] - row["close_at"])
    return f"{_filled(row)}; the {what} was reached at {_exit(row)}, {after} after the signal."


def _expired(row: Row) -> str:
    if row["fill_at"] is None:
        return f"No bar came before {minute(row['valid_until'])} UTC, so there was no trade."
    return f"{_filled(row)}; neither stop nor target was touched in time. Closed at {_exit(row)}, the last close."


def _cancelled(_: Row) -> str:
    return "The market opened at or beyond stop or target, so there was no trade."


def _filled(row: Row) -> str:
    return f"Filled at {traded(row, 'fill_price')} on {minute(row['fill_at'])} UTC"


def _exit(row: Row) -> str:
    return f"{traded(row, 'exit_price')} on {minute(row['exit_at'])} UTC"


_ENDINGS = {"target_hit": _hit, "stop_hit": _hit, "expired": _expired, "cancelled": _cancelled}
