"""Topping up: bars that closed since, fetched from the feed before an evaluation, as the generation mode wants it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby

from signalhub import clock
from signalhub.bars import ingest, instruments, sessions
from signalhub.bars.ingest import Ingested, Source
from signalhub.db.engine import Database
from signalhub.db.queries import Queries
from signalhub.domain import timeframe as timeframes
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import Timeframe
from signalhub.errors import FeedUnavailable, NotFound
from signalhub.feeds.base import Feed, Polled
from signalhub.jobs import pipeline
from signalhub.settings import Settings

DATABASE, HYBRID, LIVE = "database", "hybrid", "live"
MODES = (DATABASE, HYBRID, LIVE)
OVERLAP_BARS = 2
"""Mode `live` asks for so many bars again that are stored already: a venue may have corrected them."""
_ASK_AGAIN_SECONDS = 0.5
_SQL = Queries("jobs/topping_up")


@dataclass(frozen=True)
class Behind:
    """An instrument to be asked for, from where on, and its row."""

    instrument_id: int
    spec: InstrumentSpec
    timeframe: Timeframe
    since: datetime
    is_new: bool = False
    """Its first bars are history: they count as known at their close."""


@dataclass
class ToppedUp:
    """What topping up brought."""

    ingested: Ingested = field(default_factory=Ingested)
    failed: dict[str, str] = field(default_factory=dict)
    """Symbol → why nothing came, in one line."""

    @property
    def problem(self) -> str | None:
        """All that failed in one line."""
        if not self.failed:
            return None
        reasons = list(self.failed.values())
        others = f" And {len(reasons) - 1} more: {', '.join(list(self.failed)[1:9])}." if len(reasons) > 1 else ""
        return f"{reasons[0].rstrip('.')}.{others} The evaluation goes on with what is stored."


def top_up(
    database: Database,
    feed: Feed,
    mode: str,
    settings: Settings,
    read_clock: Callable[[], datetime] = clock.now,
    sleep: Callable[[float], None] = time.sleep,
) -> ToppedUp:
    """Fetches what closed since: nothing in mode `database`; in `hybrid` for the feed's instruments that are behind.

    In `live` for all of them, also for those that were chosen and never fetched, with SIGNALHUB_HISTORY_DAYS of
    history, and with the last bars once more. A bar that closed just now and is not shown yet is waited for as long as
    the evaluation waits for it. Raises nothing of a venue; see ToppedUp.failed.
    """
    done, now = ToppedUp(), read_clock()
    waiting = [] if mode == DATABASE else _wanted(database, feed, mode, settings, now, done)
    give_up = now + timedelta(seconds=settings.settle_grace_seconds)
    while waiting:
        waiting = _ask(database, feed, waiting, now, done)
        now = read_clock()
        if waiting and now >= give_up:
            break
        if waiting:
            sleep(_ASK_AGAIN_SECONDS)
    return done


def _wanted(
    database: Database, feed: Feed, mode: str, settings: Settings, now: datetime, done: ToppedUp
) -> list[Behind]:
    with database.transaction() as connection:
        stored = [_behind(row) for row in _SQL.rows(connection, "reached", source=feed.name, venue=feed.venue)]
    if mode == HYBRID:
        return [item for item in stored if item.since < item.timeframe.floor(now)]
    again = [replace(item, since=item.since - OVERLAP_BARS * item.timeframe.span) for item in stored]
    return again + _never_fetched(database, feed, settings, now, {item.spec.symbol for item in stored}, done)


def _never_fetched(
    database: Database, feed: Feed, settings: Settings, now: datetime, stored: set[str], done: ToppedUp
) -> list[Behind]:
    """Symbols that are set, or the most traded where nothing is stored, and that have no bars yet."""
    chosen = []
    try:
        for symbol in settings.symbols:
            chosen.append(feed.find(symbol))
        if not chosen and not stored:
            chosen = feed.top(settings.top)
    except (FeedUnavailable, NotFound) as error:
        done.failed[feed.venue] = str(error)
    since = settings.base_timeframe.floor(now - timedelta(days=settings.history_days))
    fresh = [spec for spec in chosen if spec.symbol not in stored]
    with database.transaction() as connection:
        for calendar in sorted({spec.trading_calendar for spec in fresh}):
            sessions.ensure(connection, calendar, since, now)
        ids = [instruments.register(connection, spec, feed.name, is_live=feed.is_live, now=now) for spec in fresh]
    return [
        Behind(key, spec, settings.base_timeframe, since, is_new=True) for key, spec in zip(ids, fresh, strict=True)
    ]


def _behind(row: dict[str, object]) -> Behind:
    keys = ("instrument_id", "timeframe", "settled_through")
    instrument_id, code, since = (row.pop(key) for key in keys)
    assert isinstance(instrument_id, int)
    assert isinstance(since, datetime)
    return Behind(instrument_id, InstrumentSpec(**row), timeframes.parse(str(code)), since)  # type: ignore[arg-type]


def _ask(database: Database, feed: Feed, waiting: Sequence[Behind], now: datetime, done: ToppedUp) -> list[Behind]:
    """One poll; what is left: those whose newest bar the venue has not shown yet."""
    left = []
    for timeframe, group in groupby(sorted(waiting, key=lambda item: item.timeframe), lambda item: item.timeframe):
        items = {item.spec: item for item in group}
        reached = {spec: item.since for spec, item in items.items()}
        for polled in feed.poll([(item.spec, item.since) for item in items.values()], timeframe, now):
            if polled.error is not None or polled.settled_through is None:
                done.failed[polled.spec.symbol] = str(polled.error)
                reached.pop(polled.spec, None)
            else:
                _store(database, feed, items[polled.spec], polled, now, done)
                reached[polled.spec] = max(polled.settled_through, reached[polled.spec])
        left += _unsettled(items.values(), reached, timeframe.floor(now))
    return left


def _unsettled(items: Iterable[Behind], reached: dict[InstrumentSpec, datetime], newest: datetime) -> list[Behind]:
    late = [item for item in items if item.spec in reached and reached[item.spec] < newest]
    return [replace(item, since=reached[item.spec]) for item in late]


def _store(database: Database, feed: Feed, item: Behind, polled: Polled, now: datetime, done: ToppedUp) -> None:
    assert polled.settled_through is not None
    source = Source(feed.name, is_live=feed.is_live, is_backfill=item.is_new)
    batch = ingest.of_instrument(polled.bars, item.instrument_id)
    settled = {item.instrument_id: polled.settled_through}
    with database.transaction() as connection:
        done.ingested += pipeline.take_in(connection, item.timeframe, batch, source, settled, now)
