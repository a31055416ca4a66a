"""Window features: TA-Lib on one fixed window of closed bars, for candidates alone.

The window's length never varies, so that live, replay and backtest get the same bits: TA-Lib's running sums
carry rounding from wherever a series starts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PATTERNS = (
    *("CDL2CROWS", "CDL3BLACKCROWS", "CDL3INSIDE", "CDL3LINESTRIKE", "CDL3OUTSIDE", "CDL3STARSINSOUTH"),
    *("CDL3WHITESOLDIERS", "CDLABANDONEDBABY", "CDLADVANCEBLOCK", "CDLBELTHOLD", "CDLBREAKAWAY"),
    *("CDLCLOSINGMARUBOZU", "CDLCONCEALBABYSWALL", "CDLCOUNTERATTACK", "CDLDARKCLOUDCOVER", "CDLDOJI"),
    *("CDLDOJISTAR", "CDLDRAGONFLYDOJI", "CDLENGULFING", "CDLEVENINGDOJISTAR", "CDLEVENINGSTAR"),
    *("CDLGAPSIDESIDEWHITE", "CDLGRAVESTONEDOJI", "CDLHAMMER", "CDLHANGINGMAN", "CDLHARAMI", "CDLHARAMICROSS"),
    *("CDLHIGHWAVE", "CDLHIKKAKE", "CDLHIKKAKEMOD", "CDLHOMINGPIGEON", "CDLIDENTICAL3CROWS", "CDLINNECK"),
    *("CDLINVERTEDHAMMER", "CDLKICKING", "CDLKICKINGBYLENGTH", "CDLLADDERBOTTOM", "CDLLONGLEGGEDDOJI"),
    *("CDLLONGLINE", "CDLMARUBOZU", "CDLMATCHINGLOW", "CDLMATHOLD", "CDLMORNINGDOJISTAR", "CDLMORNINGSTAR"),
    *("CDLONNECK", "CDLPIERCING", "CDLRICKSHAWMAN", "CDLRISEFALL3METHODS", "CDLSEPARATINGLINES"),
    *("CDLSHOOTINGSTAR", "CDLSHORTLINE", "CDLSPINNINGTOP", "CDLSTALLEDPATTERN", "CDLSTICKSANDWICH", "CDLTAKURI"),
    *("CDLTASUKIGAP", "CDLTHRUSTING", "CDLTRISTAR", "CDLUNIQUE3RIVER", "CDLUPSIDEGAP2CROWS", "CDLXSIDEGAP3METHODS"),
)
"""Every candlestick pattern of TA-Lib, by its own name."""

_BULLISH_AND_BEARISH = (
    *("CDLENGULFING", "CDLMARUBOZU", "CDLBELTHOLD", "CDLCLOSINGMARUBOZU", "CDLLONGLINE"),
    *("CDL3OUTSIDE", "CDL3INSIDE", "CDLHARAMI", "CDLKICKING", "CDLBREAKAWAY"),
)
_ONE_SIDED = ("CDLHAMMER", "CDLSHOOTINGSTAR", "CDLMORNINGSTAR", "CDLEVENINGSTAR", "CDLPIERCING")
SUMMED = (*_BULLISH_AND_BEARISH, *_ONE_SIDED)
"""The patterns that `candles` adds up. Scores depend on it: it stays as it is."""


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
        if len({array.shape for array in arrays}) > 1 or not self.close.size:
            # TA-Lib reads nothing of arrays that differ, and gives nothing for none.
            raise ValueError("a window's arrays are empty or differ in length")

    @cached_property
    def features(self) -> Features:
        """See `features`; those that were read are remembered, whoever asks for them next."""
        return Features(self)


class Features(Mapping[str, float]):
    """Features of the window's last bar by name, each computed when it is first asked for: see `features`."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._known: dict[str, float] = {}

    def __getitem__(self, name: str) -> float:
        if name not in self._known:
            self._known[name] = self._pattern(name) if name in _PATTERNS else self._measure(name)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(FEATURES)

    def __len__(self) -> int:
        return len(FEATURES)

    def _pattern(self, name: str) -> float:
        # Imported late: it brings pandas where that is installed, which no listing needs.
        import talib

        bars = self._window
        return int(getattr(talib, name)(bars.open, bars.high, bars.low, bars.close)[-1]) / 100.0

    def _measure(self, name: str) -> float:
        measure = _MEASURES[name]
        value = measure.of(self._window)
        return min(max(value, measure.low), measure.high) if math.isfinite(value) else measure.neutral


def features(window: Window) -> Features:
    """TA-Lib's view of the window's last bar: all names of FEATURES, computed only where they are read.

    Units: each of the 61 patterns that ends on the bar is +1 (bullish) or −1 (bearish), else 0: TA-Lib's number / 100,
    so that engulfing and harami whose ends only touch are ±0.8, and a confirmed hikkake ±2. A doji has no side: TA-Lib
    calls it +1. `candles` is the sum of SUMMED; `slope_20` the linear regression's slope over 20 closes, in quote
    currency per bar; `angle_20` the same as an angle, −90 to 90, where 45° is 1 % of the last close per bar;
    `correl_20` the correlation of close and volume over 20 bars, −1 to 1; `imi_14` the share of rising bodies in the
    last 14, 0 to 100; `bop` the body as a part of the bar's range, −1 to 1.
    Guarantees: finite. What TA-Lib cannot say (a window too short, numbers whose squares overflow) is neutral: 50 for
    `imi_14`, 0 for all others; rounding beyond a bound is cut off. No feature looks at more than 20 bars. Left out of
    what TA-Lib has: HT_TRENDMODE and its like, which need 64 bars; recursive ones (HT_DCPERIOD, ADXR, MAMA), which
    would say where the window begins; BETA of close and volume, which divides by volumes that may be nothing.
    Raises: KeyError for any other name.
    Source: TA-Lib.
    """
    return window.features


@dataclass(frozen=True)
class _Measure:
    """A feature that is no pattern, and the bounds it has."""

    of: Callable[[Window], float]
    low: float = -math.inf
    high: float = math.inf
    neutral: float = 0.0


def _candles(window: Window) -> float:
    import talib

    ohlc = (window.open, window.high, window.low, window.close)
    return sum(int(getattr(talib, pattern)(*ohlc)[-1]) for pattern in SUMMED) / 100.0


def _slope(window: Window) -> float:
    import talib

    return float(talib.LINEARREG_SLOPE(window.close, timeperiod=20)[-1])


def _angle(window: Window) -> float:
    import talib

    with np.errstate(all="ignore"):
        in_per_cent = window.close / abs(window.close[-1]) * 100.0
    if not np.isfinite(in_per_cent).all():
        return math.nan
    return float(talib.LINEARREG_ANGLE(in_per_cent, timeperiod=20)[-1])


def _correlation(window: Window) -> float:
    import talib

    return float(talib.CORREL(window.close, window.volume, timeperiod=20)[-1])


def _intraday_momentum(window: Window) -> float:
    import talib

    return float(talib.IMI(window.open, window.close, timeperiod=14)[-1])


def _balance_of_power(window: Window) -> float:
    import talib

    return float(talib.BOP(window.open, window.high, window.low, window.close)[-1])


_MEASURES = {
    "candles": _Measure(_candles),
    "slope_20": _Measure(_slope),
    "angle_20": _Measure(_angle, -90.0, 90.0),
    "correl_20": _Measure(_correlation, -1.0, 1.0),
    "imi_14": _Measure(_intraday_momentum, 0.0, 100.0, neutral=50.0),
    "bop": _Measure(_balance_of_power, -1.0, 1.0),
}
_PATTERNS = frozenset(PATTERNS)
FEATURES = (*_MEASURES, *PATTERNS)
"""The name of every feature."""
