"""The demo: the main job on a fresh machine, from bars to signals with outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import M15
from signalhub.errors import FeedUnavailable
from signalhub.feeds.base import Feed
from signalhub.feeds.ccxt_rest import CcxtRest
from signalhub.feeds.files import FileOptions
from signalhub.feeds.simulator import Simulator
from signalhub.jobs.backfill import Wish, backfill
from signalhub.jobs.evaluation import Evaluated, Scope, replay
from signalhub.jobs.importing import import_files
from signalhub.jobs.progress import Progress
from signalhub.settings import Settings
from signalhub.strategies.base import Strategy

HISTORY = timedelta(days=30)
_BASE = M15
_PAIRS = 10
_PATIENCE_SECONDS = 3.0
_NO_EXCHANGE = "none"


@dataclass(frozen=True)
class Demonstrated:
    """What the demo ran on, and what came of it."""

    source: str
    evaluated: Evaluated
    symbols: Sequence[str] = ()
    """Those of the user's own files; empty: all there are."""
    feed: Feed | None = None
    """Where the bars go on coming from; files do not."""


def run(
    database: Database,
    strategies: Sequence[Strategy],
    settings: Settings,
    now: datetime,
    progress: Progress,
    paths: Sequence[Path] = (),
) -> Demonstrated:
    """Bars from the user's files, else a live exchange, else the simulator; then a replay with outcomes."""
    if paths:
        return _from_files(database, strategies, settings, now, progress, paths)
    feed = _gather(database, settings, now, progress)
    source = "the built-in simulator" if isinstance(feed, Simulator) else feed.venue
    evaluated = replay(database, Scope(after=now - HISTORY), strategies, settings, now, progress)
    return Demonstrated(source, evaluated, feed=feed)


def _from_files(
    database: Database,
    strategies: Sequence[Strategy],
    settings: Settings,
    now: datetime,
    progress: Progress,
    paths: Sequence[Path],
) -> Demonstrated:
    imported = import_files(database, paths, FileOptions(), now, progress)
    for message in imported.unusable:
        progress.line(message)
    evaluated = replay(database, Scope(), strategies, settings, now, progress)
    return Demonstrated("your files", evaluated, sorted(set(imported.symbols)))


def _gather(database: Database, settings: Settings, now: datetime, progress: Progress) -> Feed:
    if settings.demo_exchange != _NO_EXCHANGE:
        progress.stage(f"asking {settings.demo_exchange}")
        venue = CcxtRest(settings.demo_exchange)
        try:
            if venue.answers(_PATIENCE_SECONDS):
                _fetch(database, venue, venue.instruments()[:_PAIRS], now, progress)
                return venue
        except FeedUnavailable as error:
            progress.line(str(error))
        progress.line(f"{settings.demo_exchange} does not answer: the demo goes on with SIMULATED prices.")
    simulator = Simulator()
    _fetch(database, simulator, simulator.instruments(), now, progress)
    return simulator


def _fetch(database: Database, feed: Feed, specs: Sequence[InstrumentSpec], now: datetime, progress: Progress) -> None:
    done = backfill(database, feed, specs, Wish(_BASE, now - HISTORY), now, progress)
    if len(done.failed) == len(specs):
        raise FeedUnavailable(next(iter(done.failed.values()), f"{feed.venue} lists nothing that is traded."))
    for message in done.failed.values():
        progress.line(message)
