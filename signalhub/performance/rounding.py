"""Rounding many numbers as the decimal rules of scoring and levels do, without making decimals of most of them.

A float is within half a unit of its last place of what it stands for. Where that cannot change which way a number is
rounded, floats round it; the few others are left to the decimal rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from signalhub.domain.signal import Levels
from signalhub.signals.levels import NO_TICK_DIGITS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_CENT = Decimal("0.01")
_UNSURE = 1e-9
"""Of a hundredth; a score has an error of 1e-12 of it."""
_ULPS = 16 * np.finfo(np.float64).eps
"""How far a level computed in floats is off, of the largest number that it is computed of."""
_EXACT = 2.0**53
_POWERS = np.array([float(f"1e{exponent}") for exponent in range(23)])
"""The powers of ten that are floats to the bit."""


def hundredths(values: Floats) -> Ints:
    """Values rounded half to even, as decimals of their shortest text are, in hundredths."""
    scaled = values * 100.0
    found = np.rint(scaled).astype(np.int64)
    for index in np.flatnonzero(np.abs(np.abs(scaled - found) - 0.5) < _UNSURE).tolist():
        found[index] = int(Decimal(repr(float(values[index]))).quantize(_CENT) * 100)
    return found


@dataclass(frozen=True)
class RoundedLevels:
    """Levels of many signals, an array a value. `is_unsure`: floats do not say which way these are rounded."""

    entry: Floats
    stop: Floats
    target: Floats
    risk: Floats
    is_in_order: NDArray[np.bool_]
    is_unsure: NDArray[np.bool_]

    def put(self, index: int, levels: Levels | None) -> None:
        """Levels from elsewhere; None: rounding left no risk or no reward."""
        self.is_in_order[index] = levels is not None
        if levels is not None:
            self.entry[index], self.stop[index] = float(levels.entry), float(levels.stop)
            self.target[index], self.risk[index] = float(levels.target), float(abs(levels.entry - levels.stop))


def rounded_levels(
    signs: Ints,
    close: Floats,
    atr: Floats,
    multiples: tuple[float, float],
    instrument_ids: NDArray[np.int32],
    ticks: Mapping[int, Decimal | None],
) -> RoundedLevels:
    """What `levels.atr_levels` says of each, where floats say enough."""
    mantissa, exponent, is_plain = _steps(close, instrument_ids, ticks)
    # Units of the step: price · 10^exponent / mantissa.
    unit = _POWERS[np.clip(exponent, 0, 22)] / mantissa
    stop_at, target_at = close - signs * atr * multiples[0], close + signs * atr * multiples[1]
    slack = (np.abs(close) + atr * max(abs(multiples[0]), abs(multiples[1]))) * unit * _ULPS
    entry, is_tie = np.rint(close * unit), np.abs(np.abs(close * unit - np.rint(close * unit)) - 0.5) <= slack
    stop, is_near = _away(stop_at * unit, signs, slack)
    target, is_near_too = _away(target_at * unit, signs, slack)
    largest = np.maximum(np.maximum(np.abs(entry), np.abs(stop)), np.abs(target)) * mantissa
    is_unsure = ~is_plain | is_tie | is_near | is_near_too | ~(largest < _EXACT)
    scale = _POWERS[np.clip(exponent, 0, 22)]
    is_in_order = (signs * stop < signs * entry) & (signs * entry < signs * target) & (np.minimum(stop, target) > 0)
    # Whole numbers below 2^53 divided by a power of ten that is exact: rounded once, as the decimal's own float is.
    prices = (units * mantissa / scale for units in (entry, stop, target, np.abs(entry - stop)))
    return RoundedLevels(*prices, is_in_order, is_unsure)  # type: ignore[call-arg]


def _away(units: Floats, signs: Ints, slack: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Rounded down for a long and up for a short; and whether a whole number is too near to say."""
    return np.where(signs > 0, np.floor(units), np.ceil(units)), ~(np.abs(units - np.rint(units)) > slack)


def _steps(
    close: Floats, instrument_ids: NDArray[np.int32], ticks: Mapping[int, Decimal | None]
) -> tuple[Floats, Ints, NDArray[np.bool_]]:
    """The step of each price as mantissa / 10^exponent, and whether it is one that floats can hold."""
    mantissa, exponent = np.ones(len(close)), np.zeros(len(close), dtype=np.int64)
    for key, tick in ticks.items():
        its = np.flatnonzero(instrument_ids == key)
        if tick is None:
            exponent[its] = NO_TICK_DIGITS - 1 - _adjusted(close[its])
        else:
            _, digits, power = tick.as_tuple()
            mantissa[its] = float(int("".join(map(str, digits))))
            exponent[its] = -int(power)
    return mantissa, exponent, (exponent >= 0) & (exponent <= 22)


def _adjusted(prices: Floats) -> Ints:
    """The power of ten of the first digit."""
    with np.errstate(all="ignore"):
        guess = np.floor(np.log10(prices))
    found = np.where(np.isfinite(guess), guess, 0).astype(np.int64)
    # A logarithm may fall on the wrong side of a power of ten; a price beyond those is told by its text.
    for index in np.flatnonzero(np.abs(np.log10(prices) - np.rint(np.log10(prices))) < 1e-9).tolist():
        found[index] = Decimal(repr(float(prices[index]))).adjusted()
    return found
