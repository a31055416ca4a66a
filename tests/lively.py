"""Made-up bars with trends, quiet spells and bursts of volume, so that strategies find something to propose."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from signalhub.domain.timeframe import Timeframe
from tests.market import SCHEMA

_TICK = 0.01


def lively_bars(
    seed: int, instrument_id: int, start: datetime, timeframe: Timeframe, count: int, *, has_volume: bool = True
) -> pl.DataFrame:
    """`count` bars without a gap, prices on the tick, in the shape ingest takes."""
    rng = np.random.default_rng(seed)
    drift = np.repeat(rng.normal(0, 0.25, count // 25 + 1), 25)[:count]
    wild = np.repeat(rng.choice([0.4, 1.0, 2.2], count // 30 + 1), 30)[:count]
    moves = (drift + rng.normal(0, 1, count)) * wild * 0.003
    closes = _on_tick(100 * np.exp(np.cumsum(moves)))
    opens = np.concatenate([[100.0], closes[:-1]])
    ups, downs = (np.abs(rng.normal(0, 0.001, count)) * closes for _ in range(2))
    volume = np.round(np.exp(rng.normal(0, 0.3, count)) * (1 + 400 * np.abs(moves)) * 10, 2)
    return pl.DataFrame(
        {
            "instrument_id": np.full(count, instrument_id),
            "open_at": [start + index * timeframe.span for index in range(count)],
            "open": opens,
            "high": _on_tick(np.maximum(opens, closes) + ups),
            "low": _on_tick(np.minimum(opens, closes) - downs),
            "close": closes,
            "volume": volume if has_volume else np.zeros(count),
            "turnover": None,
        },
        schema=SCHEMA,
    )


def _on_tick(prices: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.round(np.round(prices / _TICK) * _TICK, 2)
