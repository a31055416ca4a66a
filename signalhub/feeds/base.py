"""The contract of a feed: an adapter that lists instruments and yields closed bars.

A feed module declares `FEED`, an instance of a subclass of Feed. It writes nothing: what it yields goes to
`bars.ingest`, together with the watermark it vouches for.
"""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, NamedTuple

import polars as pl

from signalhub.domain.bar import empty_bars
from signalhub.domain.instrument import InstrumentSpec, Listing
from signalhub.domain.timeframe import Timeframe
from signalhub.errors import FeedRefused, FeedUnavailable, NotFound
from signalhub.settings import Settings

GRACE = timedelta(seconds=3)
"""How long after a close a venue may take to show its bar, unless the caller says otherwise."""
CHUNK_BARS = 5000
"""How many bars of history a feed without pages of its own yields at a time."""

Wanted = Iterable[tuple[InstrumentSpec, datetime]]
"""Instruments, each with the instant up to which its bars are known already: its watermark."""


class Page(NamedTuple):
    """A stretch of history: whatever the feed has from the page before up to `through`."""

    bars: pl.DataFrame
    """domain.bar.BAR_SCHEMA, ascending, unique, all with `close_at <= through`."""
    through: datetime
    """Everything before this instant was obtained: the watermark that may be stored with the bars."""
    note: str | None = None
    """One line about bars that the venue does not give at all, such as those before its oldest."""


class Polled(NamedTuple):
    """What a poll found for one instrument. Several may come for one that has much to catch up."""

    spec: InstrumentSpec
    bars: pl.DataFrame
    """BAR_SCHEMA, ascending, unique, never a forming bar, all with `close_at <= settled_through`. May be empty."""
    settled_through: datetime | None
    """The watermark that may be stored with the bars; not after `timeframe.floor(now)`; None where it failed."""
    error: FeedUnavailable | None = None
    """Why nothing came for this instrument. The others are not concerned."""
    note: str | None = None
    """One line about bars that the venue does not give at all: worth a warning, nothing to wait for."""


class Feed(ABC):
    """Where bars come from."""

    name: ClassVar[str]
    """The source's name, as stored in market.sources."""
    is_live: ClassVar[bool]
    """Whether its bars arrive as they close, so that signals on them may be of origin `live`."""
    venue: str
    """The venue of its instruments, as stored in market.instruments."""

    def configured(self, settings: Settings) -> Feed:  # noqa: ARG002 - for those that have something to set
        """This feed as the operator wants it. Asks nobody."""
        return self

    @abstractmethod
    def instruments(self) -> Sequence[InstrumentSpec]:
        """What the feed can give bars of; of a venue with thousands the most traded."""

    def top(self, count: int, report: Callable[[str], None] = lambda _: None) -> list[InstrumentSpec]:  # noqa: ARG002
        """The `count` most traded instruments that trade at present; `report` hears where that is a guess."""
        return list(self.instruments())[:count]

    def listing(self) -> Mapping[str, Listing]:
        """Symbol → what the venue does with it, of everything on its list; empty where it keeps none.

        Raises: FeedUnavailable.
        """
        return {}

    def find(self, symbol: str) -> InstrumentSpec:
        """The instrument of a symbol, as the feed spells it.

        Raises: NotFound, naming near ones; FeedUnavailable.
        """
        return find_in(self.instruments(), symbol, self.venue)

    @abstractmethod
    def fetch(self, spec: InstrumentSpec, timeframe: Timeframe, since: datetime, until: datetime) -> pl.DataFrame:
        """The closed bars with `since <= open_at` and `close_at <= until`.

        Shape: domain.bar.BAR_SCHEMA, ascending by open_at, no duplicates, never a forming bar.
        Guarantees: the same arguments give the same bars unless the venue corrected them.
        Raises: FeedUnavailable with one line that says what did not answer.
        """

    def pages(
        self,
        spec: InstrumentSpec,
        timeframe: Timeframe,
        since: datetime,
        until: datetime,
        grace: timedelta = GRACE,  # noqa: ARG002 - for those whose venue may lag
    ) -> Iterator[Page]:
        """The bars of `fetch`, oldest first, in portions that may each be stored with its watermark.

        Guarantees: `through` never falls and ends at `timeframe.floor(until)` or, where the feed cannot vouch for the
        last bars yet, before it.
        Raises: FeedUnavailable; the pages yielded before it stand.
        """
        first, end = timeframe.ceil(since), timeframe.floor(until)
        while first < end:
            through = min(end, first + CHUNK_BARS * timeframe.span)
            yield Page(self.fetch(spec, timeframe, first, through), through)
            first = through

    def poll(self, wanted: Wanted, timeframe: Timeframe, now: datetime, grace: timedelta = GRACE) -> Iterator[Polled]:
        """What closed since, for many instruments; yielded as it arrives, in any order.

        At least one value per instrument. `settled_through` is the watermark that may be stored with the bars: up to
        there the feed vouches for every bar, and for the absence of the others. Where it is before
        `timeframe.floor(now)`, the venue has not shown the bar that closed last, nor a newer one: ask again. `grace`
        after its close a bar that is still not shown is taken for one that never was (a market without trades), and
        one shown last for final. Nobody is waited for: a poll that ends early leaves nothing behind.
        Raises: nothing of a venue; see Polled.error.
        """
        for spec, since in wanted:
            pages = self.pages(spec, timeframe, since, timeframe.floor(now), grace)
            yield from polled(spec, pages, min(since, timeframe.floor(now)))


def polled(spec: InstrumentSpec, pages: Iterator[Page], settled_through: datetime) -> Iterator[Polled]:
    """Pages as values of a poll: an error becomes one too; no page says that all stays as it was."""
    page = None
    try:
        for page in pages:
            yield Polled(spec, page.bars, page.through, note=page.note)
    except FeedUnavailable as error:
        yield failed(spec, error)
    except NotFound as error:
        yield failed(spec, FeedRefused(str(error)))
    else:
        if page is None:
            yield Polled(spec, empty_bars(), settled_through)


def failed(spec: InstrumentSpec, error: FeedUnavailable) -> Polled:
    """An instrument for which nothing came."""
    return Polled(spec, empty_bars(), None, error)


def find_in(specs: Iterable[InstrumentSpec], symbol: str, venue: str) -> InstrumentSpec:
    """The one with this symbol, however it is spelled: `BTC/USDT`, `btcusdt`, `BTC-USDT`.

    Raises: NotFound, naming near ones.
    """
    by_symbol = {_bare(spec.symbol): spec for spec in specs}
    wanted = _bare(symbol)
    if wanted in by_symbol:
        return by_symbol[wanted]
    near = difflib.get_close_matches(wanted, by_symbol, n=4, cutoff=0.5) or sorted(by_symbol)[:4]
    hint = f"Did you mean {', '.join(by_symbol[key].symbol for key in near)}?" if near else "It lists none."
    raise NotFound(f"{venue} has no {symbol} that trades at present. {hint}")


def _bare(symbol: str) -> str:
    return "".join(character for character in symbol.upper().removeprefix("SIM:") if character.isalnum())
