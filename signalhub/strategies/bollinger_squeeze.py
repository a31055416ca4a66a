"""Bollinger squeeze: the bands were narrower than the Keltner channel, and the close leaves them.

Logic (long; short mirrors it): within the last five bars before this one both Bollinger bands lay inside the Keltner
channel, the close is above the upper band, the previous close was not above its own, the bands are wider than one bar
ago, and the price is higher than ten bars ago.

Quiet markets do not stay quiet. The squeeze says that a move is due, not which way: the first break is at times the
wrong one, so the stop is one ATR away and the target two and a half.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from signalhub.strategies.base import Assessment, Candidate, Component, Proposal, Strategy, previous, shown, unit
from signalhub.strategies.leaning import BEFORE, NOW, Bar, Lean
from signalhub.strategies.parts import HIGHER, busy, higher, higher_words, volume_words

_SQUEEZED = "is squeezed"


@dataclass(frozen=True)
class Parameters:
    """What can be set; a change makes a new version."""

    memory_bars: int = 5
    """How many bars before this one the squeeze may have been; 50 at most."""
    stop_atr: float = 1.0
    target_atr: float = 2.5
    valid_bars: int = 16
    cooldown_bars: int = 10


class BollingerSqueeze(Strategy):
    """Out of a quiet market."""

    name = "bollinger_squeeze"
    code_version = 1
    needs = (
        *("bb_upper_20_2", "bb_middle_20_2", "bb_lower_20_2", "mom_10", "atr_14", "volume_sma_20"),
        *("keltner_upper_20_10_2", "keltner_lower_20_10_2"),
    )
    context = HIGHER

    def __init__(self, parameters: Parameters | None = None) -> None:
        self.parameters = parameters or Parameters()

    def leans(self, now: Bar, before: Bar) -> Lean:
        """With a close beyond its band while the bands widen."""
        close = now["close"]
        widens = now["bb_upper_20_2"] - now["bb_lower_20_2"] > before["bb_upper_20_2"] - before["bb_lower_20_2"]
        return Lean(long=(close > now["bb_upper_20_2"]) & widens, short=(close < now["bb_lower_20_2"]) & widens)

    def propose(self) -> Proposal:
        """The first close beyond a band after a squeeze."""
        lean, before, gained = self.leans(NOW, BEFORE), previous("close"), NOW["mom_10"]
        was = pl.any_horizontal(*(previous(_SQUEEZED, bars) for bars in range(1, self.parameters.memory_bars + 1)))
        return Proposal(
            long=lean.long & was & (before <= BEFORE["bb_upper_20_2"]) & (gained > 0),
            short=lean.short & was & (before >= BEFORE["bb_lower_20_2"]) & (gained < 0),
            shared={_SQUEEZED: _is_squeezed(NOW)},
        )

    def assess(self, candidate: Candidate) -> Assessment:
        """What the score is made of.

        release 30: the close beyond its band, full at 0.6 ATR.
        tightness 25: the bands' width before this bar in widths of the Keltner channel, from 1.2 to 0.6.
        momentum 20: the gain of ten bars, full at 3 ATR.
        volume 15: volume from one to three times the 20-bar mean of the bars before.
        higher 10: the trend of the next coarser timeframe: all of it with the signal, half without a trend, else none.
        """
        row, sign = candidate.row, candidate.direction.sign
        band = row["bb_upper_20_2"] if sign > 0 else row["bb_lower_20_2"]
        components = [
            Component("release", 30, unit(sign * (row["close"] - band) / row["atr_14"], 0.0, 0.6)),
            Component("tightness", 25, unit(_width(candidate), 1.2, 0.6)),
            Component("momentum", 20, unit(sign * row["mom_10"] / row["atr_14"], 0.0, 3.0)),
            Component("volume", 15, busy(candidate, 1.0, 3.0)),
            Component("higher", 10, higher(candidate)),
        ]
        return Assessment(components, lambda: _reason(candidate, band))


def _is_squeezed(bar: Bar) -> pl.Expr:
    below: pl.Expr = bar["bb_upper_20_2"] < bar["keltner_upper_20_10_2"]
    above: pl.Expr = bar["bb_lower_20_2"] > bar["keltner_lower_20_10_2"]
    return below & above


def _width(candidate: Candidate) -> float:
    before = candidate.previous
    channel = before["keltner_upper_20_10_2"] - before["keltner_lower_20_10_2"]
    # A channel without width had no range for ten bars: no squeeze, and no reason to divide.
    return (before["bb_upper_20_2"] - before["bb_lower_20_2"]) / channel if channel > 0 else 1.2


def _reason(candidate: Candidate, band: float) -> str:
    side = "above the upper" if candidate.direction.sign > 0 else "below the lower"
    return (
        f"Close {shown(candidate.row['close'])} left a squeeze {side} Bollinger band {shown(band)}"
        f"{volume_words(candidate)}{higher_words(candidate)}; bands {_width(candidate):.2f} times the Keltner channel "
        f"before."
    )


STRATEGY = BollingerSqueeze()
