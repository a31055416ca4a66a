"""How far an indicator may be from what it should be, and how far it is."""

from __future__ import annotations

import numpy as np

from tests.conftest import scale
from tests.sql.ta_series import Floats, Series

# DESIGN 4: SQL = TA-Lib to 1e-9. What was seen is 1e-13 (TA-Lib fuses multiply-adds and keeps running sums).
RELATIVE_TOLERANCE = 1e-9
# On a dead market TA-Lib's RSI and ADX end in denormal noise (the RSI turns from 61.9 to 63.6 to 50). Ours
# call averages below 1e-250 zero; that is some 7,800 bars after the last move, bar 500 here.
DECAYED = 8_000
# All averages are below 1e-250 here, and (bar 10,000) below 1e-280, where the steps call them zero.
DEAD, FORGOTTEN = 9_000, 10_000
LONGEST = 20_500
"""Bars of the longest series."""


def cut(bars: Series, length: int) -> Series:
    """The first bars."""
    return Series(bars.high[:length], bars.low[:length], bars.close[:length], bars.volume[:length])


def last(bars: Series, length: int) -> Series:
    """The last bars."""
    return Series(bars.high[-length:], bars.low[-length:], bars.close[-length:], bars.volume[-length:])


def scaled(bars: Series) -> Series:
    """As many of the first bars as the scale of the tests gives; the store itself is compared on all of them."""
    return cut(bars, int(LONGEST * min(scale(), 1.0)))


def worst_error(actual: Floats, wanted: Floats, floor: float = 0.0) -> float:
    """The greatest relative error; near zero it is measured against the column's usual size."""
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(wanted), err_msg="defined rows")
    defined = ~np.isnan(wanted)
    if not defined.any():
        return 0.0
    actual, wanted = actual[defined], wanted[defined]
    scale = np.maximum(np.maximum(np.abs(wanted), np.mean(np.abs(wanted))), max(floor, 1e-300))
    return float(np.max(np.abs(actual - wanted) / scale))


def assert_close(column: str, actual: Floats, wanted: Floats, floor: float = 0.0) -> None:
    """Fails with the column's name where it is further off than RELATIVE_TOLERANCE, or defined elsewhere."""
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(wanted), err_msg=f"{column}: defined rows")
    error = worst_error(actual, wanted, floor)
    assert error <= RELATIVE_TOLERANCE, f"{column}: off by {error}"


def assert_same_bits(one: dict[str, Floats], other: dict[str, Floats], length: int | None = None) -> None:
    """Fails with the first column that differs in a bit."""
    assert one.keys() == other.keys()
    for column in one:
        assert one[column].tobytes() == other[column][:length].tobytes(), column
