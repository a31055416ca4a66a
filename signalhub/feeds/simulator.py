"""The built-in market: twenty instruments that behave like real ones and are none.

For demonstrations and tests without a network. Symbols begin with `SIM:`, the venue is `simulator`, and every
instrument carries `is_simulated`, so that no statistic mixes them with real ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

import polars as pl

from signalhub.domain.bar import BAR_SCHEMA, empty_bars
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import M1, Timeframe
from signalhub.errors import NotFound
from signalhub.feeds.base import Feed
from signalhub.feeds.market_model import Market, minute_bars

VENUE = "simulator"
DEFAULT_SEED = 7

# symbol, asset class, anchor price, volatility a year, tick, volume of an ordinary minute, lot
_ROWS = (
    ("BTC/USDT", "crypto", 60_000.0, 0.60, "0.01", 12.0, 0.00001),
    ("ETH/USDT", "crypto", 3_000.0, 0.70, "0.01", 160.0, 0.0001),
    ("SOL/USDT", "crypto", 140.0, 0.90, "0.01", 3_000.0, 0.001),
    ("XRP/USDT", "crypto", 0.60, 0.80, "0.0001", 300_000.0, 0.1),
    ("ADA/USDT", "crypto", 0.45, 0.80, "0.0001", 200_000.0, 0.1),
    ("DOGE/USDT", "crypto", 0.15, 0.95, "0.00001", 900_000.0, 1.0),
    ("LINK/USDT", "crypto", 15.0, 0.85, "0.001", 9_000.0, 0.01),
    ("LTC/USDT", "crypto", 80.0, 0.70, "0.01", 1_200.0, 0.001),
    ("EUR/USD", "forex", 1.09, 0.075, "0.00001", 90.0, 1.0),
    ("GBP/USD", "forex", 1.27, 0.085, "0.00001", 80.0, 1.0),
    ("USD/JPY", "forex", 145.0, 0.095, "0.001", 95.0, 1.0),
    ("AUD/USD", "forex", 0.66, 0.10, "0.00001", 60.0, 1.0),
    ("USD/CHF", "forex", 0.89, 0.08, "0.00001", 50.0, 1.0),
    ("XAU/USD", "commodity", 2_100.0, 0.15, "0.01", 140.0, 0.01),
    ("XAG/USD", "commodity", 25.0, 0.28, "0.001", 4_000.0, 0.1),
    ("AAPL", "equity", 190.0, 0.28, "0.01", 60_000.0, 1.0),
    ("MSFT", "equity", 400.0, 0.26, "0.01", 25_000.0, 1.0),
    ("NVDA", "equity", 110.0, 0.48, "0.01", 250_000.0, 1.0),
    ("TSLA", "equity", 230.0, 0.55, "0.01", 110_000.0, 1.0),
    ("SPX", "index", 5_000.0, 0.17, "0.25", 5_000.0, 1.0),
)
MARKETS: tuple[Market, ...] = tuple(
    Market(f"SIM:{symbol}", kind, anchor, volatility, Decimal(tick), volume, lot)
    for symbol, kind, anchor, volatility, tick, volume, lot in _ROWS
)


class Simulator(Feed):
    """Seeded markets: the same seed gives the same bars on every call, for every window and timeframe."""

    name: ClassVar[str] = VENUE
    is_live: ClassVar[bool] = True
    venue = VENUE

    def __init__(self, seed: int = DEFAULT_SEED) -> None:
        self.seed = seed
        self._markets = {market.symbol: market for market in MARKETS}

    def instruments(self) -> Sequence[InstrumentSpec]:
        """Crypto around the clock; forex, commodities, equities and indices around the clock on weekdays."""
        return [_spec(market) for market in MARKETS]

    def fetch(self, spec: InstrumentSpec, timeframe: Timeframe, since: datetime, until: datetime) -> pl.DataFrame:
        """The closed bars of a window; those coarser than 1m are made of the 1m ones.

        Raises: NotFound when the simulator has no such instrument.
        """
        market = self._markets.get(spec.symbol)
        if market is None:
            raise NotFound(f"The simulator has no {spec.symbol}. It has: {', '.join(self._markets)}.")
        first, end = timeframe.ceil(since), timeframe.floor(until)
        if first >= end:
            return empty_bars()
        minutes = minute_bars(self.seed, market, first, end)
        return minutes if timeframe == M1 else _aggregated(minutes, timeframe, market)


def _spec(market: Market) -> InstrumentSpec:
    calendar = "24/7" if market.is_always_open else "24/5"
    return InstrumentSpec(market.symbol, VENUE, market.asset_class, market.tick, calendar, is_simulated=True)


def _aggregated(minutes: pl.DataFrame, timeframe: Timeframe, market: Market) -> pl.DataFrame:
    """Bars of a coarser timeframe: open first, high max, low min, close last, amounts summed."""
    bars = minutes.group_by(pl.col("open_at").dt.truncate(timeframe.code), maintain_order=True).agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum().round(8),
        pl.col("turnover").sum().round(6),
    )
    if not market.has_turnover:
        bars = bars.with_columns(pl.lit(None, pl.Float64).alias("turnover"))
    return bars.select(*BAR_SCHEMA)


FEED = Simulator()
