"""Made-up bar series that stress indicators, and TA-Lib's answers for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import talib

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """Bars of one made-up instrument, as columns of equal length."""

    high: Floats
    low: Floats
    close: Floats
    volume: Floats


def from_close(close: Floats, seed: int, wick: float = 0.004) -> Series:
    """Bars around the given closes, with wicks in proportion to the price."""
    rng = np.random.default_rng(seed)
    opened = np.concatenate([close[:1], close[:-1]])
    high = np.maximum(opened, close) * (1 + wick * rng.random(len(close)))
    low = np.minimum(opened, close) * (1 - wick * rng.random(len(close)))
    return Series(high, low, close, np.round(rng.gamma(2.0, 500.0, len(close)), 3))


def walk(length: int, seed: int, start: float = 100.0, step: float = 0.01) -> Series:
    """A geometric random walk."""
    moves = np.random.default_rng(seed).normal(0.0, step, length)
    return from_close(start * np.exp(np.cumsum(moves)), seed)


def _ticks(length: int, seed: int) -> Series:
    """Few distinct prices and many ties, as in a thin market; some bars without volume."""
    rng = np.random.default_rng(seed)
    close: Floats = 50.0 + 0.25 * np.cumsum(rng.integers(-1, 2, length), dtype=np.float64)
    high: Floats = close + 0.25 * rng.integers(0, 3, length)
    low: Floats = close - 0.25 * rng.integers(0, 3, length)
    return Series(high, low, close, np.where(rng.random(length) < 0.3, 0.0, 1000.0))


def _gaps(length: int, seed: int) -> Series:
    """A walk that jumps by tens of per cent every 97 bars."""
    calm = walk(length, seed).close
    jumps = np.where(np.arange(length) % 97 == 96, 1.4, 1.0) * np.where(np.arange(length) % 97 == 48, 0.72, 1.0)
    return from_close(calm * np.cumprod(jumps), seed)


def _then_flat(moving: int, flat: int, seed: int) -> Series:
    """A walk that stops dead: what decays must neither underflow nor drift."""
    bars = walk(moving, seed)
    still = np.full(flat, bars.close[-1])
    return Series(
        np.concatenate([bars.high, still]),
        np.concatenate([bars.low, still]),
        np.concatenate([bars.close, still]),
        np.concatenate([bars.volume, np.zeros(flat)]),
    )


def _then_inside(moving: int, inside: int, seed: int) -> Series:
    """A walk that freezes into equal bars with wicks: a true range, but no directional movement."""
    bars = _then_flat(moving, inside, seed)
    wick = np.where(np.arange(moving + inside) < moving, 0.0, 1.0)
    return Series(bars.high + wick, bars.low - wick, bars.close, bars.volume)


FLAT_TAIL = "a walk, then 20,000 flat bars"
SERIES = {
    "a random walk of 20,000 bars": walk(20_000, 1),
    "a calm walk": walk(2_000, 2, start=1.08, step=0.0001),
    "flat": from_close(np.full(400, 100.0), 3, wick=0.0),
    "flat at a price that binary cannot hold": from_close(np.full(400, 0.1), 3, wick=0.0),
    "flat closes with wicks": from_close(np.full(400, 100.0), 4),
    FLAT_TAIL: _then_flat(500, 20_000, 5),
    "a walk, then 2,000 equal bars with wicks": _then_inside(500, 2_000, 5),
    "only up": from_close(np.arange(1.0, 601.0), 6),
    "only down": from_close(np.arange(600.0, 0.0, -1.0), 7),
    "huge prices": walk(2_000, 8, start=1e9),
    "tiny prices": walk(2_000, 9, start=1e-8),
    "ticks and ties": _ticks(2_000, 10),
    "gaps": _gaps(2_000, 11),
    "one bar": walk(1, 12),
    "two bars": walk(2, 12),
    "27 bars, one short of ADX": walk(27, 12),
    "34 bars, the first MACD": walk(34, 12),
}


def expected(bars: Series) -> dict[str, Floats]:
    """TA-Lib's value of every column, NaN where it gives none."""
    close = bars.close
    upper, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    macd, signal, hist = talib.MACD(close, 12, 26, 9)
    return {
        "sma_20": talib.SMA(close, 20),
        "sma_50": talib.SMA(close, 50),
        "ema_9": talib.EMA(close, 9),
        "ema_21": talib.EMA(close, 21),
        "ema_50": talib.EMA(close, 50),
        "rsi_14": talib.RSI(close, 14),
        "macd_12_26_9": macd,
        "macd_signal_12_26_9": signal,
        "macd_hist_12_26_9": hist,
        "atr_14": talib.ATR(bars.high, bars.low, close, 14),
        "bb_upper_20_2": upper,
        "bb_middle_20_2": middle,
        "bb_lower_20_2": lower,
        "donchian_upper_20": talib.MAX(bars.high, 20),
        "donchian_lower_20": talib.MIN(bars.low, 20),
        "volume_sma_20": talib.SMA(bars.volume, 20),
        "obv": talib.OBV(close, bars.volume),
        "adx_14": talib.ADX(bars.high, bars.low, close, 14),
    }
