"""Trend pullback: a dip against the trend ends, and the price is back above EMA 20.

Logic (long; short mirrors it): EMA 20 above EMA 50, the close above both, the previous close at or below EMA 20, ADX at
least 18 and RSI 14 at most 65. The stop lies a fifth of an ATR below the lowest low of the last five bars, at least 0.7
and at most 2.5 ATR away; the target at twice the risk.

It buys what trend followers buy, cheaper. Whether a dip is one or the trend's end shows only afterwards: deep ones
score less.
"""

from __future__ import annotations

from dataclasses import dataclass

from signalhub.strategies.base import Assessment, Candidate, Component, Proposal, Strategy, shown, unit
from signalhub.strategies.leaning import BEFORE, NOW, Bar, Lean
from signalhub.strategies.parts import HIGHER, beyond, candles, extreme, higher, higher_words, volume_words


@dataclass(frozen=True)
class Parameters:
    """What can be set; a change makes a new version."""

    adx_min: float = 18.0
    """Least ADX 14."""
    rsi_max: float = 65.0
    """Greatest RSI 14 of a long: beyond it there was no dip; a short's least is 100 minus it."""
    swing_bars: int = 5
    """Bars whose extreme the stop lies beyond; 60 at most."""
    reward: float = 2.0
    """Distance of the target, in risks."""
    valid_bars: int = 20
    cooldown_bars: int = 6


class TrendPullback(Strategy):
    """Buys dips, sells rallies."""

    name = "trend_pullback"
    code_version = 1
    needs = ("ema_20", "ema_50", "rsi_14", "adx_14", "atr_14", "volume_sma_20")
    context = HIGHER

    def __init__(self, parameters: Parameters | None = None) -> None:
        self.parameters = parameters or Parameters()

    def leans(self, now: Bar, before: Bar) -> Lean:  # noqa: ARG002 — every voter is asked alike
        """With a trend that has some strength, while the close is on its side of EMA 50."""
        close, fast, slow = now["close"], now["ema_20"], now["ema_50"]
        is_strong = now["adx_14"] >= self.parameters.adx_min
        return Lean(long=(fast > slow) & (close > slow) & is_strong, short=(fast < slow) & (close < slow) & is_strong)

    def propose(self) -> Proposal:
        """The close crosses EMA 20 in the trend's direction."""
        lean, high = self.leans(NOW, BEFORE), self.parameters.rsi_max
        close, fast, gap = NOW["close"], NOW["ema_20"], BEFORE["close"] - BEFORE["ema_20"]
        return Proposal(
            long=lean.long & (close > fast) & (gap <= 0) & (NOW["rsi_14"] <= high),
            short=lean.short & (close < fast) & (gap >= 0) & (NOW["rsi_14"] >= 100.0 - high),
        )

    def assess(self, candidate: Candidate) -> Assessment:
        """What the score is made of.

        trend 30: EMA 20 beyond EMA 50, full at 1.5 ATR.
        dip 20: how far the last five bars' extreme went beyond EMA 20: full within half an ATR, none at 3.
        strength 20: ADX 14 from 15 to 40.
        candles 15: candlestick patterns on the bar, those with it minus those against it.
        higher 15: the trend of the next coarser timeframe: all of it with the signal, half without a trend, else none.
        """
        row, sign = candidate.row, candidate.direction.sign
        atr = row["atr_14"]
        depth = sign * (row["ema_20"] - extreme(candidate, self.parameters.swing_bars)) / atr
        components = [
            Component("trend", 30, unit(sign * (row["ema_20"] - row["ema_50"]) / atr, 0.0, 1.5)),
            Component("dip", 20, unit(depth, 3.0, 0.5)),
            Component("strength", 20, unit(row["adx_14"], 15.0, 40.0)),
            Component("candles", 15, candles(candidate)),
            Component("higher", 15, higher(candidate)),
        ]
        return Assessment(components, lambda: _reason(candidate))

    def structure(self, candidate: Candidate) -> tuple[float, float]:
        """The stop beyond the dip."""
        p = self.parameters
        level = extreme(candidate, p.swing_bars) - candidate.direction.sign * 0.2 * candidate.row["atr_14"]
        return beyond(candidate, level, (0.7, 2.5), p.reward)


def _reason(candidate: Candidate) -> str:
    row = candidate.row
    back, dip = ("back above", "dip") if candidate.direction.sign > 0 else ("back below", "rally")
    return (
        f"Close {shown(row['close'])} {back} EMA 20 {shown(row['ema_20'])} after a {dip}{volume_words(candidate)}, "
        f"EMA 50 {shown(row['ema_50'])}{higher_words(candidate)}; ADX {row['adx_14']:.0f}."
    )


STRATEGY = TrendPullback()
