"""Bars by hand for single strategies: the few columns a rule reads, turned round for the other direction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from signalhub.domain.signal import Direction
from signalhub.domain.timeframe import H1, Timeframe
from signalhub.indicators.columns import POWER
from signalhub.indicators.window_features import Window, features
from signalhub.strategies.base import Candidate, Strategy

Rows = Mapping[str, Sequence[float | None]]
MIDDLE = 100.0
"""Prices are turned round it."""
_SIGNED = ("zscore_20", "macd_12_26_9", "macd_hist_12_26_9", "supertrend_direction_10_3", "mom_10", "cmf_20")
_PER_CENT = ("rsi_7", "rsi_14", "stoch_k_14_3", "stoch_d_14_3_3")
_SIDES = (("upper", "lower"), ("high", "low"), ("plus", "minus"))
_BARS = ("open", "high", "low", "close")


def frame(rows: Rows) -> pl.DataFrame:
    """Bars of one instrument, oldest first."""
    columns = {name: pl.Series(values, dtype=pl.Float64) for name, values in rows.items()}
    height = max(len(values) for values in rows.values())
    return pl.DataFrame({"instrument_id": pl.Series([1] * height, dtype=pl.Int32), **columns})


def proposed(strategy: Strategy, rows: Rows) -> tuple[bool, bool]:
    """Whether the last bar is proposed: (long, short)."""
    long, short = strategy.propose().over(frame(rows)).row(-1)
    return long, short


def turned(rows: Rows) -> dict[str, list[float | None]]:
    """The same bars with up for down: what is a long becomes a short."""
    return {_other(name): [_turned(name, value) for value in values] for name, values in rows.items()}


def _turned(name: str, value: float | None) -> float | None:
    if value is None:
        return None
    if name in _SIGNED:
        return -value
    if name in _PER_CENT:
        return 100.0 - value
    if name == "bb_percent_20_2":
        return 1.0 - value
    is_price = name in _BARS or (POWER.get(name) == 1 and name not in ("atr_14", "true_range"))
    return 2 * MIDDLE - value if is_price else value


def _other(name: str) -> str:
    for one, other in _SIDES:
        if one in name:
            return name.replace(one, other)
        if other in name:
            return name.replace(other, one)
    return name


def candidate(rows: Rows, direction: Direction = Direction.LONG, timeframe: Timeframe = H1, **row: float) -> Candidate:
    """The last bar of some as a candidate; its window holds what the rows say of bars, else bars around 100."""
    last = {name: _number(values[-1]) for name, values in rows.items()} | row
    before = {name: _number(values[-2]) for name, values in rows.items()}
    window = Window(*(np.array(rows.get(name, [MIDDLE, MIDDLE]), dtype=np.float64) for name in (*_BARS, "volume")))
    return Candidate(direction, last, before, window, features(window), timeframe)


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def worth(strategy: Strategy, one: Candidate) -> dict[str, Any]:
    """Component → value."""
    return {component.name: component.value for component in strategy.assess(one).components}
