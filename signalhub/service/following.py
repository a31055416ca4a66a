"""Following: which instruments of a feed the service keeps up to date, and as which rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from signalhub.bars import ingest, instruments, sessions, universe
from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import Timeframe
from signalhub.errors import FeedUnavailable, NotFound, SettingsInvalid
from signalhub.feeds.base import Feed, find_in
from signalhub.settings import Settings

_LISTED = 5000
"""More than any venue trades: all of its markets."""


def wanted_specs(
    database: Database, feed: Feed, settings: Settings, report: Callable[[str], None]
) -> Sequence[InstrumentSpec]:
    """What to follow: the symbols that are set, else what this feed brought before, else the most traded ones.

    What was brought before needs no answer from the venue, so that a restart goes on while it is away.
    Raises: SettingsInvalid for a symbol the venue does not have and never had; FeedUnavailable.
    """
    with database.transaction() as connection:
        stored = instruments.of_source(connection, feed.name, feed.venue)
    if settings.symbols:
        return [_found(feed, symbol, stored, report) for symbol in settings.symbols]
    if not stored:
        return feed.top(settings.top, report)
    return stored


def _found(feed: Feed, symbol: str, stored: Sequence[InstrumentSpec], report: Callable[[str], None]) -> InstrumentSpec:
    """One that was followed before stays, though the venue lists it no more: a halt of one must not end the service."""
    try:
        return feed.find(symbol)
    except NotFound as error:
        try:
            known = find_in(stored, symbol, feed.venue)
        except NotFound:
            raise SettingsInvalid(f"SIGNALHUB_SYMBOLS: {error}") from error
        report(f"feeds: {error}")
        return known


def with_present_ticks(feed: Feed, specs: Sequence[InstrumentSpec]) -> Sequence[InstrumentSpec]:
    """The same instruments as the venue describes them today; as they were where it does not answer."""
    try:
        listed = {spec.symbol: spec for spec in feed.top(_LISTED)}
    except FeedUnavailable:
        return specs
    return [listed.get(spec.symbol, spec) for spec in specs]


def note_listing(database: Database, feed: Feed, now: datetime, report: Callable[[str], None]) -> None:
    """Records what the venue lists, halted and delisted since it was looked at last; nothing where it does not say."""
    try:
        listing = feed.listing()
    except FeedUnavailable as error:
        report(f"feeds: what {feed.venue} lists is not known: {error}")
        return
    if not listing:
        return
    with database.transaction() as connection:
        changes = universe.observe(connection, feed.name, feed.venue, listing, now)
    for change in changes:
        report(f"feeds: {feed.venue} says that {change.symbol} is {change.status}; it was {change.was}")


def follow(
    database: Database, feed: Feed, specs: Sequence[InstrumentSpec], now: datetime, since: datetime
) -> dict[InstrumentSpec, int]:
    """The row of each instrument, made where it is missing, with the sessions from `since` on."""
    with database.transaction() as connection:
        for calendar in sorted({spec.trading_calendar for spec in specs}):
            sessions.ensure(connection, calendar, since, now)
        return {
            spec: instruments.register(connection, spec, feed.name, is_live=feed.is_live, now=now) for spec in specs
        }


def known_until(database: Database, ids: Sequence[int], timeframe: Timeframe) -> dict[int, datetime]:
    """How far each instrument is settled; those that never were are left out."""
    with database.transaction() as connection:
        return ingest.settled_by_instrument(connection, ids, timeframe)
