"""Bars: the shape in which OHLCV data walks through the house."""

from __future__ import annotations

import polars as pl

OPEN_AT = pl.Datetime("us", "UTC")

BAR_SCHEMA: dict[str, pl.DataType] = {
    "open_at": OPEN_AT,
    "open": pl.Float64(),
    "high": pl.Float64(),
    "low": pl.Float64(),
    "close": pl.Float64(),
    "volume": pl.Float64(),
    "turnover": pl.Float64(),
}
"""One row per bar of one instrument. Prices in quote currency, volume in base units, turnover (nullable) in
quote currency; `open_at` is the bar's open, UTC."""

PRICES = ("open", "high", "low", "close")


def empty_bars() -> pl.DataFrame:
    """No bars, in the right shape."""
    return pl.DataFrame(schema=BAR_SCHEMA)
