"""What TA-Lib has not, straight from its definition: computed anew for every bar, or the plain recursion."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import talib

from tests.sql.ta_bands import from_scratch, rolling
from tests.sql.ta_series import Floats, Series

Days = npt.NDArray[np.datetime64]


def ema(x: Floats, period: int) -> Floats:
    """Seeded by a mean; NaN before, and where x is NaN at its beginning."""
    known = np.flatnonzero(~np.isnan(x))
    result = np.full(len(x), np.nan)
    if len(known) < period:
        return result
    begin = int(known[0])
    result[begin + period - 1] = x[begin : begin + period].mean()
    for i in range(begin + period, len(x)):
        result[i] = result[i - 1] + 2.0 / (period + 1) * (x[i] - result[i - 1])
    return result


def least_squares(x: Floats, period: int) -> dict[str, Floats]:
    """Value, slope and fit window by window, from numpy's centred sums; a flat window has a fit of 0."""
    windows = rolling(x, period)
    centred = windows - windows.mean(axis=1, keepdims=True)
    n = np.arange(period) - (period - 1) / 2
    slope = centred @ n / (n @ n)
    total = (centred**2).sum(axis=1)
    fit = np.where(np.ptp(windows, axis=1) == 0, 0.0, slope**2 * (n @ n) / np.where(total > 0, total, 1.0))
    fit[np.isnan(slope)] = np.nan
    return {"linreg": windows.mean(axis=1) + slope * n[-1], "linreg_slope": slope, "linreg_r2": fit}


def definitions(bars: Series, days: Days) -> dict[str, Floats]:
    """Column → its values by definition; `days` is the day of each bar."""
    close = bars.close
    return {
        **from_scratch(bars),
        **_bands(bars),
        **_ichimoku(bars),
        **_pivots(bars, days),
        **_smoothed(close),
        "linreg_r2_20": least_squares(close, 20)["linreg_r2"],
        "zscore_20": _z_score(close),
        "vwap_session": _session_average(bars, days),
        "hv_20_365": from_scratch(bars)["hv_20"] * np.sqrt(365.0),
    }


def shifted(values: Floats, bars: int) -> Floats:
    """The values of so many bars earlier."""
    result: Floats = np.concatenate([np.full(bars, np.nan), values])[: len(values)]
    return result


def _bands(bars: Series) -> dict[str, Floats]:
    upper, middle, lower = talib.BBANDS(bars.close, 20, 2.0, 2.0)
    ranges = talib.EMA(bars.high - bars.low, 10)
    before = shifted(ranges, 10)
    width = np.where(upper > lower, upper - lower, np.nan)
    return {
        "bb_width_20_2": (upper - lower) / middle,
        "bb_percent_20_2": (bars.close - lower) / width,
        "chaikin_volatility_10_10": 100 * (ranges - before) / np.where(before == 0, np.nan, before),
    }


def _ichimoku(bars: Series) -> dict[str, Floats]:
    def middle(period: int) -> Floats:
        line: Floats = (rolling(bars.high, period).max(axis=1) + rolling(bars.low, period).min(axis=1)) / 2
        return line

    return {
        "ichimoku_tenkan_9": middle(9),
        "ichimoku_kijun_26": middle(26),
        "ichimoku_senkou_a_9_26": shifted((middle(9) + middle(26)) / 2, 26),
        "ichimoku_senkou_b_52": shifted(middle(52), 26),
        "ichimoku_chikou_26": shifted(bars.close, 26),
    }


def _smoothed(close: Floats) -> dict[str, Floats]:
    ppo = 100 * (ema(close, 12) / ema(close, 26) - 1)
    change = np.concatenate([[np.nan], np.diff(close)])
    way = ema(ema(np.abs(change), 25), 13)
    tsi = 100 * ema(ema(change, 25), 13) / np.where(way == 0, 1.0, way)
    return {"ppo_signal_12_26_9": ema(ppo, 9), "ppo_hist_12_26_9": ppo - ema(ppo, 9), "tsi_25_13": tsi}


def _z_score(close: Floats) -> Floats:
    windows = rolling(close, 20)
    spread = windows.std(axis=1)
    still = np.ptp(windows, axis=1) == 0
    score: Floats = np.where(still, 0.0, (close - windows.mean(axis=1)) / np.where(still, 1.0, spread))
    return score


def _session_average(bars: Series, days: Days) -> Floats:
    values = np.full(len(days), np.nan)
    turnover = (bars.high + bars.low + bars.close) / 3 * bars.volume
    for part in _parts(days):
        volume = np.cumsum(bars.volume[part])
        values[part] = np.cumsum(turnover[part]) / np.where(volume > 0, volume, np.nan)
    return values


def _parts(days: Days) -> list[slice]:
    """The stretch of each day."""
    cuts = [0, *(np.flatnonzero(days[1:] != days[:-1]) + 1).tolist(), len(days)]
    return [slice(start, end) for start, end in pairwise(cuts)]


def _pivots(bars: Series, days: Days) -> dict[str, Floats]:
    high, low, close = (np.full(len(days), np.nan) for _ in range(3))
    parts = _parts(days)
    for before, part in pairwise(parts):
        high[part], low[part] = bars.high[before].max(), bars.low[before].min()
        close[part] = bars.close[before][-1]
    pivot, span = (high + low + close) / 3, high - low
    lines = {"pivot": pivot, "pivot_r1": 2 * pivot - low, "pivot_s1": 2 * pivot - high}
    lines |= {"pivot_r2": pivot + span, "pivot_s2": pivot - span}
    lines |= {"pivot_r3": high + 2 * (pivot - low), "pivot_s3": low - 2 * (high - pivot)}
    for level, ratio in enumerate((0.382, 0.618, 1.0), start=1):
        lines |= {f"fibonacci_r{level}": pivot + ratio * span, f"fibonacci_s{level}": pivot - ratio * span}
    return lines
