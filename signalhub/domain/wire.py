"""Values on the wire: what a row looks like as JSON, the same from the command line and the API.

A Decimal is a JSON number, an instant ISO-8601 in UTC with Z, and what is not a finite number is null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

_EXACT = 2**53
"""Up to here every whole number is a float of its own, so that any JSON reader gets it unchanged."""


def to_json(value: Any, *, indent: int | None = None) -> str:
    """The value as JSON text.

    Raises: TypeError for what has no form on the wire; ValueError for a time without a zone.
    """
    separators = (",", ":") if indent is None else None
    return json.dumps(plain(value), indent=indent, separators=separators, ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """The value in JSON's own terms: dict, list, str, int, float, bool, None.

    Raises: TypeError for what has no form on the wire; ValueError for a time without a zone.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, datetime):
        return instant(value)
    return _plain_collection(value)


def plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row in JSON's own terms."""
    return {name: plain(value) for name, value in row.items()}


def number(value: Decimal) -> int | float | None:
    """The number as JSON carries it: whole ones as int, others as the nearest float, NaN and infinity as None."""
    if not value.is_finite():
        return None
    if abs(value) <= _EXACT and value == value.to_integral_value():
        return int(value)
    nearest = float(value)
    return nearest if math.isfinite(nearest) else None


def instant(value: datetime) -> str:
    """`2026-01-02T03:00:00Z`; microseconds only where there are some.

    Raises: ValueError for a time without a zone, which is no instant.
    """
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no time zone: it is no instant.")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _plain_collection(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    raise TypeError(f"A {type(value).__name__} has no form on the wire.")
