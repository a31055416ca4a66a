"""A strategy for tests: it proposes a long on every close above the one before, and a short on none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from signalhub.domain.timeframe import TIMEFRAMES, Timeframe
from signalhub.strategies.base import Assessment, Candidate, Component, Proposal, Strategy, previous, shown


@dataclass(frozen=True)
class Parameters:
    """A cooldown of one bar lets every second candidate of a steady rise wait."""

    cooldown_bars: int = 1
    valid_bars: int = 12


class Rising(Strategy):
    """Close above the previous close; half of the score whatever the bar looks like."""

    name = "rising"
    code_version = 1
    needs = ("atr_14",)

    def __init__(
        self,
        asset_classes: tuple[str, ...] = ("crypto", "forex"),
        timeframes: tuple[Timeframe, ...] = TIMEFRAMES,
        on_assess: Callable[[], None] | None = None,
        parameters: Parameters | None = None,
    ) -> None:
        self.asset_classes = asset_classes  # type: ignore[misc]  # one class for many universes
        self.timeframes = timeframes  # type: ignore[misc]
        self.on_assess = on_assess
        self.parameters = parameters or Parameters()

    def propose(self) -> Proposal:
        return Proposal(long=pl.col("close") > previous("close"), short=pl.lit(value=False))

    def assess(self, candidate: Candidate) -> Assessment:
        if self.on_assess:
            self.on_assess()
        body = 1.0 if candidate.row["close"] > candidate.row["open"] else 0.0
        parts = [Component("sure", 50, 1.0), Component("body", 50, body)]
        return Assessment(parts, f"Close {shown(candidate.row['close'])} rose.")
