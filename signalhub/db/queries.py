"""Named queries: `sql/queries/<module>.sql` is what Python runs, by name.

A file holds blocks that begin with `-- name: <name>`; parameters are `%(name)s`, cast in the SQL.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import psycopg
from psycopg.rows import args_row, dict_row

from signalhub import resources
from signalhub.db.connection import Connection

T = TypeVar("T")
_BLOCK = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


class Queries:
    """The named queries of one module."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.texts = _load(module)

    def rows(self, connection: Connection, name: str, /, **parameters: Any) -> list[dict[str, Any]]:
        """All rows, as dictionaries."""
        with connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(self.texts[name], parameters).fetchall()

    def made(self, connection: Connection, name: str, shape: Callable[..., T], /, **parameters: Any) -> list[T]:
        """All rows, each given to `shape` in the order of the columns."""
        with connection.cursor(row_factory=args_row(shape)) as cursor:
            return cursor.execute(self.texts[name], parameters).fetchall()

    def scalar(self, connection: Connection, name: str, /, **parameters: Any) -> Any:
        """The first column of the first row, or None."""
        row = connection.execute(self.texts[name], parameters).fetchone()
        return row[0] if row else None

    def run(self, connection: Connection, name: str, /, **parameters: Any) -> int:
        """Runs a statement; the number of rows it touched."""
        return connection.execute(self.texts[name], parameters).rowcount

    def bound(self, connection: Connection, name: str, /, **parameters: Any) -> str:
        """The text with its parameters written in, for COPY, which takes none."""
        return psycopg.ClientCursor(connection).mogrify(self.texts[name], parameters)


@cache
def _load(module: str) -> dict[str, bytes]:
    text = (resources.folder("sql") / "queries" / f"{module}.sql").read_text(encoding="utf-8")
    parts = _BLOCK.split(text)
    names, bodies = parts[1::2], parts[2::2]
    # Bytes, because psycopg's typed queries accept literal strings or bytes only.
    return {name: body.strip().encode() for name, body in zip(names, bodies, strict=True)}
