"""Gaps over many instruments: detected, asked for at the venue, filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from signalhub.bars import gaps, ingest, instruments
from signalhub.bars.gaps import Detected, Gap
from signalhub.bars.ingest import Ingested, Source
from signalhub.bars.instruments import Instrument
from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from signalhub.errors import FeedRefused, FeedUnavailable, SignalhubError
from signalhub.feeds.base import CHUNK_BARS, Feed
from signalhub.jobs import pipeline
from signalhub.jobs.progress import Progress

LOOKED_BACK = timedelta(days=2)
"""How far back the scheduled detection looks. Imports and backfills look at what they wrote."""
_SLICE = 20
_GIVEN_UP_AFTER = 3
"""Instruments in a row without an answer after which a venue is asked no more."""


@dataclass
class Filled:
    """What asking the venues brought."""

    ingested: Ingested = field(default_factory=Ingested)
    unavailable: int = 0
    """Gaps of which the venue was asked, and has none or not all of the bars."""
    failed: dict[str, str] = field(default_factory=dict)
    """Symbol → why it could not be asked, in one line."""


def detect(
    database: Database, instrument_ids: Sequence[int], since: datetime, now: datetime, progress: Progress | None = None
) -> Detected:
    """Brings market.gaps up to date, a few instruments a transaction."""
    progress = progress or Progress()
    progress.stage("looking for gaps", len(instrument_ids), "instruments")
    done = Detected()
    for start in range(0, len(instrument_ids), _SLICE):
        some = instrument_ids[start : start + _SLICE]
        with database.transaction() as connection:
            done += gaps.detect(connection, some, since, now)
        progress.advance(len(some))
    return done


def detect_lately(database: Database, now: datetime) -> Detected:
    """What the schedule runs: all instruments that are followed, the last two days."""
    with database.transaction() as connection:
        followed = [instrument.instrument_id for instrument in instruments.every(connection)]
    return detect(database, followed, now - LOOKED_BACK, now)


def fill(
    database: Database,
    feed_of: Callable[[str], Feed],
    chosen: Sequence[Instrument],
    since: datetime,
    now: datetime,
    progress: Progress | None = None,
) -> Filled:
    """Asks each instrument's venue for the bars of its open gaps; rollups are left to `refresh`.

    Guarantees: only bars that were missing are written. A gap the venue vouches for and has no bars of becomes
    `unavailable`; one it could not be asked about stays open, with the reason. What fails for one instrument concerns
    no other. Raises nothing of a venue; see Filled.failed.
    """
    progress = progress or Progress()
    progress.stage("asking for missing bars", len(chosen), "instruments")
    done, silent = Filled(), dict[str, int]()
    for instrument in chosen:
        progress.note(instrument.public_symbol)
        if silent.get(instrument.venue, 0) < _GIVEN_UP_AFTER:
            asking = _Asking(database, feed_of, instrument, since, now, progress)
            _ask(asking, done, silent)
        else:
            done.failed[instrument.public_symbol] = f"{instrument.venue} does not answer: it was not asked."
        progress.advance(1)
    return done


def fill_in(
    database: Database, chosen: Sequence[Instrument], since: datetime, now: datetime, progress: Progress | None = None
) -> Ingested:
    """Flat bars wherever a gap lacks some, one transaction an instrument; rollups are left to `refresh`."""
    progress = progress or Progress()
    progress.stage("filling in", len(chosen), "instruments")
    done = Ingested()
    for instrument in chosen:
        with database.transaction() as connection:
            done += gaps.fill_in(connection, instrument.instrument_id, since, now)
        progress.advance(1)
    return done


def _ask(asking: _Asking, done: Filled, silent: dict[str, int]) -> None:
    venue = asking.instrument.venue
    try:
        asking.run()
        silent.pop(venue, None)
    except SignalhubError as error:
        done.failed[asking.instrument.public_symbol] = str(error)
        has_answered = isinstance(error, FeedRefused)
        silent[venue] = 0 if has_answered else silent.get(venue, 0) + 1
    done.ingested += asking.ingested
    done.unavailable += asking.unavailable


class _Asking:
    """The open gaps of one instrument, asked for stretch by stretch."""

    def __init__(
        self,
        database: Database,
        feed_of: Callable[[str], Feed],
        instrument: Instrument,
        since: datetime,
        now: datetime,
        progress: Progress,
    ) -> None:
        self.database, self.feed_of, self.instrument = database, feed_of, instrument
        self.since, self.now, self.progress = since, now, progress
        self.ingested, self.unavailable = Ingested(), 0

    def run(self) -> None:
        """Raises: SignalhubError of the feed, after writing it down; what came before it is stored."""
        with self.database.transaction() as connection:
            wanted = gaps.wanting(connection, self.instrument.instrument_id, self.since)
        if not wanted:
            return
        feed = self.feed_of(self.instrument.venue)
        with self.database.transaction() as connection:
            instruments.register(connection, self._spec(), feed.name, is_live=feed.is_live, now=self.now)
        for stretch in _stretches(wanted):
            try:
                self._settle(stretch, self._fetch(feed, stretch), feed.venue)
            except SignalhubError as error:
                with self.database.transaction() as connection:
                    gaps.asked(connection, stretch, self.now, str(error), has_none=False)
                raise

    def _fetch(self, feed: Feed, stretch: list[Gap]) -> datetime:
        """Stores what the venue has of a stretch; up to where it vouches for it."""
        timeframe, through = stretch[0].timeframe, stretch[0].from_at
        # A close may have been evaluated without this bar: it counts as known from now on, not at its close.
        source = Source(feed.name, is_live=feed.is_live, is_backfill=False)
        for page in feed.pages(self._spec(), timeframe, stretch[0].from_at, stretch[-1].to_at):
            bars = ingest.of_instrument(_missing(page.bars, stretch), self.instrument.instrument_id)
            with self.database.transaction() as connection:
                self.ingested += pipeline.take_in(connection, timeframe, bars, source, {}, self.now)
            through = page.through
            if page.note:
                self.progress.line(page.note)
        return through

    def _settle(self, stretch: list[Gap], through: datetime, venue: str) -> None:
        vouched_for = [gap for gap in stretch if gap.to_at <= through]
        with self.database.transaction() as connection:
            gaps.detect(connection, [self.instrument.instrument_id], stretch[0].from_at, self.now)
            detail = f"{venue} was asked and does not have them"
            self.unavailable += gaps.asked(connection, vouched_for, self.now, detail, has_none=True)
        if len(vouched_for) < len(stretch):
            raise FeedUnavailable(f"{venue} does not vouch for {self.instrument.symbol} up to {stretch[-1].to_at}.")

    def _spec(self) -> InstrumentSpec:
        one = self.instrument
        return InstrumentSpec(one.symbol, one.venue, one.asset_class, one.tick_size, one.calendar, one.is_simulated)


def _stretches(wanted: Sequence[Gap]) -> Iterator[list[Gap]]:
    """Gaps near each other are one question: thin markets have hundreds a day."""
    stretch: list[Gap] = []
    for gap in wanted:
        reach = CHUNK_BARS * gap.timeframe.span
        if stretch and (gap.timeframe != stretch[0].timeframe or gap.to_at - stretch[0].from_at > reach):
            yield stretch
            stretch = []
        stretch.append(gap)
    if stretch:
        yield stretch


def _missing(bars: pl.DataFrame, stretch: Sequence[Gap]) -> pl.DataFrame:
    """The bars that lie in a gap: the others are stored, perhaps from a source that knew better."""
    spans = pl.DataFrame(
        {"from_at": [gap.from_at for gap in stretch], "to_at": [gap.to_at for gap in stretch]},
        schema={"from_at": bars.schema["open_at"], "to_at": bars.schema["open_at"]},
    )
    in_gap = bars.join_asof(spans, left_on="open_at", right_on="from_at", strategy="backward")
    return in_gap.filter(pl.col("open_at") < pl.col("to_at")).select(bars.columns)
