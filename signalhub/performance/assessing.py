"""Assessing: candidates of a part of history put before the strategy one by one, by its own code.

A part can be sent to another process: it holds all of the candidates but what their windows are cut out of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from signalhub.domain.signal import Direction
from signalhub.domain.timeframe import Timeframe
from signalhub.performance.features import FeatureColumns, LateWindow, Windows
from signalhub.performance.paths import Floats, Ints
from signalhub.signals.shares import SharesOfDate
from signalhub.snapshot import PRICE_FACTOR
from signalhub.strategies.base import Candidate, Component, Strategy

Factors = dict[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True)
class Part:
    """Some candidates: their rows and the rows before them, with PRICE_FACTOR; their places in the frame, and signs."""

    timeframe: Timeframe
    now: pl.DataFrame
    before: pl.DataFrame
    places: Ints
    signs: Ints

    def __len__(self) -> int:
        return len(self.places)

    def slice(self, first: int, last: int) -> Part:
        """Those from one to before another."""
        now, before = self.now[first:last], self.before[first:last]
        return Part(self.timeframe, now, before, self.places[first:last], self.signs[first:last])

    def value(self, name: str) -> Floats:
        """One value of all candidates, in the shares of their dates."""
        values = self.now[name].fill_null(np.nan).to_numpy().copy()
        factors = self.now[PRICE_FACTOR].to_numpy()
        for index in np.flatnonzero(factors != 1.0).tolist():
            values[index] = SharesOfDate(float(factors[index])).values({name: float(values[index])})[name]
        return values

    def candidates(self, windows: Windows, features: FeatureColumns) -> Iterator[Candidate]:
        """One by one, in the shares of their dates."""
        factors = self.now[PRICE_FACTOR].to_list()
        for place, sign, factor, row, before in zip(
            self.places.tolist(), self.signs.tolist(), factors, _dicts(self.now), _dicts(self.before), strict=True
        ):
            window = LateWindow(windows, place)
            if factor != 1.0:
                shares = SharesOfDate(factor)
                row, before = shares.values(row), shares.values(before)
            yield Candidate(direction(sign), row, before, window, features.of(window, place), self.timeframe)


@dataclass(frozen=True)
class Assessed:
    """The running total of each candidate's points before rounding, and exact stop and target of those of structure."""

    totals: Floats
    structures: dict[int, tuple[float, float]]


def assessed(strategy: Strategy, part: Part, min_score: float, windows: Windows, features: FeatureColumns) -> Assessed:
    """What the strategy says of each candidate."""
    totals = np.zeros(len(part))
    structures: dict[int, tuple[float, float]] = {}
    has_structure = type(strategy).structure is not Strategy.structure
    factors: Factors = {}
    for index, candidate in enumerate(part.candidates(windows, features)):
        total = totals[index] = _total(strategy.assess(candidate).components, factors)
        # What is far below the threshold has no levels; rounding is not as far.
        if has_structure and total >= min_score - 1.0:
            structure = strategy.structure(candidate)
            if structure is not None:
                structures[index] = structure
    return Assessed(totals, structures)


def direction(sign: int) -> Direction:
    """+1 is long, −1 short."""
    return Direction.LONG if sign > 0 else Direction.SHORT


def _total(components: Iterable[Component], factors: Factors) -> float:
    """What `scoring.points` rounds last: the sum of the shares, added up in order."""
    present = [(weight, value) for _, weight, value in components if value is not None]
    weights = tuple([weight for weight, _ in present])
    known = factors.get(weights)
    if known is None:
        whole = sum(weights)
        known = factors[weights] = tuple(weight / whole * 100.0 for weight in weights)
    total = 0.0
    for factor, (_, value) in zip(known, present, strict=True):
        total += factor * value
    return total


def _dicts(rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    names = [name for name in rows.columns if name != PRICE_FACTOR]
    columns = [rows[name].fill_null(np.nan).to_list() for name in names]
    return (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))
