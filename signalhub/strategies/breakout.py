"""Breakout: the close leaves the 20-bar channel of the bars before it, on volume.

Logic (long; short mirrors it): close above the Donchian upper band of the previous bar, the previous close not
above its own band, and volume at least 1.2 times its 20-bar mean where the instrument has volume at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from signalhub.strategies.base import Assessment, Candidate, Component, Proposal, Strategy, previous, shown, unit


@dataclass(frozen=True)
class Parameters:
    """What can be set; a change makes a new version."""

    volume_ratio: float = 1.2
    stop_atr: float = 1.0
    target_atr: float = 2.0
    valid_bars: int = 12
    cooldown_bars: int = 8


class Breakout(Strategy):
    """Channel breakout with volume."""

    name = "breakout"
    code_version = 1
    needs = (
        *("donchian_upper_20", "donchian_lower_20", "atr_14", "adx_14", "volume_sma_20"),
        *("bb_upper_20_2", "bb_middle_20_2"),
    )

    def __init__(self, parameters: Parameters | None = None) -> None:
        self.parameters = parameters or Parameters()

    def propose(self) -> Proposal:
        """Close beyond the channel of the 20 bars before this one, for the first time."""
        close, before = pl.col("close"), previous("close")
        # Mean volume of the bars before: a burst must not raise its own bar.
        usual = previous("volume_sma_20")
        busy = (usual == 0) | (pl.col("volume") >= self.parameters.volume_ratio * usual)
        return Proposal(
            long=(close > previous("donchian_upper_20")) & (before <= previous("donchian_upper_20", 2)) & busy,
            short=(close < previous("donchian_lower_20")) & (before >= previous("donchian_lower_20", 2)) & busy,
        )

    def assess(self, candidate: Candidate) -> Assessment:
        """Break 30, volume 25, body 20, strength 15, room 10."""
        row, sign = candidate.row, candidate.direction.sign
        atr, usual = row["atr_14"], candidate.previous["volume_sma_20"]
        ratio = row["volume"] / usual if usual > 0 else None
        span = row["high"] - row["low"]
        body = sign * (row["close"] - row["open"]) / span if span > 0 else 0.0
        width = (row["bb_upper_20_2"] - row["bb_middle_20_2"]) / atr
        components = [
            Component("break", 30, unit(sign * (row["close"] - _band(candidate)) / atr, 0.0, 0.8)),
            Component("volume", 25, None if ratio is None else unit(ratio, 1.0, 3.0)),
            Component("body", 20, unit(body, 0.0, 0.9)),
            Component("strength", 15, unit(row["adx_14"], 12.0, 35.0)),
            # A break out of a narrow range has more room than one that ends a long run.
            Component("room", 10, unit(width, 4.0, 1.5)),
        ]
        return Assessment(components, _reason(candidate, ratio))


def _band(candidate: Candidate) -> float:
    side = "donchian_upper_20" if candidate.direction.sign > 0 else "donchian_lower_20"
    return candidate.previous[side]


def _reason(candidate: Candidate, ratio: float | None) -> str:
    extreme = "high" if candidate.direction.sign > 0 else "low"
    volume = f" on {ratio:.1f}× volume" if ratio is not None else ""
    return (
        f"Close {shown(candidate.row['close'])} broke the 20-bar {extreme} {shown(_band(candidate))}{volume}; "
        f"ADX {candidate.row['adx_14']:.0f}."
    )


STRATEGY = Breakout()
