"""What an own indicator makes of bars: the SELECT around its SELECT, and its function's answer, believed or not."""

from __future__ import annotations

import polars as pl

from signalhub.indicators.own_files import Own

ON_BARS = """\
WITH bars AS (
    SELECT w.window_id AS instrument_id, w.open_at, w.open, w.high, w.low, w.close, w.volume FROM own_windows AS w
)
"""


class AnswerWrongError(ValueError):
    """A function gave something else than a frame of its columns, a row for each bar."""


def select(own: Own) -> str:
    """A query of the file's SELECT over the windows as `bars`; instrument_id is a window's number there."""
    assert isinstance(own.source, str)
    return f"{ON_BARS}SELECT found.* FROM (\n{own.source}\n) AS found"


def answer(own: Own, bars: pl.DataFrame) -> pl.DataFrame:
    """A function's columns of some bars; null where it has no value, or none that is finite.

    Raises: AnswerWrongError, and whatever the function raises.
    """
    assert not isinstance(own.source, str)
    found = own.source(bars)
    if not isinstance(found, pl.DataFrame):
        raise AnswerWrongError(f"its function gives a {type(found).__name__}: give a polars DataFrame")
    if missing := [name for name in own.columns if name not in found.columns]:
        raise AnswerWrongError(f"its function gives no column {missing[0]}")
    if found.height != bars.height:
        raise AnswerWrongError(f"its function gives {found.height} rows for {bars.height} bars: give one for each")
    return found.select(_finite(pl.col(name).cast(pl.Float64)) for name in own.columns)


def _finite(column: pl.Expr) -> pl.Expr:
    return pl.when(column.is_finite()).then(column)
