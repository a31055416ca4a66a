"""What the loopback exchange trades: markets whose candles are a pure function of seed, market and time.

Shapes are those of Binance's spot REST API, as recorded from its documentation; prices are made up.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import Any

SPANS = {"1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14400, "1d": 86400}
BORN = 1_600_000_000
"""The exchange's first day in epoch seconds: before it there are no bars."""
# period in seconds, share of the price
_WAVES = ((420, 0.0012), (2_400, 0.004), (11_000, 0.009), (40_000, 0.015), (260_000, 0.03), (2_500_000, 0.08))
_MAJORS = ("BTC", "ETH", "BNB", "SOL", "XRP", "DOGE", "ADA", "TRX", "AVAX", "LINK", "DOT", "LTC")


@dataclass(frozen=True)
class Listed:
    """A market of the exchange."""

    id: str
    base: str
    quote: str = "USDT"
    step: str = "0.01000000"
    turnover: str = "1000"
    """Of the last day."""
    status: str = "TRADING"
    born: int = BORN
    trades_every: int = 1
    """Minutes between two minutes with a trade; those between have no bar, unlike Binance's."""
    anchor: float = 100.0

    def trades(self, open_second: int, span: int) -> bool:
        """Whether a bar has a trade in it."""
        every = self.trades_every * 60
        return -(-open_second // every) * every < open_second + span


MARKETS = (
    Listed("BTCUSDT", "BTC", turnover="900000"),
    Listed("ETHUSDT", "ETH", turnover="950000"),
    Listed("PEPEUSDT", "PEPE", step="0.00000001", turnover="70000", anchor=0.01),
    Listed("USDCUSDT", "USDC", step="0.00010000", turnover="99999999", anchor=1.0),
    Listed("ETHBTC", "ETH", "BTC", "0.00001000", "99", anchor=0.05),
    Listed("LUNAUSDT", "LUNA", step="0.00010000", turnover="99999999", status="BREAK"),
)
"""Two pairs in dollars that are traded most, one of small coins, two dollar coins, one in bitcoin, one delisted."""


def many(count: int) -> tuple[Listed, ...]:
    """So many markets in USDT, the majors first."""
    bases = [*_MAJORS, *(f"T{number:03}" for number in range(len(_MAJORS), count))][:count]
    return tuple(
        Listed(f"{base}USDT", base, turnover=str(1_000_000 - 1000 * number), anchor=200.0 + 70 * number)
        for number, base in enumerate(bases)
    )


@dataclass(frozen=True)
class Tape:
    """Prices and volumes of all markets."""

    seed: int = 7

    def candle(self, market: Listed, open_second: int, span: int, now: float) -> list[Any]:
        """A kline as it stands at `now`: forming before its close, final from then on."""
        until = min(open_second + span, now)
        first, last = self._price(market, open_second), self._price(market, until)
        inner = [self._price(market, open_second + (until - open_second) * share) for share in (0.25, 0.5, 0.75)]
        share = (until - open_second) / span
        volume = share * (5 + 60 * self._chance(market, open_second, "volume") ** 4) * span / 60
        texts = [
            self._text(market, value) for value in (first, max(first, last, *inner), min(first, last, *inner), last)
        ]
        close_ms, count = (open_second + span) * 1000 - 1, round(volume * 3)
        turnover = f"{volume * last:.8f}"
        return [open_second * 1000, *texts, f"{volume:.4f}", close_ms, turnover, count, "1.0", "1.0", "0"]

    def _price(self, market: Listed, second: float) -> float:
        swing = sum(
            share * math.sin(2 * math.pi * second / period + 7 * self._chance(market, period, "phase"))
            for period, share in _WAVES
        )
        return market.anchor * math.exp(swing + 0.0008 * self._chance(market, int(second) // 20, "noise"))

    def _chance(self, market: Listed, number: int, what: str) -> float:
        return zlib.crc32(f"{self.seed} {market.id} {what} {number}".encode()) / 2**32

    @staticmethod
    def _text(market: Listed, value: float) -> str:
        step = float(market.step)
        return f"{max(step, round(value / step) * step):.8f}"


def market_info(market: Listed) -> dict[str, Any]:
    """The market in exchangeInfo."""
    return {
        "symbol": market.id,
        "status": market.status,
        "baseAsset": market.base,
        "quoteAsset": market.quote,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "permissions": ["SPOT"],
        "permissionSets": [["SPOT"]],
        "orderTypes": ["LIMIT", "MARKET"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": market.step, "maxPrice": "1000000.0", "tickSize": market.step},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.0", "stepSize": "0.00001"},
        ],
    }
