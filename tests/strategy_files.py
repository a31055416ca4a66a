"""Strategies in files of somebody's own: an honest one, and what one can make of it."""

from __future__ import annotations

from pathlib import Path

HONEST = "(pl.col('close') > pl.col('ema_21')) & (previous('close') <= previous('ema_21'))"
_FILE = """
from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from signalhub.strategies.base import Assessment, Candidate, Component, Proposal, Strategy, previous, unit
{imports}

@dataclass(frozen=True)
class Parameters:
    stop_atr: float = 1.0


class Mine(Strategy):
    name = "mine"
    code_version = 1
    needs = ("ema_21", "atr_14", "rsi_14")
    asset_classes = ("crypto", "forex")

    def __init__(self, parameters: Parameters | None = None) -> None:
        self.parameters = parameters or Parameters()
        self.asked = 0

    def propose(self) -> Proposal:
        close, by = pl.col("close"), "instrument_id"
        return Proposal(long={long}, short={short})

    def assess(self, candidate: Candidate) -> Assessment:
        row = candidate.row
        self.asked += 1
        return Assessment([Component("trend", 100, {value})], f"Close {{row['close']}} over EMA 21.")


STRATEGY = Mine()
"""
VALUE = "unit(row['rsi_14'], 30.0, 80.0)"


def strategy_file(
    folder: Path,
    long: str = HONEST,
    short: str = "pl.lit(value=False)",
    value: str = VALUE,
    imports: str = "",
    name: str = "mine.py",
) -> Path:
    """A file that declares a strategy, outside the package."""
    path = folder / name
    path.write_text(_FILE.format(long=long, short=short, value=value, imports=imports), encoding="utf-8")
    return path
