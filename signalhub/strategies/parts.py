"""Parts that the scores and reasons of several strategies have in common."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from signalhub.domain.timeframe import coarser
from signalhub.strategies.base import Candidate, known, unit

TREND_COLUMNS = ("close", "ema_21", "ema_50")
HIGHER: Mapping[str, tuple[str, ...]] = {"+1": TREND_COLUMNS}
"""The context by which the trend of the next coarser timeframe is told."""


def higher_trend(candidate: Candidate, key: str = "+1") -> int | None:
    """The trend of a coarser timeframe: 1 up, -1 down, 0 neither; None where it is not known.

    Up: EMA 21 above EMA 50 and the close above EMA 50. Down mirrors it.
    """
    close, fast, slow = (known(candidate.row.get(f"{key}.{name}")) for name in TREND_COLUMNS)
    if close is None or fast is None or slow is None:
        return None
    return int(fast > slow and close > slow) - int(fast < slow and close < slow)


def higher(candidate: Candidate, key: str = "+1") -> float | None:
    """As a component: 1 where the coarser trend goes with the candidate, 0 against it, a half where there is none."""
    trend = higher_trend(candidate, key)
    return None if trend is None else 0.5 + 0.5 * candidate.direction.sign * trend


def higher_words(candidate: Candidate, key: str = "+1") -> str:
    """As the end of a reason, `; 4h trend up`; nothing where it is not known."""
    trend = higher_trend(candidate, key)
    if trend is None:
        return ""
    above = coarser(candidate.timeframe, key) if candidate.timeframe is not None else None
    return f"; {above.code if above else 'higher'} trend {('flat', 'up', 'down')[trend]}"


def volume_ratio(candidate: Candidate) -> float | None:
    """Volume against its 20-bar mean before this bar, which a burst must not raise; None without volume."""
    usual = candidate.previous["volume_sma_20"]
    return candidate.row["volume"] / usual if usual > 0 else None


def busy(candidate: Candidate, low: float, high: float) -> float | None:
    """That ratio as a component, from `low` to `high`."""
    ratio = volume_ratio(candidate)
    return None if ratio is None else unit(ratio, low, high)


def volume_words(candidate: Candidate) -> str:
    """` on 1.8× volume`, or nothing."""
    ratio = volume_ratio(candidate)
    return "" if ratio is None else f" on {ratio:.1f}× volume"


def placed(candidate: Candidate, column: str) -> float | None:
    """As a component: 1 where the close is on the candidate's side of a column, else 0; None where it has no value."""
    level = known(candidate.row[column])
    return None if level is None else float(candidate.direction.sign * (candidate.row["close"] - level) > 0)


def candles(candidate: Candidate) -> float:
    """TA-Lib's candlestick patterns on the bar as a component: as many with the candidate as against it are a half."""
    return unit(candidate.direction.sign * candidate.features["candles"], -1.0, 1.0)


def sided(candidate: Candidate, oscillator: float) -> float:
    """An oscillator from 0 to 100 as a long sees it: a short's 70 is 30."""
    return oscillator if candidate.direction.sign > 0 else 100.0 - oscillator


def extreme(candidate: Candidate, bars: int) -> float:
    """The lowest low of the last bars for a long, the highest high for a short."""
    window = candidate.window
    return float(np.min(window.low[-bars:]) if candidate.direction.sign > 0 else np.max(window.high[-bars:]))


def beyond(candidate: Candidate, level: float, risk_atr: tuple[float, float], reward: float) -> tuple[float, float]:
    """Stop at a level, but no nearer and no farther than so many ATR; target at `reward` times the risk."""
    sign, close, atr = candidate.direction.sign, candidate.row["close"], candidate.row["atr_14"]
    risk = min(max(sign * (close - level), risk_atr[0] * atr), risk_atr[1] * atr)
    return close - sign * risk, close + sign * reward * risk
