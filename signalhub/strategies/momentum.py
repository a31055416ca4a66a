"""Momentum: the MACD histogram turns over zero while the trend already points that way.

Logic (long; short mirrors it): EMA 9 above EMA 21, close above EMA 50, RSI between 50 and 75, ADX at least 18,
and the MACD histogram crosses from at or below zero to above it on this bar.

It goes with a trend that has paused and takes up speed again. It gives most of it back in a market that swings
sideways, where the averages cross late; ADX and the RSI's upper bound are there to keep it out.
"""

from __future__ import annotations

from dataclasses import dataclass

from signalhub.strategies.base import Assessment, Candidate, Component, Proposal, Strategy, previous, shown, unit
from signalhub.strategies.leaning import BEFORE, NOW, Bar, Lean
from signalhub.strategies.parts import HIGHER, candles, higher_words


@dataclass(frozen=True)
class Parameters:
    """What can be set; a change makes a new version."""

    rsi_low: float = 50.0
    """Least RSI 14 of a long; a short's greatest is 100 minus it."""
    rsi_high: float = 75.0
    """Greatest RSI 14 of a long: beyond it the move is late."""
    adx_min: float = 18.0
    """Least ADX 14."""
    stop_atr: float = 1.0
    target_atr: float = 2.0
    valid_bars: int = 12
    cooldown_bars: int = 5


class Momentum(Strategy):
    """Trend-following on the MACD histogram's turn."""

    name = "momentum"
    code_version = 2
    needs = ("ema_9", "ema_21", "ema_50", "rsi_14", "macd_hist_12_26_9", "atr_14", "adx_14", "volume_sma_20")
    context = HIGHER

    def __init__(self, parameters: Parameters | None = None) -> None:
        self.parameters = parameters or Parameters()

    def leans(self, now: Bar, before: Bar) -> Lean:  # noqa: ARG002 — every voter is asked alike
        """The trend points that way, and the histogram with it."""
        p = self.parameters
        hist, rsi, strong = now["macd_hist_12_26_9"], now["rsi_14"], now["adx_14"] >= p.adx_min
        rising = (now["ema_9"] > now["ema_21"]) & (now["close"] > now["ema_50"])
        falling = (now["ema_9"] < now["ema_21"]) & (now["close"] < now["ema_50"])
        return Lean(
            long=(hist > 0) & rising & strong & (rsi >= p.rsi_low) & (rsi <= p.rsi_high),
            short=(hist < 0) & falling & strong & (rsi >= 100 - p.rsi_high) & (rsi <= 100 - p.rsi_low),
        )

    def propose(self) -> Proposal:
        """MACD histogram crosses zero in the direction of the averages."""
        lean, hist = self.leans(NOW, BEFORE), previous("macd_hist_12_26_9")
        return Proposal(long=lean.long & (hist <= 0), short=lean.short & (hist >= 0))

    def assess(self, candidate: Candidate) -> Assessment:
        """What the score is made of.

        trend 30: EMA 9 over EMA 21, full at one ATR; half of it the slope of the last 20 closes, full at 0.3 ATR a bar.
        momentum 25: RSI 14 beyond 50, full at 70.
        strength 20: ADX 14 from 15 to 40.
        volume 15: volume from half to twice its 20-bar mean.
        candles 10: candlestick patterns on the bar, those with it minus those against it.
        """
        row, sign = candidate.row, candidate.direction.sign
        atr = row["atr_14"]
        spread = sign * (row["ema_9"] - row["ema_21"]) / atr
        lead = sign * (row["rsi_14"] - 50.0)
        ratio = row["volume"] / row["volume_sma_20"] if row["volume_sma_20"] > 0 else None
        components = [
            Component("trend", 30, 0.5 * unit(spread, 0.0, 1.0) + 0.5 * _slope(candidate, atr)),
            Component("momentum", 25, unit(lead, 0.0, 20.0)),
            Component("strength", 20, unit(row["adx_14"], 15.0, 40.0)),
            Component("volume", 15, None if ratio is None else unit(ratio, 0.5, 2.0)),
            Component("candles", 10, candles(candidate)),
        ]
        return Assessment(components, lambda: _reason(candidate, ratio))


def _slope(candidate: Candidate, atr: float) -> float:
    return unit(candidate.direction.sign * candidate.features["slope_20"] / atr, 0.0, 0.3)


def _reason(candidate: Candidate, ratio: float | None) -> str:
    row = candidate.row
    turned, side = ("up", "above") if candidate.direction.sign > 0 else ("down", "below")
    volume = f" on {ratio:.1f}× volume" if ratio is not None else ""
    return (
        f"MACD histogram turned {turned}{volume} with close {shown(row['close'])} {side} EMA 50 "
        f"{shown(row['ema_50'])}; RSI {row['rsi_14']:.0f}, ADX {row['adx_14']:.0f}{higher_words(candidate)}."
    )


STRATEGY = Momentum()
