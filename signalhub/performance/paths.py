"""Paths: the base bars that signals are walked over, one array a value, of many instruments.

Where an instrument's base bars are the bars of the timeframe, they are the columns at hand; else they are read, of the
spans that signals look at alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.datatypes import DataType

from signalhub.db.connection import Connection
from signalhub.db.copy import array_of, copy_out
from signalhub.db.queries import Queries
from signalhub.domain.timeframe import TIMEFRAMES, Timeframe

_SQL = Queries("performance/walking")
_PRICES = ("open", "high", "low", "close")
_SCHEMA: dict[str, DataType] = {
    "instrument_id": pl.Int32(),
    "opened": pl.Int64(),
    "closed": pl.Int64(),
    "base": pl.Int32(),
    **{name: pl.Float64() for name in (*_PRICES, "price_factor")},
}
_MOST_MINUTES = 4_000_000
"""Spans are read so many minutes at once: of bars of one minute, that is 400 MB."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Paths:
    """Base bars, ascending by (instrument_id, open).

    Units: minutes since 1970; raw prices, or those of the columns where the factor is 1 throughout; `bases` are
    positions of timeframes.
    """

    instrument_ids: Ints
    opened: Ints
    closed: Ints
    bases: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    price_factors: Floats

    @property
    def open_keys(self) -> Ints:
        """Instrument and open in one ascending number."""
        return keys(self.instrument_ids, self.opened)

    @property
    def close_keys(self) -> Ints:
        """Instrument and close in one ascending number."""
        return keys(self.instrument_ids, self.closed)


def keys(instrument_ids: Ints, minutes: Ints) -> Ints:
    """(instrument, minute) as one number in their order. Minutes need 32 bits until the year 10136."""
    return (instrument_ids.astype(np.int64) << 32) | minutes


def of_columns(frame: pl.DataFrame, timeframe: Timeframe) -> Paths:
    """The paths of instruments whose base bars are those of the timeframe."""
    opened = minutes_of(frame["open_at"])
    return Paths(
        instrument_ids=frame["instrument_id"].to_numpy().astype(np.int64),
        opened=opened,
        closed=opened + timeframe.seconds // 60,
        bases=np.full(frame.height, TIMEFRAMES.index(timeframe) + 1),
        price_factors=frame["price_factor"].to_numpy(),
        **{name: frame[name].to_numpy() for name in _PRICES},
    )


def read(connection: Connection, instrument_ids: Ints, closes: Ints, horizons: Ints) -> Iterator[tuple[Ints, Paths]]:
    """The paths of signals by instrument, in parts: which of the signals are of the part, and its paths.

    Units: minutes since 1970.
    """
    order = np.lexsort((closes, instrument_ids))
    part: list[int] = []
    spans: list[list[int]] = []
    reached = 0
    for index in order.tolist():
        key, from_at, until_at = int(instrument_ids[index]), int(closes[index]), int(horizons[index])
        if reached > _MOST_MINUTES and spans and spans[-1][0] != key:
            yield np.array(part), _read(connection, spans)
            part, spans, reached = [], [], 0
        part.append(index)
        if spans and spans[-1][0] == key and from_at <= spans[-1][2]:
            reached += max(0, until_at - spans[-1][2])
            spans[-1][2] = max(spans[-1][2], until_at)
        else:
            spans.append([key, from_at, until_at])
            reached += until_at - from_at
    if part:
        yield np.array(part), _read(connection, spans)


def _read(connection: Connection, spans: Sequence[Sequence[int]]) -> Paths:
    ids, froms, untils = (list(column) for column in zip(*spans, strict=True))
    frame = copy_out(
        connection,
        _SQL,
        "base_bars",
        _SCHEMA,
        instrument_ids=array_of(ids),
        from_ats=array_of(instant(minute) for minute in froms),
        until_ats=array_of(instant(minute) for minute in untils),
        earliest=instant(min(froms)),
        latest=instant(max(untils)),
    ).sort("instrument_id", "opened")
    return Paths(*(frame[name].to_numpy() for name in _SCHEMA))


def minutes_of(instants: pl.Series) -> Ints:
    """Instants as minutes since 1970, rounded down."""
    return instants.dt.epoch("us").to_numpy() // 60_000_000


def instant(minute: int) -> datetime:
    """The instant of a minute since 1970."""
    return _EPOCH + timedelta(minutes=minute)
