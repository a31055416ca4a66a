"""Users' own indicators: computed after ours in the same refresh, each into a table of its own in schema `own`.

Every value is made of one bar and the declared number of bars before it, whatever else is computed with it: so live,
backfill and correction give the same bits. A file that is new or was changed is computed from the first bar on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

import polars as pl
import psycopg

from signalhub.bars.rollups import Touched
from signalhub.db.connection import Connection
from signalhub.db.copy import copy_in, copy_out
from signalhub.db.engine import Database
from signalhub.db.queries import Queries
from signalhub.domain import timeframe as timeframes
from signalhub.domain.bar import OPEN_AT
from signalhub.domain.timeframe import Timeframe
from signalhub.indicators.own_checks import check
from signalhub.indicators.own_files import BAR_COLUMNS, Own, read
from signalhub.indicators.own_values import answer, select

_LOG = logging.getLogger(__name__)
_SQL = Queries("indicators/own")
_ROWS = 200_000
"""Rows of windows that are made at once: few enough for progress to show."""
_WINDOWS: dict[str, Any] = {
    "of_instrument": pl.Int64(),
    "open_at": OPEN_AT,
    **dict.fromkeys(BAR_COLUMNS, pl.Float64()),
}
_NOTHING = (
    "SELECT NULL::text AS symbol, NULL::text AS timeframe, NULL::timestamptz AS open_at, "
    "NULL::timestamptz AS close_at, NULL::text AS indicator, NULL::text AS column_name, "
    "NULL::double precision AS value WHERE FALSE"
)
_Report = Callable[[str], None]
_Known = dict[str, dict[str, Any]]


class _FailedError(Exception):
    """An indicator that is sound on made-up bars failed on real ones."""


def ready(database: Database) -> list[tuple[Own, float]]:
    """The indicators of the configured folder, tried out; with each what `check` says of its window.

    Raises: PluginInvalid, naming the file, what is wrong with it and what to do.
    """
    found = read(database.own_indicators)
    with database.transaction() as connection:
        return [(own, check(connection, own)) for own in found]


def compute(
    connection: Connection, indicators: Sequence[Own], touched: Sequence[Touched], report: _Report = lambda _: None
) -> int:
    """Computes the rows of every own indicator from the touched bars on; the number of rows written.

    Guarantees: one that fails on real bars is logged, left out and shown no more until its file changes; the others,
    and the refresh, go on.
    Raises: PluginInvalid where a file that is new or was changed is not sound.
    """
    known = _known(connection)
    if touched and known:
        _SQL.run(connection, "leave_behind", names=[own.name for own in indicators])
    rows = sum(_compute(connection, own, known, touched, report) for own in indicators)
    if indicators:
        _show(connection)
    return rows


def drop_expired(database: Database) -> None:
    """Drops rows that are older than our indicators are kept."""
    with database.exclusively("refresh"), database.transaction() as connection:
        for name in _known(connection):
            connection.execute(
                f"DELETE FROM own.\"{name}\" AS v USING market.retention AS k WHERE k.relation = 'market.indicators' "
                "AND v.timeframe = k.timeframe AND v.open_at < k.kept_from".encode()
            )


def _known(connection: Connection) -> _Known:
    if not _SQL.scalar(connection, "is_there"):
        return {}
    return {row["name"]: row for row in _SQL.rows(connection, "definitions")}


def _compute(connection: Connection, own: Own, known: _Known, touched: Sequence[Touched], report: _Report) -> int:
    before = known.get(own.name)
    is_same = before is not None and before["sha256"] == own.sha256
    if before and is_same and before["problem"]:
        return 0
    if not (before and is_same and before["is_current"]):
        report(f"own indicator {own.name} from the first bar on")
        _LOG.info("own indicator %s is new or was changed: computed from the first bar on", own.name)
        check(connection, own)
        _make(connection, own, before)
        touched = _everything(connection)
    try:
        with connection.transaction():
            return sum(_write(connection, own, *group, report) for group in _by_timeframe(touched))
    except _FailedError as error:
        _LOG.warning("own indicator %s is left out until its file changes: %s", own.name, error)
        _SQL.run(connection, "note_problem", name=own.name, problem=str(error))
        return 0


def _make(connection: Connection, own: Own, before: dict[str, Any] | None) -> None:
    _SQL.run(connection, "create_own_schema")
    _SQL.run(connection, "create_own_table")
    if before and before["columns"] != list(own.columns):
        _show(connection, without=own.name)
        try:
            connection.execute(f'DROP TABLE IF EXISTS own."{own.name}"'.encode())
        except psycopg.errors.DependentObjectsStillExist as error:
            raise own.refused(
                f"its columns changed, and others read own.{own.name}: {error.diag.message_detail}"
            ) from error
    columns = ", ".join(f'"{name}" double precision' for name in own.columns)
    connection.execute(
        f'CREATE TABLE IF NOT EXISTS own."{own.name}" (instrument_id integer NOT NULL, timeframe text NOT NULL, '
        f"open_at timestamptz NOT NULL, {columns}, PRIMARY KEY (instrument_id, timeframe, open_at))".encode()
    )
    connection.execute(f'DELETE FROM own."{own.name}"'.encode())
    head = {"what": own.what, "unit": own.unit, "lookback_bars": own.lookback_bars}
    _SQL.run(connection, "define", name=own.name, sha256=own.sha256, columns=list(own.columns), **head)


def _everything(connection: Connection) -> list[Touched]:
    rows = _SQL.rows(connection, "everything")
    return [Touched(row["instrument_id"], timeframes.parse(row["timeframe"]), row["from_at"]) for row in rows]


def _by_timeframe(touched: Sequence[Touched]) -> Iterator[tuple[Timeframe, list[Touched]]]:
    ordered = sorted(touched, key=lambda item: (item.timeframe, item.instrument_id))
    for timeframe, group in groupby(ordered, key=lambda item: item.timeframe):
        yield timeframe, list(group)


def _write(connection: Connection, own: Own, timeframe: Timeframe, items: Sequence[Touched], report: _Report) -> int:
    """Rows of one timeframe in slices, which no value depends on."""
    key = {"timeframe": timeframe.code, "lookback": own.lookback_bars}
    due = _arrays(_SQL.rows(connection, "due", **key, **_touched(items)), "from_at")
    connection.execute(
        f'DELETE FROM own."{own.name}" AS v '
        "USING unnest(%(instrument_ids)s::integer[], %(from_ats)s::timestamptz[]) AS u (instrument_id, from_at) "
        "WHERE v.instrument_id = u.instrument_id AND v.timeframe = %(timeframe)s AND v.open_at >= u.from_at".encode(),
        {**due, "timeframe": timeframe.code},
    )
    size = max(1, _ROWS // (own.lookback_bars + 1))
    slices = _SQL.rows(connection, "slices", timeframe=timeframe.code, size=size, **due)
    _SQL.run(connection, "create_windows")
    rows = 0
    for batch in _batches(slices, size):
        report(f"own indicator {own.name} {timeframe}")
        _SQL.run(connection, "clear_windows")
        _SQL.run(connection, "fill_windows", **key, **_arrays(batch, "from_at", "last_at"))
        store = _store_selected if isinstance(own.source, str) else _store_answered
        rows += store(connection, own, timeframe)
    return rows


def _touched(items: Sequence[Touched]) -> dict[str, list[Any]]:
    return {"instrument_ids": [item.instrument_id for item in items], "from_ats": [item.from_at for item in items]}


def _arrays(rows: Sequence[dict[str, Any]], *names: str) -> dict[str, list[Any]]:
    return {f"{name}s": [row[name] for row in rows] for name in ("instrument_id", *names)}


def _batches(slices: Sequence[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    batch, bars = list[dict[str, Any]](), 0
    for item in slices:
        if batch and bars + item["bars"] > size:
            yield batch
            batch, bars = [], 0
        batch.append(item)
        bars += item["bars"]
    if batch:
        yield batch


def _store_selected(connection: Connection, own: Own, timeframe: Timeframe) -> int:
    names = ", ".join(f'"{name}"' for name in own.columns)
    values = ", ".join(
        f"CASE WHEN f.\"{name}\"::double precision > '-Infinity' AND f.\"{name}\"::double precision < 'Infinity' "
        f'THEN f."{name}"::double precision END'
        for name in own.columns
    )
    text = (
        f'INSERT INTO own."{own.name}" (instrument_id, timeframe, open_at, {names})\n'
        f"SELECT w.of_instrument, '{timeframe.code}', w.open_at, {values}\nFROM (\n{select(own)}\n) AS f\n"
        "INNER JOIN own_windows AS w ON f.instrument_id = w.window_id AND f.open_at = w.open_at\nWHERE w.is_last"
    )
    try:
        return connection.execute(text.encode()).rowcount
    except (psycopg.DataError, psycopg.ProgrammingError) as error:
        raise _FailedError(f"{timeframe}: {error.diag.message_primary or error}") from error


def _store_answered(connection: Connection, own: Own, timeframe: Timeframe) -> int:
    bars, size = copy_out(connection, _SQL, "windows", _WINDOWS), own.lookback_bars + 1
    if bars.is_empty():
        return 0
    try:
        windows = (bars.slice(start, size).drop("of_instrument") for start in range(0, bars.height, size))
        values = pl.concat([answer(own, window).tail(1) for window in windows])
    except Exception as error:
        raise _FailedError(f"{timeframe}: {type(error).__name__}: {error}") from error
    keys = (
        bars.gather_every(size, size - 1).select("of_instrument", "open_at").rename({"of_instrument": "instrument_id"})
    )
    rows = keys.with_columns(pl.lit(timeframe.code).alias("timeframe")).hstack(values)
    return copy_in(connection, f"own.{own.name}", rows)


def _show(connection: Connection, without: str | None = None) -> None:
    """Puts the tables there are behind the view; one that is not current shows nothing."""
    known = {name: row for name, row in _known(connection).items() if name != without}
    if {row["name"] for row in _SQL.rows(connection, "shown")} != set(known):
        selects = "\nUNION ALL\n".join(_select_long(name, row["columns"]) for name, row in known.items())
        connection.execute(f"CREATE OR REPLACE VIEW analytics.own_indicators AS\n{selects or _NOTHING}".encode())


def _select_long(name: str, columns: Sequence[str]) -> str:
    values = ", ".join(f"('{column}', v.\"{column}\")" for column in columns)
    return (
        f"SELECT i.public_symbol AS symbol, v.timeframe, v.open_at, v.open_at + t.span AS close_at, '{name}'::text AS "
        f'indicator, c.column_name::text, c.value FROM own."{name}" AS v '
        f"INNER JOIN own.definitions AS d ON d.name = '{name}' AND d.is_current "
        "INNER JOIN market.instruments AS i ON v.instrument_id = i.instrument_id "
        "INNER JOIN market.timeframes AS t ON v.timeframe = t.timeframe "
        f"CROSS JOIN LATERAL (VALUES {values}) AS c (column_name, value)"
    )
