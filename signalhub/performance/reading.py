"""Reading many bars with their indicators: what the snapshot reads, in parts, over several connections at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

import polars as pl
from polars.datatypes import DataType
from psycopg import sql

from signalhub.db.connection import Connection
from signalhub.db.copy import copy_out
from signalhub.db.engine import Database
from signalhub.db.queries import Queries
from signalhub.domain.timeframe import Timeframe
from signalhub.snapshot.frame import BARS, KEY, indicators
from signalhub.snapshot.loading import Spans, spans_of

_SQL, _INDICATORS_SQL = Queries("performance/columns"), Queries("snapshot_indicators")
FAR = datetime(9000, 1, 1, tzinfo=UTC)
_CONNECTIONS = 2
"""The server sends with one process a connection; more than two feed one reader no faster."""
_INSTRUMENTS_AT_ONCE = 10
Told = Callable[[int, int], None]
"""Hears how many instruments of how many are read."""
_Read = Callable[[Connection, Spans], pl.DataFrame]


@contextmanager
def at(database: Database, snapshot: str) -> Iterator[Connection]:
    """A connection that sees the database of the instant that another one exported."""
    with database.reading() as connection:
        connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(snapshot))
        yield connection


def spans(
    database: Database, snapshot: str, timeframe: Timeframe, since: datetime, ids: Sequence[int] | None = None
) -> Spans:
    """From where each instrument must be read so that bars that close after `since` have their context."""
    with at(database, snapshot) as connection:
        return spans_of(connection, timeframe, [since + timeframe.span, FAR], ids)


def rows(
    database: Database, snapshot: str, timeframe: Timeframe, wanted: Spans, names: Sequence[str], told: Told
) -> pl.DataFrame:
    """Bars with some of their indicators, ascending by (instrument_id, open_at)."""

    def read(connection: Connection, part: Spans) -> pl.DataFrame:
        span = part.asked(timeframe, FAR)
        bars = copy_out(connection, _SQL, "bars", BARS, **span)
        values = copy_out(connection, _INDICATORS_SQL, "load_indicators", indicators(names), **span)
        return bars.join(values, on=list(KEY), how="inner").sort(list(KEY)).select(list(schema))

    schema = {**BARS, **indicators(names)}
    return _in_parts(database, snapshot, wanted, read, schema, told)


def indicators_of(
    database: Database, snapshot: str, timeframe: Timeframe, wanted: Spans, names: Sequence[str], told: Told
) -> pl.DataFrame:
    """Some indicators alone, in no order."""

    def read(connection: Connection, part: Spans) -> pl.DataFrame:
        return copy_out(connection, _INDICATORS_SQL, "load_indicators", schema, **part.asked(timeframe, FAR))

    schema = {name: dtype for name, dtype in indicators(names).items() if name != "n"}
    return _in_parts(database, snapshot, wanted, read, schema, told)


def _in_parts(
    database: Database, snapshot: str, wanted: Spans, read: _Read, schema: dict[str, DataType], told: Told
) -> pl.DataFrame:
    count = len(wanted.instrument_ids)

    def part(first: int) -> pl.DataFrame:
        last = first + _INSTRUMENTS_AT_ONCE
        with at(database, snapshot) as connection:
            return read(connection, Spans(wanted.instrument_ids[first:last], wanted.from_ats[first:last]))

    found = [pl.DataFrame(schema=schema)]
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        for number, frame in enumerate(pool.map(part, range(0, count, _INSTRUMENTS_AT_ONCE)), start=1):
            found.append(frame)
            told(min(count, number * _INSTRUMENTS_AT_ONCE), count)
    return pl.concat(found)
