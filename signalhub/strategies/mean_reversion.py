"""Mean reversion: a close far from its mean turns back, in a market without a strong trend.

Logic (long; short mirrors it): the previous close at least 2 standard deviations below its 20-bar mean, this close
above the previous one, ADX below 25, and the mean at least 1 ATR away. The target is the mean itself, the stop 1 ATR
away, so that a signal never risks more than it may win.

It wins often and little while prices swing, and loses when a range ends: what looks stretched then is the beginning of
a trend. ADX keeps the worst of it out, late.
"""

from __future__ import annotations

from dataclasses import dataclass

from signalhub.strategies.base import Assessment, Candidate, Component, Proposal, Strategy, previous, shown, unit
from signalhub.strategies.leaning import BEFORE, NOW, Bar, Lean
from signalhub.strategies.parts import HIGHER, candles, higher, higher_words, sided


@dataclass(frozen=True)
class Parameters:
    """What can be set; a change makes a new version."""

    stretch: float = 2.0
    """Least distance of the previous close from its mean, in standard deviations."""
    adx_max: float = 25.0
    """Greatest ADX 14."""
    min_reward_atr: float = 1.0
    """Least distance of the mean, which is the target, in ATR."""
    stop_atr: float = 1.0
    valid_bars: int = 16
    cooldown_bars: int = 8


class MeanReversion(Strategy):
    """Back to the mean."""

    name = "mean_reversion"
    code_version = 1
    needs = ("zscore_20", "bb_middle_20_2", "adx_14", "rsi_7", "atr_14")
    context = HIGHER

    def __init__(self, parameters: Parameters | None = None) -> None:
        self.parameters = parameters or Parameters()

    def leans(self, now: Bar, before: Bar) -> Lean:  # noqa: ARG002 — every voter is asked alike
        """Back to the mean from three quarters of the stretch on, without a trend."""
        p, place = self.parameters, now["zscore_20"]
        is_calm = now["adx_14"] < p.adx_max
        return Lean(long=(place <= -0.75 * p.stretch) & is_calm, short=(place >= 0.75 * p.stretch) & is_calm)

    def propose(self) -> Proposal:
        """Stretched on the bar before, turning on this one."""
        p, close, place = self.parameters, NOW["close"], BEFORE["zscore_20"]
        is_calm = NOW["adx_14"] < p.adx_max
        room = (NOW["bb_middle_20_2"] - close) / NOW["atr_14"]
        turned = close - previous("close")
        return Proposal(
            long=(place <= -p.stretch) & (turned > 0) & is_calm & (room >= p.min_reward_atr),
            short=(place >= p.stretch) & (turned < 0) & is_calm & (-room >= p.min_reward_atr),
        )

    def assess(self, candidate: Candidate) -> Assessment:
        """What the score is made of.

        stretch 30: the previous close's distance from its mean, from 1.5 to 3.2 standard deviations.
        calm 25: ADX 14 below its bound, full at 10.
        exhaustion 20: the previous RSI 7 below 45 for a long (above 55 for a short), full at 15 (85).
        candles 15: candlestick patterns on the bar, those with it minus those against it.
        higher 10: the trend of the next coarser timeframe: all of it with the signal, half without a trend, else none.
        """
        row, before = candidate.row, candidate.previous
        stretch = -candidate.direction.sign * before["zscore_20"]
        components = [
            Component("stretch", 30, unit(stretch, 1.5, 3.2)),
            Component("calm", 25, unit(row["adx_14"], self.parameters.adx_max, 10.0)),
            Component("exhaustion", 20, unit(sided(candidate, before["rsi_7"]), 45.0, 15.0)),
            Component("candles", 15, candles(candidate)),
            Component("higher", 10, higher(candidate)),
        ]
        return Assessment(components, lambda: _reason(candidate, stretch))

    def structure(self, candidate: Candidate) -> tuple[float, float]:
        """The stop by ATR, the target at the mean."""
        row = candidate.row
        return row["close"] - candidate.direction.sign * self.stop_atr * row["atr_14"], row["bb_middle_20_2"]


def _reason(candidate: Candidate, stretch: float) -> str:
    row = candidate.row
    way, side = ("up", "below") if candidate.direction.sign > 0 else ("down", "above")
    return (
        f"Close {shown(row['close'])} turned {way} from {stretch:.1f} standard deviations {side} the 20-bar mean "
        f"{shown(row['bb_middle_20_2'])}{higher_words(candidate)}; ADX {row['adx_14']:.0f}."
    )


STRATEGY = MeanReversion()
