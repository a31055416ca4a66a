"""Shares that were split: the same market in raw bars, and the splits recorded as an import does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from signalhub.bars import instruments, splits
from signalhub.bars.splits import Recorded
from signalhub.db.connection import Connection
from signalhub.domain.split import Split, SplitDay
from signalhub.feeds.factor_files import FactorFile
from tests.market import NEXT_YEAR

FIRST_DAY, LAST_DAY = date(2024, 1, 1), date(2024, 12, 31)


def factor_file(*made: Split, first_day: date = FIRST_DAY, last_day: date = LAST_DAY) -> FactorFile:
    """A file that tells of these splits; on a market that never closes they take effect the day after."""
    days = tuple(SplitDay((split.effective_at - timedelta(days=1)).date(), split.ratio) for split in made)
    return FactorFile(Path("factors.csv"), first_day, last_day, days, 0)


def record(connection: Connection, symbol: str, *made: Split, is_sure: bool = True) -> Recorded:
    """Records the splits of 2024 of an instrument."""
    instrument = instruments.find(connection, symbol)
    return splits.record(connection, instrument, factor_file(*made), NEXT_YEAR, is_sure=is_sure)


def shares(made: Sequence[Split], at: datetime) -> float:
    """How many shares one of the beginning is at an instant."""
    held = 1.0
    for split in made:
        held *= split.ratio if split.effective_at <= at else 1.0
    return held


def as_raw(bars: pl.DataFrame, made: Sequence[Split], instrument_id: int) -> pl.DataFrame:
    """The bars of a share that was never split, as those of one that was: exact for ratios that are powers of two."""
    held = pl.Series([shares(made, at) for at in bars["open_at"]])
    prices = [pl.col(name) / held for name in ("open", "high", "low", "close")]
    return bars.with_columns(*prices, volume=pl.col("volume") * held, instrument_id=pl.lit(instrument_id, pl.Int64))
