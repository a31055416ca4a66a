"""Completeness: how much of the time in which its market traded a window's bars cover.

By time and not by bars: the two hours of a forex Sunday weigh two hours, also where they are a bar of their own.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from signalhub.domain.session import ALWAYS, Calendar

Instants = NDArray[np.int64]
"""Microseconds since 1970, or a span of them."""


def with_covered(frame: pl.DataFrame, calendars: Mapping[int, Calendar], window_bars: int) -> pl.DataFrame:
    """The frame with `covered_pct`: of the window that ends on the bar, in percent.

    Null in the first windows, and where the market was closed all the while. Instruments without a calendar trade
    always.
    """
    timed = _with_traded(frame, calendars)
    first = pl.col("traded_at_open").shift(window_bars - 1).over("instrument_id")
    covered = (pl.col("traded_at_close") - pl.col("traded_at_open")).rolling_sum(window_bars).over("instrument_id")
    whole = pl.col("traded_at_close") - first
    covered_pct = pl.when(whole > 0).then(covered * 100.0 / whole)
    return timed.with_columns(covered_pct=covered_pct).drop("traded_at_open", "traded_at_close")


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


def traded(calendar: Calendar, instants: Instants) -> Instants:
    """How long the sessions of the calendar had lasted at each instant, from its first session on."""
    opens = np.array([round(item.open_at.timestamp() * 1e6) for item in calendar.sessions], dtype=np.int64)
    lengths = np.array([round((item.close_at - item.open_at).total_seconds() * 1e6) for item in calendar.sessions])
    before = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    begun = np.searchsorted(opens, instants, side="right")
    if not len(opens):
        return np.zeros_like(instants)
    newest = np.maximum(begun - 1, 0)
    within = np.clip(instants - opens[newest], 0, lengths[newest].astype(np.int64))
    return np.where(begun > 0, before[newest] + within, 0)
