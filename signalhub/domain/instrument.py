"""Instruments: what can be traded, by which public symbol, at which venue."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

ASSET_CLASSES = ("crypto", "equity", "forex", "commodity", "index")

DEFAULT_CALENDARS = {"crypto": "24/7", "forex": "24/5", "commodity": "24/5", "equity": "XNYS", "index": "XNYS"}
"""The trading calendar an instrument follows unless it says otherwise."""

_QUOTES = (
    *("FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USD", "EUR", "GBP", "JPY", "CHF", "AUD", "CAD", "NZD"),
    *("TRY", "BRL", "BTC", "ETH", "BNB", "XBT"),
)
_SHORTEST_BASE = {"BUSD": 3, "TUSD": 3}
"""DOTUSD and BNBUSD are coins in dollars, not DO in TUSD and BN in BUSD. Other quotes: two letters."""
_FIAT = {"USD", "EUR", "GBP", "JPY", "CHF", "AUD", "CAD", "NZD", "SEK", "NOK", "MXN", "ZAR", "SGD", "HKD", "CNH"}
_METALS = {"XAU", "XAG", "XPT", "XPD"}


class Listing(StrEnum):
    """What a venue does with an instrument. Halted: it is listed and does not trade for a while."""

    LISTED = "listed"
    HALTED = "halted"
    DELISTED = "delisted"


@dataclass(frozen=True)
class InstrumentSpec:
    """An instrument as a feed or a file describes it, before it has a row of ours."""

    symbol: str
    venue: str
    asset_class: str
    tick_size: Decimal | None = None
    calendar: str | None = None
    is_simulated: bool = False

    @property
    def trading_calendar(self) -> str:
        """`24/7`, `24/5` or an exchange code of exchange_calendars such as `XNYS`."""
        return self.calendar or DEFAULT_CALENDARS[self.asset_class]

    @property
    def quote(self) -> str | None:
        """The quote currency of a pair, else None."""
        return self.symbol.partition("/")[2] or None


def split_pair(text: str) -> str:
    """`BTCUSDT` → `BTC/USDT`: split at a known quote currency; what has none, or a slash already, stays as it is.

    A tail such as `_PERP` is kept, since it is another instrument: `BTCUSDT_PERP` → `BTC/USDT_PERP`.
    """
    stem, underscore, tail = text.upper().partition("_")
    for quote in () if "/" in stem else _QUOTES:
        base = stem.removesuffix(quote)
        if base != stem and len(base) >= _SHORTEST_BASE.get(quote, 2):
            return f"{base}/{quote}{underscore}{tail}"
    return text.upper()


def guess_asset_class(symbol: str) -> str:
    """The asset class a symbol looks like: two fiat codes are forex, a metal is a commodity, a pair crypto."""
    base, slash, quote = symbol.partition("/")
    if not slash:
        return "equity"
    if base in _METALS:
        return "commodity"
    return "forex" if base in _FIAT and quote in _FIAT else "crypto"
