"""What ccxt gives, in our words: markets become instruments, candles become bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from signalhub.domain.bar import CAN_BE, OPEN_AT, PRICES, empty_bars
from signalhub.domain.instrument import InstrumentSpec, Listing
from signalhub.domain.timeframe import Timeframe
from signalhub.errors import FeedRefused

DECIMAL_PLACES, TICK_SIZE = 2, 4
"""ccxt's precision modes; the third, significant digits, tells no price step."""

STABLE = frozenset({"USDT", "USDC", "FDUSD", "TUSD", "USDP", "BUSD", "DAI", "USDE", "USD1", "PYUSD", "USDS", "RLUSD"})
"""Coins that stand for a dollar: their pairs in dollars are traded most and move least."""
QUOTES = ("USDT", "USD", "USDC", "EUR")
"""Quote currencies to follow, of which each venue prefers another."""

_CANDLE = ("ms", *PRICES, "volume")


def trading(markets: Mapping[str, Any]) -> list[Any]:
    """The spot markets that trade at present: a delisted or halted one is none."""
    return [market for market in markets.values() if market.get("spot") and market.get("active") is not False]


def listing_of(markets: Mapping[str, Any]) -> dict[str, Listing]:
    """Symbol → status of every spot market. Venues do not tell a halt from a delisting while they name the market."""
    spot = [market for market in markets.values() if market.get("spot")]
    return {market["symbol"]: Listing.HALTED if market.get("active") is False else Listing.LISTED for market in spot}


def most_traded(markets: Sequence[Any], tickers: Mapping[str, Any]) -> list[Any]:
    """The markets in the venue's main quote currency, highest turnover of the last day first.

    Coins that stand for dollars are left out. Empty where the tickers tell no turnover.
    """
    turnovers = {market["symbol"]: turnover(tickers.get(market["symbol"])) for market in markets}
    totals = {quote: sum(turnovers[item["symbol"]] for item in _quoted_in(markets, quote)) for quote in QUOTES}
    main = max(QUOTES, key=lambda quote: totals[quote])
    ours = _quoted_in(markets, main) if totals[main] > 0 else []
    return sorted(ours, key=lambda market: (-turnovers[market["symbol"]], market["symbol"]))


def among(markets: Sequence[Any], bases: Sequence[str]) -> list[Any]:
    """The markets of these base currencies, in their order, in the first quote currency that has some."""
    for quote in QUOTES:
        by_base = {market.get("base"): market for market in _quoted_in(markets, quote)}
        found = [by_base[base] for base in bases if base in by_base]
        if found:
            return found
    return []


def _quoted_in(markets: Sequence[Any], quote: str) -> list[Any]:
    return [market for market in markets if market.get("quote") == quote and market.get("base") not in STABLE]


def spec_of(market: Mapping[str, Any], venue: str, precision_mode: int) -> InstrumentSpec:
    """The instrument of a ccxt market."""
    tick = tick_of((market.get("precision") or {}).get("price"), precision_mode)
    return InstrumentSpec(market["symbol"], venue, "crypto", tick)


def tick_of(precision: float | None, precision_mode: int) -> Decimal | None:
    """The price step, which venues tell as such or as a number of decimal places."""
    if precision is None or precision_mode not in (TICK_SIZE, DECIMAL_PLACES):
        return None
    return Decimal(str(precision)) if precision_mode == TICK_SIZE else Decimal(1).scaleb(-int(precision))


def candles_of(answer: Any, timeframe: Timeframe) -> list[list[Any]]:
    """ccxt's candles, ascending.

    Raises: ValueError for what is no list of candles with times; FeedRefused for bars that do not open on our grid.
    """
    if not isinstance(answer, list) or not all(isinstance(candle, list) and len(candle) >= 6 for candle in answer):
        raise ValueError("an answer that is no list of candles")
    if any(candle[0] is None for candle in answer):
        raise ValueError("candles without a time")
    candles = sorted(answer, key=lambda candle: candle[0])
    for candle in candles:
        if candle[0] % (timeframe.seconds * 1000):
            raise FeedRefused(f"its {timeframe} bars open at {instant_of(candle[0]):%H:%M:%S} UTC, not on our grid")
    return candles


def bars_of(candles: Sequence[Sequence[Any]], since: datetime, until: datetime) -> tuple[pl.DataFrame, int]:
    """The candles with `since <= open_at < until` as bars; ccxt knows no turnover. And how many are no bars.

    Shape: BAR_SCHEMA, ascending, unique. A candle without a price, or whose prices contradict each other, is no bar.
    """
    if not candles:
        return empty_bars(), 0
    page = pl.DataFrame([candle[: len(_CANDLE)] for candle in candles], schema=list(_CANDLE), orient="row")
    bars = page.select(
        pl.from_epoch(pl.col("ms").cast(pl.Int64), time_unit="ms")
        .dt.replace_time_zone("UTC")
        .cast(OPEN_AT)
        .alias("open_at"),
        pl.col(PRICES).cast(pl.Float64),
        pl.col("volume").cast(pl.Float64).fill_null(0.0),
        pl.lit(None, pl.Float64).alias("turnover"),
    ).filter(pl.col("open_at").is_between(since, until, closed="left"))
    usable = bars.filter(CAN_BE).unique("open_at", keep="last").sort("open_at")
    return usable, bars["open_at"].n_unique() - usable.height


def instant_of(milliseconds: float) -> datetime:
    """The instant of an epoch in milliseconds."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def turnover(ticker: Mapping[str, Any] | None) -> float:
    """What was traded in the last day, in quote currency; 0 where the ticker does not tell."""
    told = ticker or {}
    quoted = told.get("quoteVolume") or (told.get("baseVolume") or 0) * (told.get("last") or 0)
    return float(quoted or 0)
