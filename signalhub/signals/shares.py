"""Shares of the signal's date: a candidate before a later split is judged in the prices people saw then.

The snapshot is in today's shares. Where no split came after the bar, which is so for everything live, nothing is
touched, to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from signalhub.indicators.columns import POWER
from signalhub.indicators.window_features import Floats

_DIGITS = 15
"""Raw prices have fewer: rounded to so many, a price multiplied and divided again is the raw one to the bit."""


@dataclass(frozen=True)
class SharesOfDate:
    """Values of today's shares in those of a date; `price_factor` is that of the date: raw × factor = today's."""

    price_factor: float

    def values(self, values: Mapping[str, float]) -> dict[str, float]:
        """Single values by column."""
        if self.price_factor == 1.0:
            return dict(values)
        return {name: self._value(name, value) for name, value in values.items()}

    def arrays(self, arrays: Mapping[str, Floats]) -> dict[str, Floats]:
        """Windows by column."""
        if self.price_factor == 1.0:
            return dict(arrays)
        return {name: np.array([self._value(name, value) for value in array]) for name, array in arrays.items()}

    def _value(self, name: str, value: float) -> float:
        # A column of a coarser timeframe, `4h.close`, is in the same shares; what was observed is in none.
        prefix, _, column = name.rpartition(".")
        if prefix.startswith("obs"):
            return value
        power = -1 if column == "volume" else POWER.get(column, 1)
        if power == 0:
            return value
        exact = value / self.price_factor**power if power > 0 else value * self.price_factor
        return float(f"{exact:.{_DIGITS}g}")
