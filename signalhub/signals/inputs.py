"""Inputs: everything a signal's score, levels and size are a function of, from the snapshot; kept with each signal.

Evaluation makes signals of them; verification judges them again; the drift report makes them again and compares.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from signalhub.bars.instruments import Instrument
from signalhub.domain import timeframe as timeframes
from signalhub.domain.signal import Direction
from signalhub.domain.timeframe import Timeframe
from signalhub.indicators.window_features import Floats, Window, features
from signalhub.signals.shares import SharesOfDate
from signalhub.snapshot import PRICE_FACTOR, WINDOW_BARS
from signalhub.strategies.base import Candidate, known

_WINDOW_COLUMNS = ("open", "high", "low", "close", "volume")
_MOST_WINDOWS = 2_000
"""Kept for the next strategy: more than a close has instruments, and far fewer than a replay has bars."""


@dataclass(frozen=True)
class BarInputs:
    """What the snapshot says of one bar, in the shares of its date: its row, the row before it, and its window."""

    row: Mapping[str, float]
    previous: Mapping[str, float]
    window: Window


class InputColumns:
    """Bars and other columns of a snapshot's frame, to be looked at place by place."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame
        self._known: dict[str, Floats] = {}
        self._sets: dict[tuple[str, ...], tuple[tuple[str, ...], list[Floats]]] = {}
        self._windows: dict[int, Window] = {}
        self._price_factors = frame[PRICE_FACTOR].to_numpy()

    def at(self, place: int, columns: Iterable[str]) -> BarInputs:
        """The inputs of the bar at this place of the frame, which has its whole window before it.

        Units: what has no value is NaN.
        """
        shares = SharesOfDate(float(self._price_factors[place]))
        names, arrays = self._set(tuple(columns))
        row, before = (
            dict(zip(names, [array.item(one) for array in arrays], strict=True)) for one in (place, place - 1)
        )
        return BarInputs(shares.values(row), shares.values(before), self._window(place, shares))

    def _window(self, place: int, shares: SharesOfDate) -> Window:
        """One for all strategies that look at a bar: they share its features too."""
        if place not in self._windows:
            if len(self._windows) == _MOST_WINDOWS:
                self._windows.clear()
            span = slice(place - WINDOW_BARS + 1, place + 1)
            arrays = {name: self._values(name)[span] for name in _WINDOW_COLUMNS}
            self._windows[place] = Window(**shares.arrays(arrays))
        return self._windows[place]

    def _set(self, columns: tuple[str, ...]) -> tuple[tuple[str, ...], list[Floats]]:
        """Bars and these columns: a strategy asks for the same ones at every bar."""
        if columns not in self._sets:
            names = (*_WINDOW_COLUMNS, *columns)
            self._sets[columns] = names, [self._values(name) for name in names]
        return self._sets[columns]

    def _values(self, name: str) -> Floats:
        if name not in self._known:
            self._known[name] = self._frame[name].cast(pl.Float64).to_numpy()
        return self._known[name]


@dataclass(frozen=True)
class Rule:
    """The strategy's part of the inputs, and the settings that count."""

    strategy: str
    version: str
    parameters: Mapping[str, Any]
    direction: str
    settings: Mapping[str, str] = field(default_factory=dict)
    """`Terms.plain`; empty where the signal is older than they."""


def inputs(
    rule: Rule, instrument: Instrument, timeframe: Timeframe, close_at: datetime, bar: BarInputs
) -> dict[str, Any]:
    """The inputs as plain values, as JSON gives them back."""
    return {
        "strategy": rule.strategy,
        "version": rule.version,
        "parameters": dict(rule.parameters),
        "settings": dict(rule.settings),
        "venue": instrument.venue,
        "symbol": instrument.symbol,
        "tick_size": str(instrument.tick_size) if instrument.tick_size is not None else None,
        "timeframe": timeframe.code,
        "close_at": close_at.astimezone(UTC).isoformat(),
        "direction": rule.direction,
        "row": _plain(bar.row),
        "previous": _plain(bar.previous),
        "window": {name: getattr(bar.window, name).tolist() for name in _WINDOW_COLUMNS},
    }


def as_text(values: Mapping[str, Any]) -> str:
    """Inputs as canonical JSON: the bytes whose sha256 is the signal's input_hash."""
    head = _canonical({name: value for name, value in values.items() if name != "window"})
    # The last key of all. Most of the text, and many signals of one bar, or of the next, share it.
    window = ",".join(f'"{name}":[{_listed(values["window"][name])}]' for name in sorted(values["window"]))
    return f'{head[:-1]},"window":{{{window}}}}}'


def _canonical(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _listed(values: Sequence[float]) -> str:
    # 0.0 and -0.0 are equal, and would share what is remembered.
    return ",".join(map(_repr if all(values) else repr, values))


@lru_cache(maxsize=100_000)
def _repr(value: float) -> str:
    """As JSON has it: finding the shortest digits takes ten times as long as looking them up."""
    return repr(value)


def candidate_of(values: Mapping[str, Any]) -> Candidate:
    """The candidate that inputs were made from, for judging it once more.

    Shape: `values` as `inputs` gives them, or JSON of it.
    """
    window = Window(**{name: np.array(values["window"][name], dtype=np.float64) for name in _WINDOW_COLUMNS})
    row, before = (_floats(values[part]) for part in ("row", "previous"))
    timeframe = timeframes.parse(values["timeframe"])
    return Candidate(Direction(values["direction"]), row, before, window, features(window), timeframe)


def tick_of(values: Mapping[str, Any]) -> Decimal | None:
    """The instrument's tick as inputs hold it."""
    return None if values["tick_size"] is None else Decimal(values["tick_size"])


def _plain(values: Mapping[str, float]) -> dict[str, float | None]:
    # JSON knows no NaN.
    return {name: known(value) for name, value in values.items()}


def _floats(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: math.nan if value is None else value for name, value in values.items()}
