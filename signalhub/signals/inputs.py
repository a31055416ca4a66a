"""Inputs: everything a signal's score and levels are a function of, from the snapshot; kept with each signal.

Evaluation makes signals of them; the drift report makes them again and compares.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from signalhub.bars.instruments import Instrument
from signalhub.domain.timeframe import Timeframe
from signalhub.indicators.window_features import Window
from signalhub.signals.shares import SharesOfDate
from signalhub.snapshot import PRICE_FACTOR, WINDOW_BARS

_WINDOW_COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class BarInputs:
    """What the snapshot says of one bar, in the shares of its date: its row, the row before it, and its window."""

    row: Mapping[str, float]
    previous: Mapping[str, float]
    window: Window


class InputColumns:
    """Bars and some indicators of a snapshot's frame, to be looked at place by place."""

    def __init__(self, frame: pl.DataFrame, indicators: Iterable[str]) -> None:
        self._columns = {name: frame[name].to_numpy() for name in (*_WINDOW_COLUMNS, *indicators)}
        self._price_factors = frame[PRICE_FACTOR].to_numpy()

    def at(self, place: int) -> BarInputs:
        """The inputs of the bar at this place of the frame, which has its whole window before it.

        Units: an indicator without a value is NaN.
        """
        shares = SharesOfDate(float(self._price_factors[place]))
        window = {name: self._columns[name][place - WINDOW_BARS + 1 : place + 1] for name in _WINDOW_COLUMNS}
        return BarInputs(
            shares.values(self._row(place)), shares.values(self._row(place - 1)), Window(**shares.arrays(window))
        )

    def _row(self, place: int) -> dict[str, float]:
        return {name: float(values[place]) for name, values in self._columns.items()}


@dataclass(frozen=True)
class Rule:
    """The strategy's part of the inputs."""

    strategy: str
    version: str
    parameters: Mapping[str, Any]
    direction: str


def inputs(
    rule: Rule, instrument: Instrument, timeframe: Timeframe, close_at: datetime, bar: BarInputs
) -> dict[str, Any]:
    """The inputs as plain values, as JSON gives them back."""
    return {
        "strategy": rule.strategy,
        "version": rule.version,
        "parameters": dict(rule.parameters),
        "venue": instrument.venue,
        "symbol": instrument.symbol,
        "tick_size": str(instrument.tick_size) if instrument.tick_size is not None else None,
        "timeframe": timeframe.code,
        "close_at": close_at.astimezone(UTC).isoformat(),
        "direction": rule.direction,
        "row": dict(bar.row),
        "previous": dict(bar.previous),
        "window": {name: getattr(bar.window, name).tolist() for name in _WINDOW_COLUMNS},
    }


def as_text(values: Mapping[str, Any]) -> str:
    """Inputs as canonical JSON: the bytes whose sha256 is the signal's input_hash."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
