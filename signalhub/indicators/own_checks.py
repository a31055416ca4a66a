"""Is an own indicator sound? Its SELECT is looked into, and both kinds are tried on made-up bars."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import psycopg

from signalhub.db.connection import Connection
from signalhub.db.copy import copy_in
from signalhub.db.queries import Queries
from signalhub.indicators.own_files import BAR_COLUMNS, Own
from signalhub.indicators.own_values import answer, select

_SQL = Queries("indicators/own")
_KEYS = {"instrument_id": "integer", "open_at": "timestamp with time zone"}
_MICROSECONDS = "(date_part('epoch', asked.open_at) * 1000000.0::double precision)::bigint"
_NUMBERS = ("double precision", "real", "integer", "bigint", "smallint", "numeric")
_MORE = 60
"""Made-up bars before the last window; among them a few that are flat, without volume."""
_SHORTER = (1, 2, 7, 30, 55)
_FLAT = slice(8, 13)
_EQUAL = 1e-9
_START = datetime(2024, 1, 1, tzinfo=UTC)


def check(connection: Connection, own: Own) -> float:
    """Tries an indicator; by how much, relatively, its values on a window differ from those on a longer history.

    Raises: PluginInvalid, naming the file, what is wrong with it and what to do.
    """
    bars = _made_up(own.lookback_bars + 1 + _MORE)
    parts = [bars, *(bars.head(-less) for less in _SHORTER), bars.tail(own.lookback_bars + 1)]
    if isinstance(own.source, str):
        _look_into(connection, own)
        answers = _selected(connection, own, parts)
    else:
        answers = _answered(own, parts)
    whole, *shorter, window = answers
    for part in shorter:
        _refuse_look_ahead(own, whole.head(part.height), part)
    last = _last(window)
    if None in last:
        raise own.refused(
            f"{own.columns[last.index(None)]} has no value after {own.lookback_bars} bars: raise lookback."
        )
    return max(_difference(one, other) for one, other in zip(_last(whole), last, strict=True))


def _made_up(count: int) -> pl.DataFrame:
    rng = np.random.default_rng(7)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.01, count)))
    close[_FLAT] = close[_FLAT.start - 1]
    # What looks at the extremes of all there is must see them come late.
    close[-2:] = close.min() * 0.97, close.max() * 1.03
    opened = np.concatenate([close[:1], close[:-1]])
    up, down = (np.abs(rng.normal(0, 0.003, count)) for _ in range(2))
    volume = rng.lognormal(3, 1, count)
    for values in (up, down, volume):
        values[_FLAT] = 0.0
    high, low = np.maximum(opened, close) * (1 + up), np.minimum(opened, close) * (1 - down)
    prices = dict(zip(BAR_COLUMNS, (opened, high, low, close, volume), strict=True))
    times = [_START + number * timedelta(hours=1) for number in range(count)]
    return pl.DataFrame({"open_at": pl.Series(times, dtype=pl.Datetime("us", "UTC")), **prices})


def _look_into(connection: Connection, own: Own) -> None:
    """The server itself says what a SELECT leans on: it is made a view, which is taken back."""
    with connection.transaction(force_rollback=True):
        _SQL.run(connection, "create_windows")
        try:
            # Binary, because then the server takes one statement and no more.
            connection.execute(f"CREATE TEMPORARY VIEW own_checked AS\n{select(own)}".encode(), binary=True)
        except psycopg.Error as error:
            raise own.refused(f"PostgreSQL says: {error.diag.message_primary or error}. Write one SELECT.") from error
        faults = [row["fault"] for row in _SQL.rows(connection, "faults")]
        columns = {row["name"]: row["type"] for row in _SQL.rows(connection, "checked_columns")}
    if faults:
        raise own.refused(f"its SELECT {faults[0]}.")
    if set(columns) != {*_KEYS, *own.columns} or not _KEYS.items() <= columns.items():
        raise own.refused(
            f"its SELECT gives {', '.join(columns)}: give {', '.join((*_KEYS, *own.columns))}, the keys as they are."
        )
    if texts := [name for name in own.columns if columns[name] not in _NUMBERS]:
        raise own.refused(f"the column {texts[0]} is {columns[texts[0]]}, no number: cast it to double precision.")


def _selected(connection: Connection, own: Own, parts: Sequence[pl.DataFrame]) -> list[pl.DataFrame]:
    """What a SELECT makes of parts of a history that lie side by side, as windows do."""
    columns = ", ".join(f'asked."{name}"::double precision' for name in own.columns)
    with connection.transaction(force_rollback=True):
        _SQL.run(connection, "create_windows")
        _SQL.run(connection, "clear_windows")
        for number, part in enumerate(parts):
            keys = (pl.lit(number).alias("window_id"), pl.lit(0).alias("of_instrument"), pl.lit(False).alias("is_last"))
            copy_in(connection, "own_windows", part.with_columns(keys))
        try:
            text = f"SELECT asked.instrument_id, {_MICROSECONDS}, {columns} FROM (\n{select(own)}\n) AS asked"
            rows = connection.execute(text.encode(), binary=True).fetchall()
        except psycopg.Error as error:
            problem = error.diag.message_primary or error
            raise own.refused(f"it fails on made-up bars, flat ones among them: {problem}. NULLIF may help.") from error
    schema = {"number": pl.Int64, "open_at": pl.Int64, **dict.fromkeys(own.columns, pl.Float64)}
    found = pl.DataFrame(rows, schema=schema, orient="row")
    if found.select("number", "open_at").is_duplicated().any():
        raise own.refused("its SELECT gives two rows for one bar: give one (instrument_id, open_at) for each.")
    return [_on_bars(part, found.filter(pl.col("number") == number), own) for number, part in enumerate(parts)]


def _on_bars(bars: pl.DataFrame, found: pl.DataFrame, own: Own) -> pl.DataFrame:
    times = bars.select(pl.col("open_at").dt.epoch("us"))
    return times.join(found, on="open_at", how="left", maintain_order="left").select(own.columns)


def _answered(own: Own, parts: Iterable[pl.DataFrame]) -> list[pl.DataFrame]:
    try:
        return [answer(own, part) for part in parts]
    except Exception as error:
        problem = re.sub(r"\s+", " ", f"{type(error).__name__}: {error}")
        raise own.refused(f"its function fails on made-up bars, flat ones among them: {problem}.") from error


def _refuse_look_ahead(own: Own, whole: pl.DataFrame, part: pl.DataFrame) -> None:
    for name in own.columns:
        pairs = zip(whole[name], part[name], strict=True)
        if any(_difference(one, other) > _EQUAL for one, other in pairs):
            more = " and write PARTITION BY instrument_id ORDER BY open_at" if isinstance(own.source, str) else ""
            raise own.refused(f"{name} of a bar changes when later bars come: look at earlier bars only{more}.")


def _difference(one: float | None, other: float | None) -> float:
    if one is None or other is None:
        return 0.0 if one is other else float("inf")
    return abs(one - other) / max(abs(one), abs(other), 1e-12)


def _last(values: pl.DataFrame) -> list[float | None]:
    return list(values.row(-1)) if values.height else [None] * values.width
