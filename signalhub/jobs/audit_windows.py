"""What an audit looks at: windows of instruments and timeframes, all of them or some at random."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from signalhub.bars import audit
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.domain.timeframe import D1, ROLLED_UP, Timeframe

_ROLLUP_DAYS = timedelta(days=60)
_WINDOW_BARS = 5000
_SLICE_BARS = 500
_SLICE_AT_MOST = timedelta(days=30)
"""A slice of days is of few rows, but of many base bars."""

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class _Place:
    """Where an instrument has anything to compare."""

    from_at: datetime
    to_at: datetime
    finest: Timeframe


@dataclass(frozen=True)
class Window:
    """Rollups of `levels`, and indicators of `timeframe`, of one instrument that open in [from_at, to_at)."""

    instrument_id: int
    levels: tuple[Timeframe, ...]
    timeframe: Timeframe | None
    from_at: datetime
    to_at: datetime
    is_last: bool
    """Whether it ends with the instrument's last day."""


def in_full(
    database: Database, instrument_ids: Iterable[int], chosen: Sequence[Timeframe], since: datetime | None
) -> list[Window]:
    """Every row of some instruments and timeframes, from an instant on."""
    # Whole days: windows lie on the grid of every timeframe.
    places = _places(database, instrument_ids, D1.floor(since) if since else None)
    return [window for key, place in places.items() for window in _whole(key, chosen, place)]


def sample(
    database: Database,
    instrument_ids: Iterable[int],
    chosen: Sequence[Timeframe],
    since: datetime | None,
    count: int,
    chance: random.Random,
) -> list[Window]:
    """So many windows at random: instrument, timeframe and time each as likely as the next."""
    places = _places(database, instrument_ids, since)
    pairs = [(key, item) for key, place in places.items() for item in chosen if item >= place.finest]
    windows = []
    for _ in range(count if pairs else 0):
        key, timeframe = chance.choice(pairs)
        place = places[key]
        from_at = place.from_at + chance.random() * (place.to_at - place.from_at)
        windows.append(slice_at(key, timeframe, from_at, place.to_at))
    return windows


def next_slice(
    database: Database, instrument_id: int, timeframe: Timeframe, audited_through: datetime | None
) -> Window | None:
    """The window that comes after what was audited; None where nothing does."""
    place = _places(database, [instrument_id], audited_through).get(instrument_id)
    return slice_at(instrument_id, timeframe, place.from_at, place.to_at) if place else None


def slice_at(instrument_id: int, timeframe: Timeframe, from_at: datetime, last_at: datetime) -> Window:
    """One window of bounded size."""
    from_at = timeframe.floor(from_at)
    to_at = min(from_at + min(_SLICE_BARS * timeframe.span, _SLICE_AT_MOST), last_at)
    levels = (timeframe,) if timeframe in ROLLED_UP else ()
    return Window(instrument_id, levels, timeframe, from_at, to_at, to_at == last_at)


def _places(database: Database, instrument_ids: Iterable[int], since: datetime | None) -> dict[int, _Place]:
    with database.transaction() as connection:
        found = {key: _place(connection, key, since) for key in instrument_ids}
    return {key: place for key, place in found.items() if place}


def _place(connection: Connection, instrument_id: int, since: datetime | None) -> _Place | None:
    span, finest = audit.span(connection, instrument_id), audit.finest_base(connection, instrument_id)
    if span is None or finest is None or (since and since >= span[1]):
        return None
    return _Place(max(span[0], since) if since else span[0], span[1], finest)


def _whole(instrument_id: int, chosen: Sequence[Timeframe], place: _Place) -> Iterator[Window]:
    """Rollups first: no indicator is judged after a rollup that is wrong."""
    levels = tuple(item for item in chosen if item in ROLLED_UP)
    for from_at, to_at in _cut(place, _ROLLUP_DAYS) if levels else ():
        yield Window(instrument_id, levels, None, from_at, to_at, to_at == place.to_at)
    for timeframe in (item for item in chosen if item >= place.finest):
        for from_at, to_at in _cut(place, _WINDOW_BARS * timeframe.span):
            yield Window(instrument_id, (), timeframe, from_at, to_at, to_at == place.to_at)


def _cut(place: _Place, step: timedelta) -> Iterator[Span]:
    from_at = place.from_at
    while from_at < place.to_at:
        to_at = min(from_at + step, place.to_at)
        yield from_at, to_at
        from_at = to_at
