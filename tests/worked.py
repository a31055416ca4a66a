"""Queries that a page of the docs shows with their results, and results as the pages show them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import psycopg


def worked(page: str) -> list[tuple[str, str]]:
    """Each query of a page that is followed by a table, and the table."""
    return re.findall(r"```sql\n(.*?)```\n\n(\|.*?\n)\n", page, re.DOTALL)


def as_table(cursor: psycopg.Cursor[Any]) -> str:
    """The answer as a Markdown table; instants as their session says them."""
    assert cursor.description is not None
    names = [column.name for column in cursor.description]
    lines = [names, ["---"] * len(names), *([shown(value) for value in row] for row in cursor.fetchall())]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def shown(value: Any) -> str:
    """One value."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
