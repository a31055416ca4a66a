"""Bulk in and out: Polars frames through COPY.

Floats travel as their shortest exact text, so that every bit survives both ways.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import polars as pl
from polars.datatypes import DataType
from psycopg import sql

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries

_CHUNK = 1 << 20


def copy_in(connection: Connection, table: str, frame: pl.DataFrame) -> int:
    """Appends `frame` to `table`, column by name; the number of rows.

    Shape: the frame's columns are columns of the table. `table` may be `schema.name` or a temporary table.
    """
    if frame.is_empty():
        return 0
    buffer = io.BytesIO()
    frame.write_csv(buffer, include_header=False)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(*table.split(".")), sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    )
    view = buffer.getbuffer()
    with connection.cursor().copy(statement) as copy:
        for start in range(0, len(view), _CHUNK):
            copy.write(view[start : start + _CHUNK])
    return frame.height


def copy_out(
    connection: Connection, queries: Queries, name: str, schema: dict[str, DataType], /, **parameters: Any
) -> pl.DataFrame:
    """The rows of a named query as a frame; columns of it that are not asked for are not computed.

    Shape: `schema`, columns of the query by name. Instants are selected as microseconds since 1970 (bigint)
    and become UTC datetimes where the schema says so.
    """
    text = queries.bound(connection, name, **parameters).rstrip().rstrip(";")
    names = ", ".join(f'"{name}"' for name in schema)
    buffer = io.BytesIO()
    statement = f"COPY (SELECT {names} FROM ({text}) AS found) TO STDOUT (FORMAT csv)"
    with connection.cursor().copy(statement.encode()) as copy:
        for block in copy:
            buffer.write(block)
    return _parsed(buffer, schema)


def array_of(values: pl.Series | Iterable[int | datetime]) -> str:
    """Numbers or instants as the text of an array, for a parameter that is cast to one.

    psycopg writes a list item by item, which for some hundred instants takes longer than the statement itself.
    """
    if isinstance(values, pl.Series):
        return f"{{{values.cast(pl.String).str.join(',').item()}}}"
    items = list(values)
    # Instants are few, however many instruments they are said of.
    texts = {item: str(item) for item in set(items)}
    return f"{{{','.join(texts[item] for item in items)}}}"


def _parsed(buffer: io.BytesIO, schema: dict[str, DataType]) -> pl.DataFrame:
    instants = [name for name, dtype in schema.items() if isinstance(dtype, pl.Datetime)]
    wire = {name: pl.Int64() if name in instants else dtype for name, dtype in schema.items()}
    if buffer.tell() == 0:
        return pl.DataFrame(schema=schema)
    buffer.seek(0)
    frame = pl.read_csv(buffer, has_header=False, schema=wire)
    return frame.with_columns(pl.col(name).cast(schema[name]) for name in instants)
