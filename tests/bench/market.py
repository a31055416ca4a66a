"""Made-up markets for benchmarks: seeded random walks."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl

from signalhub.domain.timeframe import Timeframe

START = datetime(2024, 1, 1, tzinfo=UTC)


def walk(bars: int, timeframe: Timeframe, seed: int) -> pl.DataFrame:
    """Bars in BAR_SCHEMA: a random walk with volume."""
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.004, bars)))
    open_ = np.concatenate(([100.0], close[:-1]))
    spread = np.abs(random.normal(0, 0.002, (2, bars))) * close
    frame = pl.DataFrame(
        {
            "open": open_.round(4),
            "high": (np.maximum(open_, close) + spread[0]).round(4) + 0.0001,
            "low": (np.minimum(open_, close) - spread[1]).round(4) - 0.0001,
            "close": close.round(4),
            "volume": random.lognormal(3, 1, bars).round(3),
        }
    )
    opens = pl.datetime_range(START, START + (bars - 1) * timeframe.span, timeframe.span, time_unit="us", eager=True)
    return frame.select(opens.alias("open_at"), pl.all(), pl.lit(None, pl.Float64).alias("turnover"))
