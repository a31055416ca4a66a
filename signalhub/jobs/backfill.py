"""Backfill: history of a feed's instruments, back to where it is wanted from and up to now.

What is stored of an instrument never has a hole: between its first bar and its watermark there is every bar there was.
So a rerun knows by these two alone where to go on. New bars are stored oldest first, each page with its watermark; bars
before the first one newest first, so that what is there grows at its old end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from signalhub.bars import gaps, ingest, instruments, sessions
from signalhub.bars.ingest import Ingested, Source
from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import Timeframe
from signalhub.errors import FeedBusy, FeedRefused, FeedUnavailable
from signalhub.feeds.base import CHUNK_BARS, Feed, Page
from signalhub.jobs import pipeline
from signalhub.jobs.progress import Progress

_sleep = time.sleep
_SILENCES = 5
"""How often an instrument waits until a venue that was asked too often may be asked again."""
_LONGEST_SILENCE_SECONDS = 600.0
_GIVEN_UP_AFTER = 3
"""Instruments in a row without an answer after which the others are not tried."""


@dataclass(frozen=True)
class Wish:
    """What is wanted of each instrument: bars of a timeframe, from an instant on."""

    timeframe: Timeframe
    since: datetime


@dataclass
class Backfilled:
    """What came of a backfill."""

    ingested: Ingested = field(default_factory=Ingested)
    failed: dict[str, str] = field(default_factory=dict)
    """Symbol → why it is not complete, in one line. What came before is stored."""


def backfill(
    database: Database,
    feed: Feed,
    specs: Sequence[InstrumentSpec],
    wish: Wish,
    now: datetime,
    progress: Progress | None = None,
) -> Backfilled:
    """Fetches what the store lacks since `wish.since`, one transaction a page.

    Guarantees: killed at any moment, a rerun goes on where it stopped; what fails for one instrument concerns no other.
    """
    progress = progress or Progress()
    fillers = [_Filler(database, feed, spec, wish, now, progress) for spec in specs]
    bars = sum(filler.missing_bars for filler in fillers)
    progress.stage(f"fetching {wish.timeframe} bars from {feed.venue}", bars, "bars")
    done, without_answer = Backfilled(), 0
    for filler in fillers:
        if without_answer >= _GIVEN_UP_AFTER:
            done.failed[filler.spec.symbol] = (
                f"{feed.venue} does not answer: it was not asked for {filler.spec.symbol}."
            )
            continue
        try:
            filler.run()
            without_answer = 0
        except FeedUnavailable as error:
            done.failed[filler.spec.symbol] = str(error)
            without_answer = 0 if isinstance(error, FeedRefused) else without_answer + 1
        done.ingested += filler.ingested
    return done


class _Filler:
    """The backfill of one instrument."""

    def __init__(
        self, database: Database, feed: Feed, spec: InstrumentSpec, wish: Wish, now: datetime, progress: Progress
    ) -> None:
        self.database, self.feed, self.spec, self.now, self.progress = database, feed, spec, now, progress
        self.timeframe, self.since = wish.timeframe, wish.timeframe.ceil(wish.since)
        self.source = Source(feed.name, is_live=feed.is_live, is_backfill=True)
        self.ingested = Ingested()
        self.told: set[str] = set()
        with database.transaction() as connection:
            self.instrument_id = instruments.register(connection, spec, feed.name, is_live=feed.is_live, now=now)
        self.first_at, self.through = self._obtained()
        self.had = self.first_at, self.through

    @property
    def missing_bars(self) -> int:
        """How many bars to ask for, on a market that always trades."""
        ahead, behind = self.now - self.through, self.first_at - self.since
        return sum(max(span, timedelta(0)) // self.timeframe.span for span in (ahead, behind))

    def run(self) -> None:
        """Raises: FeedUnavailable; what came before it is stored."""
        self.progress.note(self.spec.symbol)
        self._patiently(self._extend_forwards)
        self._patiently(self._extend_backwards)
        self._record_gaps()

    def _patiently(self, extend: Callable[[], None]) -> None:
        """Waits where a venue was asked too often: history is worth a few minutes."""
        for _ in range(_SILENCES):
            try:
                return extend()
            except FeedBusy as busy:
                if busy.wait_seconds > _LONGEST_SILENCE_SECONDS:
                    raise
                self.progress.line(f"{busy} Waiting.")
                _sleep(busy.wait_seconds)
                self.first_at, self.through = self._obtained()
        return extend()

    def _obtained(self) -> tuple[datetime, datetime]:
        """From where to where all is stored; an empty span where nothing is."""
        with self.database.transaction() as connection:
            return ingest.obtained(connection, self.instrument_id, self.timeframe) or (self.since, self.since)

    def _extend_forwards(self) -> None:
        """Goes on from the watermark, even where less is wished for: a watermark must not jump over a hole."""
        for page in self.feed.pages(self.spec, self.timeframe, self.through, self.now):
            self._store(page.bars, page.through)
            self.progress.advance((page.through - self.through) // self.timeframe.span)
            self.through = page.through
            self._tell(page)

    def _extend_backwards(self) -> None:
        low, end = self.since, self.first_at
        while low < end:
            begin = max(low, end - CHUNK_BARS * self.timeframe.span)
            bars = self._chunk(begin, end)
            self._store(bars, None)
            self.progress.advance((end - begin) // self.timeframe.span)
            if bars.is_empty() and low < begin:
                low = self._first_bar(low, begin)
            end = begin

    def _record_gaps(self) -> None:
        """What lacks in the spans that were just asked for is not to be had."""
        first, through = self.had
        with self.database.transaction() as connection:
            since = min(self.since, through)
            gaps.detect(connection, [self.instrument_id], since, self.now)
            missing = gaps.wanting(connection, self.instrument_id, since)
            asked = [gap for gap in missing if gap.from_at >= through or gap.to_at <= first]
            gaps.asked(connection, asked, self.now, f"{self.feed.venue} does not give them", has_none=True)

    def _chunk(self, begin: datetime, end: datetime) -> pl.DataFrame:
        """All bars of a span in the past. Raises: FeedUnavailable where the venue cannot vouch for all of it."""
        pages = list(self.feed.pages(self.spec, self.timeframe, begin, end))
        for page in pages:
            self._tell(page)
        if pages[-1].through < end:
            raise FeedUnavailable(
                f"{self.feed.venue} does not vouch for {self.spec.symbol} up to {end:%Y-%m-%d %H:%M}Z."
            )
        return pl.concat([page.bars for page in pages])

    def _first_bar(self, low: datetime, end: datetime) -> datetime:
        """The open of the first bar there is at or after an instant; the end where there is none."""
        pages = self.feed.pages(self.spec, self.timeframe, low, end)
        opens: datetime | None = next((page.bars["open_at"][0] for page in pages if not page.bars.is_empty()), None)
        return opens or end

    def _store(self, bars: pl.DataFrame, through: datetime | None) -> None:
        batch = ingest.of_instrument(bars, self.instrument_id)
        settled = {self.instrument_id: through} if through else {}
        with self.database.transaction() as connection:
            if not bars.is_empty():
                first, last = bars["open_at"][0], bars["open_at"][-1] + self.timeframe.span
                sessions.ensure(connection, self.spec.trading_calendar, first, last)
            self.ingested += pipeline.take_in(connection, self.timeframe, batch, self.source, settled, self.now)

    def _tell(self, page: Page) -> None:
        if page.note and page.note not in self.told:
            self.told.add(page.note)
            self.progress.line(page.note)
