"""Closed bars of an exchange's spot market by REST, through ccxt.

Nothing is imported or asked before the first call: ccxt alone takes half a second to import.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlsplit

import polars as pl

from signalhub import clock
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import Timeframe
from signalhub.errors import FeedUnavailable
from signalhub.feeds.base import Feed
from signalhub.feeds.ccxt_values import bars_of, instant_of, most_traded, spec_of

MAJORS = ("BTC", "ETH", "BNB", "SOL", "XRP", "DOGE", "ADA", "TRX", "AVAX", "LINK", "DOT", "LTC")
"""What to follow when the venue does not say what is traded most."""
QUOTE = "USDT"
PAGE = 1000
_PAUSES_SECONDS = (0.2, 0.6)
"""How long to wait after the first and the second failure; the third is final."""


class CcxtRest(Feed):
    """One venue of ccxt's. `base_url` sends every call to another host, which tests use."""

    name: ClassVar[str] = "ccxt"
    is_live: ClassVar[bool] = True

    def __init__(self, venue: str = "binance", base_url: str | None = None, timeout_seconds: float = 4.0) -> None:
        self.venue = venue
        self.base_url = base_url
        self.timeout_seconds = timeout_seconds

    def instruments(self) -> Sequence[InstrumentSpec]:
        """The most traded pairs; the fixed list of majors when the venue does not tell."""
        try:
            return self.top(20)
        except FeedUnavailable:
            return [InstrumentSpec(f"{base}/{QUOTE}", self.venue, "crypto") for base in MAJORS]

    def top(self, count: int) -> list[InstrumentSpec]:
        """The `count` spot pairs in USDT with the highest turnover of the last day, with their tick sizes.

        Raises: FeedUnavailable.
        """
        markets = self._ask("listing its markets", self._exchange.load_markets)
        tickers = self._ask("telling its turnover", self._exchange.fetch_tickers)
        mode = self._exchange.precisionMode
        return [spec_of(market, self.venue, mode) for market in most_traded(markets, tickers, QUOTE)[:count]]

    def fetch(self, spec: InstrumentSpec, timeframe: Timeframe, since: datetime, until: datetime) -> pl.DataFrame:
        """The closed bars of a window, page by page.

        Guarantees: nothing that closes after now, whatever `until` says: ccxt gives the forming bar as well.
        """
        if timeframe.code not in (self._exchange.timeframes or {}):
            raise FeedUnavailable(f"{self.venue} has no bars of {timeframe}.")
        first, end = timeframe.ceil(since), timeframe.floor(min(until, clock.now()))
        rows: list[list[float]] = []
        while first < end:
            page = self._page(spec.symbol, timeframe, first)
            if not page or instant_of(page[-1][0]) < first:
                break
            rows += page
            first = instant_of(page[-1][0]) + timeframe.span
        return bars_of(rows, timeframe.ceil(since), end)

    def answers(self, within_seconds: float) -> bool:
        """Whether the venue tells the time. Returns in time even where name look-up or connecting hangs."""
        answered: list[bool] = []
        probe = CcxtRest(self.venue, self.base_url, within_seconds)
        asking = threading.Thread(target=probe._probe, args=(answered,), daemon=True)
        asking.start()
        asking.join(within_seconds)
        return any(answered)

    def _probe(self, answered: list[bool]) -> None:
        with suppress(Exception):  # whatever goes wrong means "no", and nobody listens to this thread
            question = "fetch_time" if self._exchange.has.get("fetchTime") else "load_markets"
            answered.append(bool(self._ask("telling the time", getattr(self._exchange, question))))

    @cached_property
    def _exchange(self) -> Any:
        import ccxt

        if self.venue not in ccxt.exchanges:
            raise FeedUnavailable(f"ccxt knows no venue {self.venue!r}. Try binance, kraken or coinbase.")
        options = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}
        exchange = getattr(ccxt, self.venue)({"enableRateLimit": True, "options": options})
        if self.base_url:
            exchange.urls["api"] = _moved(exchange.urls["api"], self.base_url)
        return exchange

    def _page(self, symbol: str, timeframe: Timeframe, first: datetime) -> list[list[float]]:
        since, exchange = round(first.timestamp() * 1000), self._exchange
        what = f"giving {timeframe} bars of {symbol}"
        self._ask("listing its markets", exchange.load_markets)
        page = self._ask(what, lambda: exchange.fetch_ohlcv(symbol, timeframe.code, since=since, limit=PAGE))
        return list(page)

    def _ask(self, what: str, call: Callable[[], Any]) -> Any:
        """What the venue answers. Trouble on the way is tried again, within one time-out for all attempts."""
        from ccxt import NetworkError

        deadline, pauses = clock.stopwatch() + self.timeout_seconds, iter(_PAUSES_SECONDS)
        while True:
            self._exchange.timeout = max(1, round((deadline - clock.stopwatch()) * 1000))
            try:
                return call()
            except Exception as error:  # ccxt trips in many ways over an answer that is not data
                pause = next(pauses, self.timeout_seconds)
                if not isinstance(error, NetworkError) or clock.stopwatch() + pause >= deadline:
                    raise FeedUnavailable(f"{self.venue} failed at {what}: {_brief(error)}") from error
            time.sleep(pause)


def _moved(urls: Any, base_url: str) -> Any:
    """The same addresses on another host."""
    if isinstance(urls, dict):
        return {key: _moved(url, base_url) for key, url in urls.items()}
    return base_url + urlsplit(urls).path if isinstance(urls, str) else urls


def _brief(error: Exception) -> str:
    line = " ".join(str(error).split()) or "no answer"
    return f"{type(error).__name__}: {line[:160]}"


FEED = CcxtRest()
