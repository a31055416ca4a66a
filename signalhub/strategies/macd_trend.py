"""MACD trend: the MACD line crosses zero while SuperTrend points the same way.

Logic (long; short mirrors it): the MACD line above zero, on the bar before not, and SuperTrend up.

Slower than `momentum`, which looks at the histogram: here the averages themselves have changed their order, and a band
of three ATR must have been left behind. What comes later is surer and has less of its way before it.
"""

from __future__ import annotations

from dataclasses import dataclass

from signalhub.strategies.base import Assessment, Candidate, Component, Proposal, Strategy, shown, unit
from signalhub.strategies.leaning import BEFORE, NOW, Bar, Lean
from signalhub.strategies.parts import HIGHER, busy, higher, higher_words, placed, volume_words


@dataclass(frozen=True)
class Parameters:
    """What can be set; a change makes a new version."""

    stop_atr: float = 1.5
    target_atr: float = 3.0
    valid_bars: int = 20
    cooldown_bars: int = 10


class MacdTrend(Strategy):
    """The MACD line over zero with SuperTrend."""

    name = "macd_trend"
    code_version = 1
    needs = (
        *("macd_12_26_9", "macd_hist_12_26_9", "supertrend_direction_10_3", "supertrend_10_3"),
        *("plus_di_14", "minus_di_14", "atr_14", "volume_sma_20"),
    )
    wants = ("ema_100",)
    context = HIGHER

    def __init__(self, parameters: Parameters | None = None) -> None:
        self.parameters = parameters or Parameters()

    def leans(self, now: Bar, before: Bar) -> Lean:  # noqa: ARG002 — every voter is asked alike
        """With the MACD line and SuperTrend, where they agree."""
        line, way = now["macd_12_26_9"], now["supertrend_direction_10_3"]
        return Lean(long=(line > 0) & (way > 0), short=(line < 0) & (way < 0))

    def propose(self) -> Proposal:
        """The MACD line crosses zero on this bar."""
        lean, line = self.leans(NOW, BEFORE), BEFORE["macd_12_26_9"]
        return Proposal(long=lean.long & (line <= 0), short=lean.short & (line >= 0))

    def assess(self, candidate: Candidate) -> Assessment:
        """What the score is made of.

        speed 25: the histogram beyond zero, full at 0.3 ATR.
        direction 25: the directional indicator of the signal's way above the other (+DI, -DI), full at 25 points.
        support 15: how near the SuperTrend line is behind the close: full within 1 ATR, none at 4.
        place 10: 1 where the close is on the signal's side of EMA 100; left out while there is none.
        volume 10: volume from half to twice its 20-bar mean.
        higher 15: the trend of the next coarser timeframe: all of it with the signal, half without a trend, else none.
        """
        row, sign = candidate.row, candidate.direction.sign
        atr = row["atr_14"]
        components = [
            Component("speed", 25, unit(sign * row["macd_hist_12_26_9"] / atr, 0.0, 0.3)),
            Component("direction", 25, unit(sign * (row["plus_di_14"] - row["minus_di_14"]), 0.0, 25.0)),
            Component("support", 15, unit(sign * (row["close"] - row["supertrend_10_3"]) / atr, 4.0, 1.0)),
            Component("place", 10, placed(candidate, "ema_100")),
            Component("volume", 10, busy(candidate, 0.5, 2.0)),
            Component("higher", 15, higher(candidate)),
        ]
        return Assessment(components, lambda: _reason(candidate))


def _reason(candidate: Candidate) -> str:
    row, side = candidate.row, "above" if candidate.direction.sign > 0 else "below"
    return (
        f"MACD crossed {side} zero with close {shown(row['close'])} {side} SuperTrend {shown(row['supertrend_10_3'])}"
        f"{volume_words(candidate)}{higher_words(candidate)}; "
        f"+DI {row['plus_di_14']:.0f}, -DI {row['minus_di_14']:.0f}."
    )


STRATEGY = MacdTrend()
