"""Window features: TA-Lib on one fixed window of closed bars, for candidates alone.

The window's length never varies, so that live, replay and backtest get the same bits: TA-Lib's running sums
carry rounding from wherever a series starts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_BULLISH_AND_BEARISH = (
    *("CDLENGULFING", "CDLMARUBOZU", "CDLBELTHOLD", "CDLCLOSINGMARUBOZU", "CDLLONGLINE"),
    *("CDL3OUTSIDE", "CDL3INSIDE", "CDLHARAMI", "CDLKICKING", "CDLBREAKAWAY"),
)
_ONE_SIDED = ("CDLHAMMER", "CDLSHOOTINGSTAR", "CDLMORNINGSTAR", "CDLEVENINGSTAR", "CDLPIERCING")
PATTERNS = (*_BULLISH_AND_BEARISH, *_ONE_SIDED)


@dataclass(frozen=True)
class Window:
    """The last closed bars of one instrument, the candidate's own last. Arrays of one length, all finite."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __post_init__(self) -> None:
        arrays = (self.open, self.high, self.low, self.close, self.volume)
        if not all(np.isfinite(array).all() for array in arrays):
            # One NaN makes TA-Lib's results non-finite for all later rows without a word.
            raise ValueError("a window holds a value that is not finite")


def features(window: Window) -> dict[str, float]:
    """Features of the window's last bar.

    Shape: `candles` is the sum of the candlestick patterns that end on it, each +1 (bullish) or −1
    (bearish); `slope_20` the linear regression's slope over 20 closes, in quote currency per bar.
    Source: TA-Lib.
    """
    # Imported late: it brings pandas where that is installed, which no listing needs.
    import talib

    ohlc = (window.open, window.high, window.low, window.close)
    candles = sum(int(getattr(talib, pattern)(*ohlc)[-1]) for pattern in PATTERNS)
    slope = talib.LINEARREG_SLOPE(window.close, timeperiod=20)[-1]
    return {"candles": candles / 100.0, "slope_20": float(slope)}
