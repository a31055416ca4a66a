"""Volume breakout: a burst of volume carries the close out of the Keltner channel.

Logic (long; short mirrors it): volume at least twice its 20-bar mean of the bars before, the close above the upper
Keltner line of the previous bar, the previous close not above its own, and the close in the upper 40 % of the bar.

Volume is the whole point: instruments without it are never proposed, and forex, whose volume is no one market's, is
left out. News makes such bars; a signal is as good as the news, and the bar after is often a pause.
"""

from __future__ import annotations

from dataclasses import dataclass

from signalhub.strategies.base import Assessment, Candidate, Component, Proposal, Strategy, known, shown, unit
from signalhub.strategies.leaning import BEFORE, NOW, Bar, Lean
from signalhub.strategies.parts import HIGHER, busy, higher, higher_words, volume_words


@dataclass(frozen=True)
class Parameters:
    """What can be set; a change makes a new version."""

    volume_ratio: float = 2.0
    """Least volume, in 20-bar means of the bars before."""
    close_share: float = 0.6
    """Least place of the close within the bar's range, counted from the side the break comes from."""
    stop_atr: float = 1.2
    target_atr: float = 2.4
    valid_bars: int = 10
    cooldown_bars: int = 8


class VolumeBreakout(Strategy):
    """Out of the Keltner channel on a burst of volume."""

    name = "volume_breakout"
    code_version = 1
    needs = ("keltner_upper_20_10_2", "keltner_lower_20_10_2", "atr_14", "volume_sma_20")
    wants = ("cmf_20",)
    context = HIGHER
    asset_classes = ("crypto", "equity", "commodity", "index")

    def __init__(self, parameters: Parameters | None = None) -> None:
        self.parameters = parameters or Parameters()

    def leans(self, now: Bar, before: Bar) -> Lean:
        """With a close beyond the channel on more than usual volume."""
        close, usual = now["close"], before["volume_sma_20"]
        is_busy = (usual > 0) & (now["volume"] >= usual)
        return Lean(
            long=(close > before["keltner_upper_20_10_2"]) & is_busy,
            short=(close < before["keltner_lower_20_10_2"]) & is_busy,
        )

    def propose(self) -> Proposal:
        """The first close beyond the channel, near the end of a bar with a burst of volume."""
        p, lean, close, before = self.parameters, self.leans(NOW, BEFORE), NOW["close"], BEFORE["close"]
        bursts = NOW["volume"] >= p.volume_ratio * BEFORE["volume_sma_20"]
        reach = p.close_share * (NOW["high"] - NOW["low"])
        above = before > BEFORE["keltner_upper_20_10_2"]
        below = before < BEFORE["keltner_lower_20_10_2"]
        return Proposal(
            long=lean.long & bursts & ~above & (close - NOW["low"] >= reach),
            short=lean.short & bursts & ~below & (NOW["high"] - close >= reach),
        )

    def assess(self, candidate: Candidate) -> Assessment:
        """What the score is made of.

        volume 35: volume from 1.5 to 4 times the 20-bar mean of the bars before.
        break 20: the close beyond the channel of the bar before, full at 1 ATR.
        body 20: the candle's body in the break's direction, full at 90 % of its range.
        flow 15: Chaikin money flow of 20 bars in the break's direction, full at 0.25; left out where there is none.
        higher 10: the trend of the next coarser timeframe: all of it with the signal, half without a trend, else none.
        """
        row, sign = candidate.row, candidate.direction.sign
        span, flow = row["high"] - row["low"], known(row["cmf_20"])
        body = sign * (row["close"] - row["open"]) / span if span > 0 else 0.0
        components = [
            Component("volume", 35, busy(candidate, 1.5, 4.0)),
            Component("break", 20, unit(sign * (row["close"] - _line(candidate)) / row["atr_14"], 0.0, 1.0)),
            Component("body", 20, unit(body, 0.0, 0.9)),
            Component("flow", 15, None if flow is None else unit(sign * flow, -0.05, 0.25)),
            Component("higher", 10, higher(candidate)),
        ]
        return Assessment(components, lambda: _reason(candidate))


def _line(candidate: Candidate) -> float:
    side = "upper" if candidate.direction.sign > 0 else "lower"
    return candidate.previous[f"keltner_{side}_20_10_2"]


def _reason(candidate: Candidate) -> str:
    side = "above" if candidate.direction.sign > 0 else "below"
    return (
        f"Close {shown(candidate.row['close'])} {side} the Keltner line {shown(_line(candidate))}"
        f"{volume_words(candidate)}{higher_words(candidate)}; ATR {shown(candidate.row['atr_14'])}."
    )


STRATEGY = VolumeBreakout()
