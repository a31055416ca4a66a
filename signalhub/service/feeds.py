"""The feeds' loop: asks for every close as it comes, and stores what arrives in small batches with its watermark.

What was missed while nothing ran is asked for the same way: each instrument is asked from its watermark on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from signalhub import clock
from signalhub.bars import ingest
from signalhub.bars.ingest import Source
from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from signalhub.errors import FeedUnavailable
from signalhub.feeds.base import Feed, Polled
from signalhub.jobs import pipeline
from signalhub.service import following
from signalhub.service.enduring import BEAT_SECONDS, Keeper
from signalhub.settings import Settings

_LOG = logging.getLogger(__name__)
_AFTER_CLOSE = 0.05
"""Seconds after a close before it is asked for: no venue has the bar at once."""
_ASK_AGAIN = 0.5
"""Seconds until those are asked again whose newest bar is not there yet."""
_LATEST_BARS = 5
"""Closes back to which an instrument whose newest bar was given up is asked again: a slow venue may show it yet."""
_LONGEST_PAUSE = 30.0
"""Seconds between tries with an instrument that keeps failing; half a second at first, then twice as long each time."""
_FLUSH_SECONDS = 0.2
_FLUSH_ROWS = 20_000
_LOOK_AT_MARKETS_EVERY = timedelta(hours=24)


@dataclass
class _Batch:
    """What arrived and is not stored yet."""

    bars: list[pl.DataFrame] = field(default_factory=list)
    settled: dict[int, datetime] = field(default_factory=dict)
    since: float = field(default_factory=clock.stopwatch)

    def is_due(self) -> bool:
        rows = sum(frame.height for frame in self.bars)
        return bool(self.settled) and (rows >= _FLUSH_ROWS or clock.stopwatch() - self.since >= _FLUSH_SECONDS)


@dataclass
class _Trouble:
    tries: int
    again_at: datetime


class FeedsLoop:
    """Runs until asked to stop. `wake`: there are new bars; `caught_up`: there is history that nobody looked at."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        feed: Feed,
        wake: Callable[[], None],
        caught_up: Callable[[], None],
        keeper: Keeper,
        read_clock: Callable[[], datetime] = clock.now,
    ) -> None:
        self.database = database
        self.settings = settings
        self.feed = feed
        self.wake = wake
        self.caught_up = caught_up
        self.keeper = keeper
        self.read_clock = read_clock
        self.timeframe = settings.base_timeframe
        self._ids: dict[InstrumentSpec, int] = {}
        self._known: dict[int, datetime] = {}
        self._shown: dict[int, datetime] = {}
        """The close of the newest bar that came; known may be later, where the venue showed none in time."""
        self._new: set[int] = set()
        """Those whose first history is not there yet."""
        self._has_history = False
        self._trouble: dict[InstrumentSpec, _Trouble] = {}
        self._notes: dict[InstrumentSpec, str | None] = {}
        self._listed_at: datetime | None = None

    def run(self) -> None:
        """Finds out what to follow, then asks at every close.

        Raises: SettingsInvalid for a symbol that the venue does not have.
        """
        while not self.keeper.stop.is_set():
            now = self.read_clock()
            if self._listed_at is None or now - self._listed_at >= _LOOK_AT_MARKETS_EVERY:
                self.keeper.enduring(self._follow)
            self.keeper.enduring(self.keeper.beat)
            self.poll(self.read_clock())
            self.keeper.stop.wait(self._pause())
        self.keeper.leave()

    def poll(self, now: datetime) -> None:
        """Asks for everything that closed and is not settled yet; returns when all have answered or failed.

        Where history is fetched, it returns at the next close: what follows the clock goes first, history goes on then.
        """
        wanted = self._wanted(now)
        if not wanted:
            return
        batches = {False: _Batch(), True: _Batch()}
        is_cut = False
        for polled in self.feed.poll(wanted, self.timeframe, now):
            self._note(polled)
            is_history = self._is_behind(polled.spec, now)
            if polled.settled_through is not None:
                self._add(batches, polled, now)
            self._store_due(batches)
            self.keeper.enduring(self.keeper.beat)
            is_cut = self.keeper.stop.is_set() or (is_history and self._newest(self.read_clock()) > self._newest(now))
            if is_cut:
                break
        self._store_due(batches, at_once=True)
        if self._has_history and not is_cut:
            self._has_history = False
            self.caught_up()

    def _follow(self) -> None:
        now = self.read_clock()
        try:
            specs = following.wanted_specs(self.database, self.feed, self.settings, _LOG.warning)
            if self._listed_at is not None:
                specs = following.with_present_ticks(self.feed, specs)
        except FeedUnavailable as error:
            _LOG.warning("feeds: %s", error)
            if self._listed_at is None:
                self.keeper.stop.wait(5.0)
            else:
                self._listed_at = now  # what is followed goes on; the markets can wait for another day
            return
        since = now - timedelta(days=self.settings.history_days)
        self._ids = following.follow(self.database, self.feed, specs, now, since)
        following.note_listing(self.database, self.feed, now, _LOG.warning)
        self._known = following.known_until(self.database, list(self._ids.values()), self.timeframe)
        self._new = set(self._ids.values()).difference(self._known)
        self._listed_at = now
        _LOG.info("feeds: following %d instruments of %s by %s bars", len(specs), self.feed.venue, self.timeframe)

    def _wanted(self, now: datetime) -> list[tuple[InstrumentSpec, datetime]]:
        newest = self._newest(now)
        begin = self.timeframe.floor(now - timedelta(days=self.settings.history_days))
        due = [(spec, key) for spec, key in self._ids.items() if self._known.get(key, begin) < newest]
        asked = [(spec, self._since(key, begin)) for spec, key in due if self._may_ask(spec, now)]
        return sorted(asked, key=lambda item: item[1], reverse=True)

    def _since(self, key: int, begin: datetime) -> datetime:
        if key not in self._known:
            return begin
        known = self._known[key]
        return max(min(known, self._shown.get(key, known)), known - _LATEST_BARS * self.timeframe.span)

    def _newest(self, now: datetime) -> datetime:
        return self.timeframe.floor(now)

    def _is_behind(self, spec: InstrumentSpec, now: datetime) -> bool:
        """Whether it lacks more than the newest close: after a start, a long silence of the venue, or at its first."""
        key = self._ids[spec]
        return key not in self._known or now - self._known[key] > 2 * self.timeframe.span

    def _may_ask(self, spec: InstrumentSpec, now: datetime) -> bool:
        trouble = self._trouble.get(spec)
        # A clock that was put back must not keep anybody from being asked.
        return trouble is None or not now < trouble.again_at <= now + timedelta(seconds=_LONGEST_PAUSE)

    def _note(self, polled: Polled) -> None:
        """Tells of the first failure and of the recovery, not of every try in between."""
        if polled.note and polled.note != self._notes.get(polled.spec):
            _LOG.warning("feeds: %s", polled.note)
        self._notes[polled.spec] = polled.note
        if polled.error is None:
            if self._trouble.pop(polled.spec, None):
                _LOG.info("feeds: %s answers again", polled.spec.symbol)
            return
        tries = self._trouble[polled.spec].tries + 1 if polled.spec in self._trouble else 1
        if tries == 1:
            _LOG.warning("feeds: %s: %s", polled.spec.symbol, polled.error)
        pause = min(_LONGEST_PAUSE, _ASK_AGAIN * 2 ** min(tries - 1, 9))
        self._trouble[polled.spec] = _Trouble(tries, self.read_clock() + timedelta(seconds=pause))

    def _add(self, batches: dict[bool, _Batch], polled: Polled, now: datetime) -> None:
        key, through = self._ids[polled.spec], polled.settled_through
        assert through is not None
        batch, known = batches[key in self._new], self._known.get(key, through)
        self._shown.setdefault(key, known)
        self._has_history |= self._is_behind(polled.spec, now) and not (key in self._known and through <= known)
        if not polled.bars.is_empty():
            self._shown[key] = polled.bars["open_at"][-1] + self.timeframe.span
            batch.bars.append(ingest.of_instrument(polled.bars, key))
        batch.settled[key] = max(through, known, batch.settled.get(key, through))
        if through >= self._newest(now):
            self._new.discard(key)

    def _store_due(self, batches: dict[bool, _Batch], at_once: bool = False) -> None:
        for is_backfill, batch in batches.items():
            if batch.is_due() or (at_once and batch.settled):
                self._store(batch, is_backfill)
                batches[is_backfill] = _Batch()

    def _store(self, batch: _Batch, is_backfill: bool) -> None:
        source = Source(self.feed.name, is_live=self.feed.is_live, is_backfill=is_backfill)

        def take_in() -> None:
            with self.database.transaction() as connection:
                bars = _together(batch.bars)
                done = pipeline.take_in(connection, self.timeframe, bars, source, batch.settled, self.read_clock())
            if done.unusable:
                _LOG.warning("feeds: %s gave %d rows that are no bars, or twice", self.feed.venue, done.unusable)

        self.keeper.enduring(take_in)
        self._known |= batch.settled
        self.wake()

    def _pause(self) -> float:
        """Seconds until the next look. Never long: the heart beats meanwhile, and a machine that slept finds out."""
        now = self.read_clock()
        if self._wanted(now) or (self._trouble and self._listed_at) or self._listed_at is None:
            return _ASK_AGAIN
        next_close = self.timeframe.floor(now) + self.timeframe.span
        return min(BEAT_SECONDS, max(0.0, (next_close - now).total_seconds()) + _AFTER_CLOSE)


def _together(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    found = list(frames)
    return pl.concat(found) if found else pl.DataFrame()
