"""RSI reversal: the RSI comes back from an extreme.

Logic (long; short mirrors it): RSI 14 at 30 or above after a bar below it, and the close above the previous close.
The stop lies a quarter of an ATR beyond the lowest low of the last five bars, at least 0.8 and at most 2.5 ATR away,
the target at 1.8 times the risk.

It catches the turn after a flush. In a strong trend the RSI comes back from the same extreme many times before the
price does: the coarser timeframe's trend has the greatest say after the depth.
"""

from __future__ import annotations

from dataclasses import dataclass

from signalhub.strategies.base import Assessment, Candidate, Component, Proposal, Strategy, previous, shown, unit
from signalhub.strategies.leaning import BEFORE, NOW, Bar, Lean
from signalhub.strategies.parts import HIGHER, beyond, candles, extreme, higher, higher_words, sided


@dataclass(frozen=True)
class Parameters:
    """What can be set; a change makes a new version."""

    oversold: float = 30.0
    """The RSI 14 that a long comes back from; a short's is 100 minus it."""
    swing_bars: int = 5
    """Bars whose extreme the stop lies beyond; 60 at most."""
    reward: float = 1.8
    """Distance of the target, in risks."""
    valid_bars: int = 16
    cooldown_bars: int = 8


class RsiReversal(Strategy):
    """Back from oversold, back from overbought."""

    name = "rsi_reversal"
    code_version = 1
    needs = ("rsi_14", "bb_percent_20_2", "atr_14")
    context = HIGHER

    def __init__(self, parameters: Parameters | None = None) -> None:
        self.parameters = parameters or Parameters()

    def leans(self, now: Bar, before: Bar) -> Lean:  # noqa: ARG002 — every voter is asked alike
        """Against an RSI within five points of its extreme."""
        rsi, low = now["rsi_14"], self.parameters.oversold
        return Lean(long=rsi <= low + 5.0, short=rsi >= 95.0 - low)

    def propose(self) -> Proposal:
        """The RSI leaves its extreme on this bar."""
        rsi, before, low = NOW["rsi_14"], BEFORE["rsi_14"], self.parameters.oversold
        turned = NOW["close"] - previous("close")
        return Proposal(
            long=(before < low) & (rsi >= low) & (turned > 0),
            short=(before > 100.0 - low) & (rsi <= 100.0 - low) & (turned < 0),
        )

    def assess(self, candidate: Candidate) -> Assessment:
        """What the score is made of.

        depth 30: how far beyond the extreme the previous RSI stood, full at half of it (15 of 30).
        higher 20: the trend of the next coarser timeframe: all of it with the signal, half without a trend, else none.
        turn 20: the RSI's gain in this bar, full at 12 points.
        candles 15: candlestick patterns on the bar, those with it minus those against it.
        stretch 15: how far beyond its Bollinger band the previous close stood, from 0.2 inside to 0.1 outside.
        """
        row, before, low = candidate.row, candidate.previous, self.parameters.oversold
        stood = sided(candidate, before["rsi_14"])
        place = before["bb_percent_20_2"] if candidate.direction.sign > 0 else 1.0 - before["bb_percent_20_2"]
        components = [
            Component("depth", 30, unit(stood, low, low / 2.0)),
            Component("higher", 20, higher(candidate)),
            Component("turn", 20, unit(sided(candidate, row["rsi_14"]) - stood, 0.0, 12.0)),
            Component("candles", 15, candles(candidate)),
            Component("stretch", 15, unit(place, 0.2, -0.1)),
        ]
        return Assessment(components, lambda: _reason(candidate))

    def structure(self, candidate: Candidate) -> tuple[float, float]:
        """The stop beyond the last bars' extreme."""
        p = self.parameters
        level = extreme(candidate, p.swing_bars) - candidate.direction.sign * 0.25 * candidate.row["atr_14"]
        return beyond(candidate, level, (0.8, 2.5), p.reward)


def _reason(candidate: Candidate) -> str:
    row, before = candidate.row["rsi_14"], candidate.previous["rsi_14"]
    way = "rose" if candidate.direction.sign > 0 else "fell"
    return (
        f"RSI 14 {way} from {before:.1f} to {row:.1f} with close {shown(candidate.row['close'])}"
        f"{higher_words(candidate)}; ATR {shown(candidate.row['atr_14'])}."
    )


STRATEGY = RsiReversal()
