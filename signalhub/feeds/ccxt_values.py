"""What ccxt gives, in our words: markets become instruments, candles become bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from signalhub.domain.bar import OPEN_AT, PRICES, empty_bars
from signalhub.domain.instrument import InstrumentSpec

DECIMAL_PLACES, TICK_SIZE = 2, 4
"""ccxt's precision modes; the third, significant digits, tells no price step."""

_CANDLE = ("ms", *PRICES, "volume")


def most_traded(markets: Mapping[str, Any], tickers: Mapping[str, Any], quote: str) -> list[Any]:
    """The spot markets of a quote currency that trade at present, highest turnover of the last day first."""
    ours = [market for market in markets.values() if _is_trading_spot(market) and market.get("quote") == quote]
    return sorted(ours, key=lambda market: -_turnover(tickers.get(market["symbol"])))


def spec_of(market: Mapping[str, Any], venue: str, precision_mode: int) -> InstrumentSpec:
    """The instrument of a ccxt market."""
    tick = tick_of((market.get("precision") or {}).get("price"), precision_mode)
    return InstrumentSpec(market["symbol"], venue, "crypto", tick)


def tick_of(precision: float | None, precision_mode: int) -> Decimal | None:
    """The price step, which venues tell as such or as a number of decimal places."""
    if precision is None or precision_mode not in (TICK_SIZE, DECIMAL_PLACES):
        return None
    return Decimal(str(precision)) if precision_mode == TICK_SIZE else Decimal(1).scaleb(-int(precision))


def bars_of(candles: Sequence[Sequence[float | None]], since: datetime, until: datetime) -> pl.DataFrame:
    """The candles with `since <= open_at < until` as bars; ccxt knows no turnover.

    Shape: BAR_SCHEMA, ascending, unique. A candle without a price is no bar.
    """
    if not candles:
        return empty_bars()
    page = pl.DataFrame([candle[: len(_CANDLE)] for candle in candles], schema=list(_CANDLE), orient="row")
    bars = page.select(
        pl.from_epoch("ms", time_unit="ms").dt.replace_time_zone("UTC").cast(OPEN_AT).alias("open_at"),
        pl.col(PRICES).cast(pl.Float64),
        pl.col("volume").cast(pl.Float64).fill_null(0.0),
        pl.lit(None, pl.Float64).alias("turnover"),
    )
    within = pl.col("open_at").is_between(since, until, closed="left")
    return bars.filter(within).drop_nulls(PRICES).unique("open_at", keep="last").sort("open_at")


def instant_of(milliseconds: float) -> datetime:
    """The instant of an epoch in milliseconds."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _is_trading_spot(market: Mapping[str, Any]) -> bool:
    return bool(market.get("spot")) and market.get("active") is not False


def _turnover(ticker: Mapping[str, Any] | None) -> float:
    return float((ticker or {}).get("quoteVolume") or 0.0)
