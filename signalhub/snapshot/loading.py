"""Loading: a block's snapshot read from the store, whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import polars as pl

from signalhub.bars import sessions
from signalhub.db.connection import Connection
from signalhub.db.copy import array_of, copy_out
from signalhub.db.queries import Queries
from signalhub.domain.bar import OPEN_AT
from signalhub.domain.session import Calendar
from signalhub.domain.timeframe import Timeframe, coarser
from signalhub.indicators.columns import INDICATOR_COLUMNS
from signalhub.snapshot.frame import (
    BAR_VALUES,
    BARS,
    CONTEXT_BARS,
    KEY,
    OUTLIERS,
    UNLISTED,
    Snapshot,
    by_timeframe,
    indicators,
)
from signalhub.snapshot.joined import OBSERVATION_AGE, Wanted, dirty_from, is_joined, with_contexts, with_observations

_SQL, _INDICATORS_SQL = Queries("snapshot"), Queries("snapshot_indicators")
LONGEST_BREAK = timedelta(days=21)
"""No calendar is closed for longer; a context's bar from before that is out of date anyhow."""
_OBSERVATIONS = {
    "instrument_id": pl.Int32(),
    "kind": pl.String(),
    "close_at": OPEN_AT,
    "observed_at": OPEN_AT,
    "value": pl.Float64(),
}


@dataclass(frozen=True)
class Spans:
    """From where on some instruments are read."""

    instrument_ids: Sequence[int]
    from_ats: Sequence[datetime]

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]]) -> Spans:
        """Those that rows with instrument_id and from_at tell."""
        return cls([row["instrument_id"] for row in rows], [row["from_at"] for row in rows])

    @property
    def by_id(self) -> dict[int, datetime]:
        """The same, to be looked up."""
        return dict(zip(self.instrument_ids, self.from_ats, strict=True))

    def asked(self, timeframe: Timeframe, last_open: datetime) -> dict[str, object]:
        """The parameters of queries that read their bars or indicators, up to one that opens at `last_open`."""
        return {
            "timeframe": timeframe.code,
            "last_open": last_open,
            "instrument_ids": array_of(self.instrument_ids),
            "from_ats": array_of(self.from_ats),
            "first_needed": min(self.from_ats, default=last_open),
        }


def load(
    connection: Connection,
    timeframe: Timeframe,
    closes: Sequence[datetime],
    instrument_ids: Sequence[int] | None = None,
    columns: Iterable[str] = INDICATOR_COLUMNS,
) -> Snapshot:
    """Reads the snapshot of a block of closes (ascending, not empty) of all or some instruments.

    `columns`: what is wanted beside the bars: indicators, and joined ones such as `4h.close` and `obs.open_interest`;
    moving data is what costs.
    """
    named = list(columns)
    spans = spans_of(connection, timeframe, closes, instrument_ids)
    frame = read_rows(connection, timeframe, spans, closes[-1], stored(named))
    wanted = Wanted.of(named)
    between = first_close(frame, closes), closes[-1]
    contexts = {
        above: _context_rows(connection, above, spans.instrument_ids, between, names)
        for above, names in wanted.timeframes(timeframe).items()
    }
    rows = Rows(frame, contexts, misses=1 + len(contexts))
    return assembled(connection, timeframe, closes, rows, wanted)


@dataclass(frozen=True)
class Rows:
    """What was read: rows of the timeframe itself and of those that are joined to it; how many frames were kept."""

    frame: pl.DataFrame
    contexts: Mapping[Timeframe, pl.DataFrame]
    hits: int = 0
    misses: int = 0


def assembled(
    connection: Connection, timeframe: Timeframe, closes: Sequence[datetime], rows: Rows, wanted: Wanted
) -> Snapshot:
    """A snapshot of rows that were read, with what is joined to them, and what else is known of them."""
    frame, between = rows.frame, (first_close(rows.frame, closes), closes[-1])
    ids = frame["instrument_id"].unique(maintain_order=True).to_list()
    if wanted.contexts:
        calendars = _calendars(connection, ids, between) if rows.contexts else {}
        frame = with_contexts(frame, timeframe, wanted, rows.contexts, calendars)
    if wanted.kinds:
        frame = with_observations(frame, wanted, _observations(connection, timeframe, ids, wanted.kinds, between))
    unlisted = _SQL.rows(connection, "unlisted", first_close=closes[0], last_close=closes[-1])
    dirty = _dirty(connection, [timeframe, *wanted.timeframes(timeframe)], closes[-1])
    return Snapshot(
        timeframe,
        closes,
        frame,
        dirty[timeframe],
        pl.DataFrame(unlisted, schema=UNLISTED),
        _outliers(connection, timeframe, frame, closes[-1]),
        _dirty_contexts(timeframe, dirty, wanted),
        rows.hits,
        rows.misses,
    )


def first_close(frame: pl.DataFrame, closes: Sequence[datetime]) -> datetime:
    """The first close of a frame; of an empty one, that of its block."""
    return cast("datetime | None", frame["close_at"].min()) or closes[0]


def stored(columns: Iterable[str]) -> list[str]:
    """Those of the columns that are indicators."""
    return [name for name in columns if not is_joined(name)]


def spans_of(
    connection: Connection,
    timeframe: Timeframe,
    closes: Sequence[datetime],
    instrument_ids: Sequence[int] | None = None,
) -> Spans:
    """From where on each instrument that has a bar at one of the closes is read: CONTEXT_BARS before the first."""
    rows = _SQL.rows(
        connection,
        "spans",
        timeframe=timeframe.code,
        first_open=closes[0] - timeframe.span,
        last_open=closes[-1] - timeframe.span,
        context=CONTEXT_BARS,
        instrument_ids=None if instrument_ids is None else list(instrument_ids),
    )
    return Spans.of(rows)


def read_rows(
    connection: Connection, timeframe: Timeframe, spans: Spans, last_close: datetime, columns: Iterable[str]
) -> pl.DataFrame:
    """Bars with indicators of the spans up to a close, with close_at, ascending by instrument and time."""
    span = spans.asked(timeframe, last_close - timeframe.span)
    bars = copy_out(connection, _SQL, "load_bars", BARS, **span)
    found = copy_out(connection, _INDICATORS_SQL, "load_indicators", indicators(columns), **span)
    frame = bars.join(found, on=list(KEY), how="inner").sort(list(KEY))
    return frame.with_columns(close_at=pl.col("open_at") + timeframe.span)


def _context_rows(
    connection: Connection,
    above: Timeframe,
    instrument_ids: Sequence[int],
    between: tuple[datetime, datetime],
    columns: Sequence[str],
) -> pl.DataFrame:
    """Rows of a coarser timeframe from the last that had closed by the first instant to the last one's."""
    first_at, last_at = above.floor(between[0]), above.floor(between[1])
    rows = _SQL.rows(
        connection,
        "context_spans",
        timeframe=above.code,
        first_at=first_at,
        not_before=first_at - LONGEST_BREAK,
        instrument_ids=array_of(instrument_ids),
    )
    return read_rows(connection, above, Spans.of(rows), last_at, [name for name in columns if name not in BAR_VALUES])


def _calendars(
    connection: Connection, instrument_ids: Sequence[int], between: tuple[datetime, datetime]
) -> dict[int, Calendar]:
    """Of the instruments that do not trade always."""
    rows = _SQL.rows(connection, "calendars", instrument_ids=array_of(instrument_ids))
    known = {
        name: sessions.load(connection, name, between[0] - LONGEST_BREAK, between[1])
        for name in sorted({row["calendar"] for row in rows})
    }
    return {row["instrument_id"]: known[row["calendar"]] for row in rows}


def _observations(
    connection: Connection,
    timeframe: Timeframe,
    instrument_ids: Sequence[int],
    kinds: Sequence[str],
    between: tuple[datetime, datetime],
) -> pl.DataFrame:
    return copy_out(
        connection,
        _SQL,
        "observations",
        _OBSERVATIONS,
        timeframe=timeframe.code,
        instrument_ids=array_of(instrument_ids),
        kinds=list(kinds),
        observed_from=between[0] - OBSERVATION_AGE,
        last_close=between[1],
    ).sort("instrument_id", "close_at")


def _dirty(
    connection: Connection, timeframes: Sequence[Timeframe], last_close: datetime
) -> dict[Timeframe, dict[int, datetime]]:
    """Of each of the timeframes, from when on an instrument is dirty, up to the last close that has closed by then."""
    closes = [one.floor(last_close) for one in timeframes]
    rows = _SQL.rows(connection, "dirty_instruments", timeframes=[one.code for one in timeframes], closes=closes)
    return by_timeframe(rows, timeframes)


def _dirty_contexts(
    timeframe: Timeframe, dirty: Mapping[Timeframe, Mapping[int, datetime]], wanted: Wanted
) -> dict[str, dict[int, datetime]]:
    found: dict[str, dict[int, datetime]] = {}
    for key in wanted.contexts:
        above = coarser(timeframe, key)
        if above is not None:
            found[key] = {one: dirty_from(timeframe, above, instant) for one, instant in dirty[above].items()}
    return found


def _outliers(connection: Connection, timeframe: Timeframe, frame: pl.DataFrame, last_close: datetime) -> pl.DataFrame:
    rows = _SQL.rows(
        connection,
        "outliers",
        timeframe=timeframe.code,
        instrument_ids=array_of(frame["instrument_id"].unique()),
        first_open=frame["open_at"].min(),
        last_open=last_close - timeframe.span,
    )
    return pl.DataFrame(rows, schema=OUTLIERS)
