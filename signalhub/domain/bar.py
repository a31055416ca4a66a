"""Bars: the shape in which OHLCV data walks through the house."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

from signalhub.domain.timeframe import Timeframe

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

# Each price on its own: the least and the greatest of several pass over NaN.
CAN_BE = (
    pl.all_horizontal(pl.col(PRICES).is_finite())
    & (pl.min_horizontal(PRICES) == pl.col("low"))
    & (pl.max_horizontal(PRICES) == pl.col("high"))
    & (pl.col("low") > 0)
    & (pl.col("volume") >= 0)
    & pl.col("volume").is_finite()
).fill_null(value=False)
"""Whether prices and volume of a row are numbers that do not contradict each other."""
_TURNOVER_CAN_BE = pl.col("turnover").is_null() | ((pl.col("turnover") >= 0) & pl.col("turnover").is_finite())


def empty_bars() -> pl.DataFrame:
    """No bars, in the right shape."""
    return pl.DataFrame(schema=BAR_SCHEMA)


def usable(bars: pl.DataFrame, timeframe: Timeframe, now: datetime) -> pl.DataFrame:
    """Those rows that are bars: numbers that can be, on the grid, closed by `now`; of several of one open the last.

    Shape: BAR_SCHEMA with or without instrument_id and more; what is in order comes back as it is. Feeds judge for
    themselves; this is for what a feed has missed, since one bad row in the store would spoil all that hangs on it.
    """
    is_on_grid = pl.col("open_at").dt.epoch("us") % (timeframe.seconds * 1_000_000) == 0
    is_closed = pl.col("open_at") <= pl.lit((now - timeframe.span).astimezone(UTC), OPEN_AT)
    good = bars.filter(CAN_BE & _TURNOVER_CAN_BE & (is_on_grid & is_closed).fill_null(value=False))
    key = [name for name in ("instrument_id", "open_at") if name in bars.columns]
    if not _ascend(good, key) and good.select(key).is_duplicated().any():
        good = good.unique(key, keep="last").sort(key)
    return bars if good.height == bars.height else good


def _ascend(bars: pl.DataFrame, key: Sequence[str]) -> bool:
    """Whether each row's key is greater than the one before: mostly so, and cheaper to see than that none is twice."""
    open_at = pl.col("open_at") > pl.col("open_at").shift()
    if len(key) > 1:
        before = pl.col("instrument_id").shift()
        open_at = (pl.col("instrument_id") > before) | ((pl.col("instrument_id") == before) & open_at)
    return bool(bars.select(open_at.all()).item())
