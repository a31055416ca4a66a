"""Completeness: how much of the time in which its market traded a window's bars cover.

By time and not by bars: the two hours of a forex Sunday weigh two hours, also where they are a bar of their own.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from signalhub.domain.session import ALWAYS, Calendar
from signalhub.domain.trading_time import traded


def with_covered(frame: pl.DataFrame, calendars: Mapping[int, Calendar], window_bars: int) -> pl.DataFrame:
    """The frame with `covered_pct`: of the window that ends on the bar, in percent.

    Null in the first windows, and where the market was closed all the while. Instruments without a calendar trade
    always.
    """
    timed = _with_traded(frame, calendars)
    first = pl.col("traded_at_open").shift(window_bars - 1)
    so_far = (pl.col("traded_at_close") - pl.col("traded_at_open")).cum_sum()
    covered = so_far - so_far.shift(window_bars).fill_null(0)
    whole = pl.col("traded_at_close") - first
    covered_pct = pl.when(is_of_one(window_bars - 1) & (whole > 0)).then(covered * 100.0 / whole)
    return timed.with_columns(covered_pct=covered_pct).drop("traded_at_open", "traded_at_close")


def is_of_one(bars_before: int) -> pl.Expr:
    """Whether the row so many places before is a bar of the same instrument, in a frame that has its bars together."""
    return (pl.col("instrument_id") == pl.col("instrument_id").shift(bars_before)).fill_null(value=False)


def _with_traded(frame: pl.DataFrame, calendars: Mapping[int, Calendar]) -> pl.DataFrame:
    """How long the market had traded when a bar opened, and when it closed."""
    always = [pl.col(name).dt.epoch("us").alias(f"traded_at_{name.removesuffix('_at')}") for name in _ENDS]
    timed = frame.with_columns(always)
    for calendar in {item.name: item for item in calendars.values() if item.name != ALWAYS}.values():
        ids = [key for key, item in calendars.items() if item.name == calendar.name]
        is_its = pl.col("instrument_id").is_in(ids)
        timed = timed.with_columns(
            pl.when(is_its).then(pl.Series(name, traded(calendar, timed[name].to_numpy()))).otherwise(name).alias(name)
            for name in ("traded_at_open", "traded_at_close")
        )
    return timed


_ENDS = ("open_at", "close_at")
