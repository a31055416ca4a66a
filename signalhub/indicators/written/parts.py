"""What the written SQL has in common."""

from __future__ import annotations

from collections.abc import Iterable

from signalhub.indicators.declared import Item

HEAD = "-- Written by scripts/write-indicators from sql/indicators.sql: do not edit.\n"


def names(items: Iterable[Item]) -> list[str]:
    """Their names."""
    return [item.name for item in items]


def listed(lines: Iterable[str], indent: int = 4) -> str:
    """Lines with commas between them."""
    return ",\n".join(" " * indent + line for line in lines)
