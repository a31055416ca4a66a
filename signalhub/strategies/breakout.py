"""Breakout: the close leaves the 20-bar channel of the bars before it, on volume.

Logic (long; short mirrors it): close above the Donchian upper band of the previous bar, the previous close not
above its own band, and volume at least 1.2 times its 20-bar mean where the instrument has volume at all.

It is early in every great move, and in many that come to nothing: a break without volume, or at the end of a long run,
scores low.
"""

from __future__ import annotations

from dataclasses import dataclass

from signalhub.strategies.base import Assessment, Candidate, Component, Proposal, Strategy, previous, shown, unit
from signalhub.strategies.leaning import BEFORE, NOW, Bar, Lean
from signalhub.strategies.parts import HIGHER, busy, higher_words, volume_words


@dataclass(frozen=True)
class Parameters:
    """What can be set; a change makes a new version."""

    volume_ratio: float = 1.2
    """Least volume, in 20-bar means of the bars before."""
    stop_atr: float = 1.0
    target_atr: float = 2.0
    valid_bars: int = 12
    cooldown_bars: int = 8


class Breakout(Strategy):
    """Channel breakout with volume."""

    name = "breakout"
    code_version = 2
    needs = (
        *("donchian_upper_20", "donchian_lower_20", "atr_14", "adx_14", "volume_sma_20"),
        *("bb_upper_20_2", "bb_middle_20_2"),
    )
    context = HIGHER

    def __init__(self, parameters: Parameters | None = None) -> None:
        self.parameters = parameters or Parameters()

    def leans(self, now: Bar, before: Bar) -> Lean:
        """Close beyond the channel of the 20 bars before this one, on volume."""
        # Mean volume of the bars before: a burst must not raise its own bar.
        usual, close = before["volume_sma_20"], now["close"]
        is_busy = (usual == 0) | (now["volume"] >= self.parameters.volume_ratio * usual)
        return Lean(
            long=(close > before["donchian_upper_20"]) & is_busy,
            short=(close < before["donchian_lower_20"]) & is_busy,
        )

    def propose(self) -> Proposal:
        """Close beyond the channel of the 20 bars before this one, for the first time."""
        lean, before = self.leans(NOW, BEFORE), previous("close")
        return Proposal(
            long=lean.long & (before <= previous("donchian_upper_20", 2)),
            short=lean.short & (before >= previous("donchian_lower_20", 2)),
        )

    def assess(self, candidate: Candidate) -> Assessment:
        """What the score is made of.

        break 30: the close beyond the channel, full at 0.8 ATR.
        volume 25: volume from one to three times the 20-bar mean of the bars before.
        body 20: the candle's body in the break's direction, full at 90 % of its range.
        strength 15: ADX 14 from 12 to 35.
        room 10: half the Bollinger bands' width, full at 1.5 ATR or less, none at 4: narrow ranges leave room to run.
        """
        row, sign = candidate.row, candidate.direction.sign
        atr = row["atr_14"]
        span = row["high"] - row["low"]
        body = sign * (row["close"] - row["open"]) / span if span > 0 else 0.0
        width = (row["bb_upper_20_2"] - row["bb_middle_20_2"]) / atr
        components = [
            Component("break", 30, unit(sign * (row["close"] - _band(candidate)) / atr, 0.0, 0.8)),
            Component("volume", 25, busy(candidate, 1.0, 3.0)),
            Component("body", 20, unit(body, 0.0, 0.9)),
            Component("strength", 15, unit(row["adx_14"], 12.0, 35.0)),
            # A break out of a narrow range has more room than one that ends a long run.
            Component("room", 10, unit(width, 4.0, 1.5)),
        ]
        return Assessment(components, lambda: _reason(candidate))


def _band(candidate: Candidate) -> float:
    side = "donchian_upper_20" if candidate.direction.sign > 0 else "donchian_lower_20"
    return candidate.previous[side]


def _reason(candidate: Candidate) -> str:
    extreme = "high" if candidate.direction.sign > 0 else "low"
    return (
        f"Close {shown(candidate.row['close'])} broke the 20-bar {extreme} {shown(_band(candidate))}"
        f"{volume_words(candidate)}{higher_words(candidate)}; ADX {candidate.row['adx_14']:.0f}."
    )


STRATEGY = Breakout()
