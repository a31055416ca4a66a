"""Closed bars of an exchange's spot market by REST, through ccxt.

How the venue is asked stands in `ccxt_venue`, what its pages prove in `ccxt_pages`. Nothing is imported or asked before
the first call: ccxt alone takes half a second to import.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

import polars as pl

from signalhub import clock
from signalhub.domain.bar import empty_bars
from signalhub.domain.instrument import InstrumentSpec, Listing
from signalhub.domain.timeframe import Timeframe
from signalhub.errors import FeedRefused, FeedUnavailable
from signalhub.feeds.base import GRACE, Feed, Page, Polled, Wanted, failed, find_in, polled
from signalhub.feeds.ccxt_pages import Answer, Span, Walk
from signalhub.feeds.ccxt_values import among, candles_of, listing_of, most_traded, spec_of, trading
from signalhub.feeds.ccxt_venue import Venue
from signalhub.feeds.side_by_side import side_by_side
from signalhub.settings import Settings

MAJORS = ("BTC", "ETH", "BNB", "SOL", "XRP", "DOGE", "ADA", "TRX", "AVAX", "LINK", "DOT", "LTC")
"""What to follow when the venue does not say what is traded most."""
PAGE = 1000
"""Candles asked for at a time, where the venue gives as many."""
WORKERS = 4
"""Questions of a poll under way at a time: of a venue far away, four answers take the time of one."""
_LISTING_PATIENCE = 3.0
"""Lists of all markets are long: time limits for them."""
_MARKETS_STALE_SECONDS = 600.0
_GIVEN_UP_AFTER = 2 * WORKERS
"""Failures in a row after which a poll asks no more: where all hang, each would cost its time limit."""


class CcxtRest(Feed):
    """One venue of ccxt's. `base_url` sends every call to another host: a proxy, or a double in tests."""

    name: ClassVar[str] = "ccxt"
    is_live: ClassVar[bool] = True

    def __init__(self, venue: str = "binance", base_url: str | None = None, timeout_seconds: float = 8.0) -> None:
        self.venue = venue
        self.base_url = base_url
        self.timeout_seconds = timeout_seconds
        self._asked = Venue(venue, base_url, timeout_seconds)
        self._listed_at: float | None = None

    def configured(self, settings: Settings) -> Feed:
        """The venue of SIGNALHUB_VENUE, at SIGNALHUB_VENUE_URL where that is set."""
        return CcxtRest(settings.venue, settings.venue_url, self.timeout_seconds)

    def instruments(self) -> Sequence[InstrumentSpec]:
        """The most traded pairs; majors where the venue does not tell."""
        return self.top(20)

    def top(self, count: int, report: Callable[[str], None] = lambda _: None) -> list[InstrumentSpec]:
        """The `count` spot pairs with the highest turnover of the last day in the venue's main quote currency.

        Pairs of two dollar coins are left out. Where the venue does not tell its turnover, majors it lists stand in,
        and `report` hears why. Raises: FeedUnavailable.
        """
        markets = trading(self._markets())
        found = most_traded(markets, self._tickers(report))
        if not found:
            found = among(markets, MAJORS)
            report(f"{self.venue} does not tell what is traded most: following majors.")
        return [self._spec(market) for market in found[:count]]

    def listing(self) -> Mapping[str, Listing]:
        """All spot markets: one that the venue lists and does not trade at present is halted."""
        return listing_of(self._markets())

    def find(self, symbol: str) -> InstrumentSpec:
        """The spot market of a symbol that trades at present.

        Raises: NotFound, naming near ones; FeedUnavailable.
        """
        return find_in(map(self._spec, trading(self._markets())), symbol, self.venue)

    def fetch(self, spec: InstrumentSpec, timeframe: Timeframe, since: datetime, until: datetime) -> pl.DataFrame:
        """The closed bars of a window, page by page.

        Guarantees: nothing that closes after now, whatever `until` says: ccxt gives the forming bar as well.
        """
        return pl.concat([empty_bars(), *(page.bars for page in self.pages(spec, timeframe, since, until))])

    def pages(
        self, spec: InstrumentSpec, timeframe: Timeframe, since: datetime, until: datetime, grace: timedelta = GRACE
    ) -> Iterator[Page]:
        """A page for each of the venue's."""
        now = clock.now()
        span = Span(timeframe, timeframe.ceil(since), timeframe.floor(min(until, now)))
        if span.first < span.end:
            self._require(timeframe)
            self._markets(stale_after=None)
            yield from self._walk(spec, span, now, grace)

    def poll(self, wanted: Wanted, timeframe: Timeframe, now: datetime, grace: timedelta = GRACE) -> Iterator[Polled]:
        """What closed since, several instruments at a time; see Feed.poll.

        When all fail, the rest is not asked any more: where a venue hangs, each question would cost its time limit.
        """
        wanted = list(wanted)
        try:
            self._require(timeframe)
            self._markets(stale_after=None)
        except FeedUnavailable as error:
            yield from (failed(spec, error) for spec, _ in wanted)
            return
        yield from side_by_side(wanted, _Poll(self, timeframe, now, grace).ask, WORKERS)

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
            question = "fetch_time" if self._asked.exchange.has.get("fetchTime") else "load_markets"
            answered.append(bool(self._asked.ask("telling the time", lambda exchange: getattr(exchange, question)())))

    def _walk(self, spec: InstrumentSpec, span: Span, now: datetime, grace: timedelta) -> Iterator[Page]:
        ask = partial(self._candles, spec.symbol)
        for page in Walk(ask, span, now, grace, self._page_bars()).pages():
            note = f"{self.venue} {page.note} ({spec.symbol})." if page.note else None
            yield page._replace(note=note)

    def _candles(
        self, symbol: str, timeframe: Timeframe, since: datetime, before: datetime | None, limit: int
    ) -> Answer:
        """Candles as the venue gives them. Raises: FeedRefused, also for bars that are not on our grid."""
        until = {"until": _ms(before) - 1} if before else {}

        def call(exchange: Any) -> list[list[Any]]:
            return candles_of(exchange.fetch_ohlcv(symbol, timeframe.code, _ms(since), limit, until), timeframe)

        told = self._asked.ask(f"giving {timeframe} bars of {symbol}", call)
        return Answer(told.value, told.told_at)

    def _require(self, timeframe: Timeframe) -> None:
        known = self._asked.exchange.timeframes or {}
        if timeframe.code not in known:
            raise FeedRefused(f"{self.venue} has no bars of {timeframe}. It has: {', '.join(known) or 'none'}.")

    def _page_bars(self) -> int:
        spot = (self._asked.exchange.features or {}).get("spot") or {}
        return min(PAGE, (spot.get("fetchOHLCV") or {}).get("limit") or PAGE)

    def _markets(self, stale_after: float | None = _MARKETS_STALE_SECONDS) -> dict[str, Any]:
        """All markets by symbol; listed anew after a while, or never again with None."""
        age = None if self._listed_at is None else clock.stopwatch() - self._listed_at
        if age is None or (stale_after is not None and age > stale_after):
            self._asked.ask(
                "listing its markets", lambda exchange: exchange.load_markets(age is not None), _LISTING_PATIENCE
            )
            self._listed_at = clock.stopwatch()
        return dict(self._asked.exchange.markets)

    def _tickers(self, report: Callable[[str], None]) -> dict[str, Any]:
        """Turnovers; none where the venue refuses to tell. Trouble on the way is no refusal."""
        if not self._asked.exchange.has.get("fetchTickers"):
            return {}
        try:
            told = self._asked.ask("telling its turnover", lambda exchange: exchange.fetch_tickers(), _LISTING_PATIENCE)
            return dict(told.value)
        except FeedRefused as error:
            report(str(error))
            return {}

    def _spec(self, market: Any) -> InstrumentSpec:
        return spec_of(market, self.venue, self._asked.exchange.precisionMode)


class _Poll:
    """One poll: asks for one instrument after the other, and gives up where none answers."""

    def __init__(self, feed: CcxtRest, timeframe: Timeframe, now: datetime, grace: timedelta) -> None:
        self.feed, self.timeframe, self.now, self.grace = feed, timeframe, now, grace
        self.failures = 0
        """In a row."""

    def ask(self, item: tuple[InstrumentSpec, datetime]) -> Iterator[Polled]:
        """What closed since. Raises nothing."""
        spec, since = item
        try:
            yield from self._ask(spec, since)
        except Exception as error:  # an answer nobody thought of costs one instrument, not the poll
            line = f"{self.feed.venue} gave {spec.symbol} in a way we cannot read: {type(error).__name__}: {error}"
            yield failed(spec, FeedUnavailable(" ".join(line.split())[:240]))

    def _ask(self, spec: InstrumentSpec, since: datetime) -> Iterator[Polled]:
        end = self.timeframe.floor(self.now)
        if self.failures >= _GIVEN_UP_AFTER:
            yield failed(
                spec, FeedUnavailable(f"{self.feed.venue} was not asked for {spec.symbol}: it does not answer.")
            )
            return
        span = Span(self.timeframe, self.timeframe.ceil(since), end)
        for found in polled(spec, self.feed._walk(spec, span, self.now, self.grace), min(since, end)):
            yield found
            is_trouble = found.error is not None and not isinstance(found.error, FeedRefused)
            self.failures = self.failures + 1 if is_trouble else 0


def _ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


FEED = CcxtRest()
