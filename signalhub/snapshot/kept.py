"""Kept snapshots: the frame of each timeframe stays in memory from close to close and is topped up with new rows only.

What was written since, and reaches into rows that are kept, is known from market.refreshes and read again: a kept
snapshot says what a snapshot read whole would say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import NamedTuple, cast

import polars as pl

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.domain.timeframe import Timeframe
from signalhub.snapshot.frame import BAR_VALUES, KEY, Snapshot, first_incomplete, firsts, rows_before
from signalhub.snapshot.joined import Wanted
from signalhub.snapshot.loading import LONGEST_BREAK, Rows, Spans, assembled, read_rows, stored

_SQL = Queries("snapshot")
REACH_BARS = 60
"""How many bars back step one may look, cooldown aside."""
_MOST_NEW = 30
"""More new bars than that are read whole: there was a pause, and a block is not far."""
_SLACK = 16
"""Bars more than needed that are kept before the oldest are thrown away: throwing away copies everything."""


_SPARSEST = 8
"""A market that has a bar in every eighth span at least: a stock exchange, weekends included."""


@dataclass(frozen=True)
class _Entry:
    """Rows of one timeframe up to a close, as they were known when `refresh_id` was the newest refresh."""

    frame: pl.DataFrame
    columns: frozenset[str]
    close: datetime
    refresh_id: int
    bars: int


class _Need(NamedTuple):
    """What an entry must hold."""

    timeframe: Timeframe
    close: datetime
    columns: frozenset[str]
    bars: int


class Kept:
    """What one process remembers. Several threads take turns: a frame is topped up once, whoever asks first."""

    def __init__(self) -> None:
        self._entries: dict[Timeframe, _Entry] = {}
        self._turn = Lock()

    def forget(self) -> None:
        """Everything is read whole next time."""
        self._entries.clear()

    def load(
        self,
        connection: Connection,
        timeframe: Timeframe,
        close: datetime,
        instrument_ids: Sequence[int] | None,
        columns: Sequence[str],
        cooldown_bars: int,
    ) -> Snapshot:
        """The snapshot of one close, as `snapshot.load` gives it. The connection sees the store of one instant.

        `cooldown_bars`: the longest look back of any strategy for a cooldown.
        """
        wanted, hits = Wanted.of(columns), 0
        above = wanted.timeframes(timeframe)
        asked = {timeframe: stored(columns)}
        asked |= {one: [name for name in names if name not in BAR_VALUES] for one, names in above.items()}
        frames, ids = {}, _ids(connection)
        with self._turn:
            for one, names in asked.items():
                # As many bars of a coarser timeframe: each holds one of the finer ones at least.
                bars = REACH_BARS + cooldown_bars
                need = _Need(one, one.floor(close), frozenset(names), bars)
                hits += self._bring_up(connection, need, ids)
                frames[one] = self._entries[one].frame
        own = _of_close(frames.pop(timeframe), close, instrument_ids)
        return assembled(connection, timeframe, [close], Rows(own, frames, hits, len(asked) - hits), wanted)

    def _bring_up(self, connection: Connection, need: _Need, ids: tuple[int, int]) -> bool:
        """Makes the entry hold a close; whether what was kept could be used. `ids`: see `_ids`."""
        timeframe, close, columns, bars = need
        entry, (oldest, newest) = self._entries.get(timeframe), ids
        # One that was topped up by somebody who saw more of the store than this connection does knows too much.
        is_of_then = entry is not None and oldest <= entry.refresh_id + 1 and entry.refresh_id <= newest
        if entry is not None and is_of_then and entry.columns >= columns and entry.bars >= bars:
            behind = (close - entry.close) // timeframe.span
            if 0 <= behind <= _MOST_NEW:
                self._entries[timeframe] = _topped_up(connection, timeframe, entry, close, newest)
                return True
        if entry is not None:
            # Whoever asks for other columns will ask for them again.
            columns, bars = columns | entry.columns, max(bars, entry.bars)
        spans = _newest(connection, timeframe, close, bars)
        frame = read_rows(connection, timeframe, spans, close, sorted(columns))
        self._entries[timeframe] = _Entry(frame, columns, close, newest, bars)
        return False


def _ids(connection: Connection) -> tuple[int, int]:
    """Of the oldest refresh that is still on record, and of the newest."""
    row = _SQL.rows(connection, "refresh_ids")[0]
    return row["oldest"], row["newest"]


def _topped_up(connection: Connection, timeframe: Timeframe, entry: _Entry, close: datetime, newest: int) -> _Entry:
    held = firsts(entry.frame)
    since = _changed(connection, timeframe, entry, held, close)
    whole = {key for key, from_at in since.items() if from_at <= held.get(key, from_at)}
    kept = rows_before(entry.frame, since)
    from_ats = {key: since.get(key, entry.close) for key in held if key not in whole}
    parts = [kept, _read(connection, timeframe, entry, from_ats, close)]
    if whole:
        spans = _newest(connection, timeframe, close, entry.bars, list(whole))
        parts.append(_read(connection, timeframe, entry, spans.by_id, close))
    frame = kept if all(part.is_empty() for part in parts[1:]) else pl.concat(parts).sort(list(KEY))
    frame = _trimmed(frame, entry.bars)
    return _Entry(frame, entry.columns, close, newest, entry.bars)


def _newest(
    connection: Connection,
    timeframe: Timeframe,
    close: datetime,
    bars: int,
    instrument_ids: Sequence[int] | None = None,
) -> Spans:
    """The bars before a close and its own, also of instruments whose market is closed then."""
    rows = _SQL.rows(
        connection,
        "newest_spans",
        timeframe=timeframe.code,
        last_open=close - timeframe.span,
        not_before=close - LONGEST_BREAK - _SPARSEST * bars * timeframe.span,
        bars=bars + 1,
        instrument_ids=instrument_ids,
    )
    return Spans.of(rows)


def _read(
    connection: Connection, timeframe: Timeframe, entry: _Entry, from_ats: dict[int, datetime], close: datetime
) -> pl.DataFrame:
    if not from_ats or min(from_ats.values()) >= close:
        return entry.frame.clear()
    spans = Spans(list(from_ats), list(from_ats.values()))
    return read_rows(connection, timeframe, spans, close, sorted(entry.columns)).select(entry.frame.columns)


def _changed(
    connection: Connection, timeframe: Timeframe, entry: _Entry, held: dict[int, datetime], close: datetime
) -> dict[int, datetime]:
    """Instruments some of whose kept rows may be otherwise now, or that are new, and from when on."""
    rows = _SQL.rows(
        connection,
        "changed_since",
        timeframe=timeframe.code,
        refresh_id=entry.refresh_id,
        kept_until=entry.close,
    )
    since: dict[int, datetime] = {row["instrument_id"]: row["from_at"] for row in rows}
    span = {"first_open": entry.close, "last_open": close - timeframe.span}
    new = _SQL.rows(connection, "new_instruments", timeframe=timeframe.code, known_ids=list(held), **span)
    since |= {row["instrument_id"]: entry.close for row in new}
    # Whether a bar is complete hangs on the watermark too.
    for key, from_at in first_incomplete(entry.frame).items():
        since[key] = min(from_at, since.get(key, from_at))
    return since


def _trimmed(frame: pl.DataFrame, bars: int) -> pl.DataFrame:
    """The last bars of each instrument, where some have many more."""
    longest = cast("int | None", frame["instrument_id"].value_counts()["count"].max())
    if longest is None or longest <= bars + 1 + _SLACK:
        return frame
    return frame.group_by("instrument_id", maintain_order=True).tail(bars + 1)


def _of_close(frame: pl.DataFrame, close: datetime, instrument_ids: Sequence[int] | None) -> pl.DataFrame:
    """The rows of the instruments that have a bar at the close, of those that are asked for."""
    present = frame.filter(pl.col("close_at") == close)["instrument_id"]
    if instrument_ids is not None:
        present = present.filter(present.is_in(list(instrument_ids)))
    if present.len() == frame["instrument_id"].n_unique():
        return frame
    return frame.filter(pl.col("instrument_id").is_in(present.implode()))
