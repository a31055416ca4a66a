"""Moving-average crossover: EMA 21 crosses EMA 50.

Logic (long; short mirrors it): EMA 21 above EMA 50, the bar before not, the close above both, and ADX at least 15.

The oldest trend rule there is: few signals, late in and late out, paid for by the rare long trend. Its stop is wide and
its target far; it is silent below 15 minutes, where crossings are noise.
"""

from __future__ import annotations

from dataclasses import dataclass

from signalhub.domain.timeframe import D1, H1, H4, M15
from signalhub.strategies.base import Assessment, Candidate, Component, Proposal, Strategy, shown, unit
from signalhub.strategies.leaning import BEFORE, NOW, Bar, Lean
from signalhub.strategies.parts import HIGHER, busy, higher, higher_words, placed, volume_words


@dataclass(frozen=True)
class Parameters:
    """What can be set; a change makes a new version."""

    adx_min: float = 15.0
    """Least ADX 14."""
    stop_atr: float = 2.0
    target_atr: float = 4.0
    valid_bars: int = 30
    cooldown_bars: int = 10


class MaCrossover(Strategy):
    """EMA 21 against EMA 50."""

    name = "ma_crossover"
    code_version = 1
    needs = ("ema_21", "ema_50", "adx_14", "atr_14", "volume_sma_20")
    wants = ("sma_200",)
    context = HIGHER
    timeframes = (M15, H1, H4, D1)

    def __init__(self, parameters: Parameters | None = None) -> None:
        self.parameters = parameters or Parameters()

    def leans(self, now: Bar, before: Bar) -> Lean:  # noqa: ARG002 — every voter is asked alike
        """With the order of the averages."""
        fast, slow = now["ema_21"], now["ema_50"]
        return Lean(long=fast > slow, short=fast < slow)

    def propose(self) -> Proposal:
        """The averages change their order on this bar."""
        lean, before = self.leans(NOW, BEFORE), BEFORE["ema_21"] - BEFORE["ema_50"]
        close, slow, is_strong = NOW["close"], NOW["ema_50"], NOW["adx_14"] >= self.parameters.adx_min
        return Proposal(
            long=lean.long & (before <= 0) & (close > slow) & (close > NOW["ema_21"]) & is_strong,
            short=lean.short & (before >= 0) & (close < slow) & (close < NOW["ema_21"]) & is_strong,
        )

    def assess(self, candidate: Candidate) -> Assessment:
        """What the score is made of.

        speed 30: how much EMA 21 gained on EMA 50 in this bar, full at 0.15 ATR.
        lead 20: the close beyond EMA 50, full at 2 ATR.
        strength 20: ADX 14 from 12 to 35.
        place 10: 1 where the close is on the signal's side of SMA 200; left out while there is none.
        volume 10: volume from half to twice its 20-bar mean.
        higher 10: the trend of the next coarser timeframe: all of it with the signal, half without a trend, else none.
        """
        row, before, sign = candidate.row, candidate.previous, candidate.direction.sign
        gained = (row["ema_21"] - row["ema_50"]) - (before["ema_21"] - before["ema_50"])
        components = [
            Component("speed", 30, unit(sign * gained / row["atr_14"], 0.0, 0.15)),
            Component("lead", 20, unit(sign * (row["close"] - row["ema_50"]) / row["atr_14"], 0.0, 2.0)),
            Component("strength", 20, unit(row["adx_14"], 12.0, 35.0)),
            Component("place", 10, placed(candidate, "sma_200")),
            Component("volume", 10, busy(candidate, 0.5, 2.0)),
            Component("higher", 10, higher(candidate)),
        ]
        return Assessment(components, lambda: _reason(candidate))


def _reason(candidate: Candidate) -> str:
    row, side = candidate.row, "above" if candidate.direction.sign > 0 else "below"
    return (
        f"EMA 21 {shown(row['ema_21'])} crossed {side} EMA 50 {shown(row['ema_50'])} with close {shown(row['close'])}"
        f"{volume_words(candidate)}{higher_words(candidate)}; ADX {row['adx_14']:.0f}."
    )


STRATEGY = MaCrossover()
