"""Kept snapshots: the frame of each timeframe stays in memory from close to close and is topped up with new rows only.

What was written since, and reaches into rows that are kept, is known from market.refreshes and read again: a kept
snapshot says what a snapshot read whole would say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from threading import Lock
from typing import NamedTuple, cast

import polars as pl

from signalhub.db.connection import Connection
from signalhub.db.copy import array_of
from signalhub.db.queries import Queries
from signalhub.domain.timeframe import TIMEFRAMES, Timeframe
from signalhub.snapshot.frame import (
    BAR_VALUES,
    Snapshot,
    ascending,
    by_timeframe,
    first_incomplete,
    firsts,
    rows_before,
)
from signalhub.snapshot.joined import Wanted
from signalhub.snapshot.loading import LONGEST_BREAK, Rows, Spans, assembled, read_rows, stored
from signalhub.snapshot.portion import WHOLE, Portion

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
class _Held:
    """Rows, and what is asked of them at every close, whether they have changed or not."""

    frame: pl.DataFrame

    @cached_property
    def firsts(self) -> dict[int, datetime]:
        """Each instrument's first open."""
        return firsts(self.frame)

    @cached_property
    def first_incomplete(self) -> dict[int, datetime]:
        """The open of each instrument's first bar that is not complete, where there is one."""
        return first_incomplete(self.frame)


@dataclass(frozen=True)
class _Entry:
    """Rows of one timeframe up to a close, as they were known when `refresh_id` was the newest refresh."""

    held: _Held
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
    """What one process remembers of its portion. Threads take turns at a timeframe: it is topped up once."""

    def __init__(self, portion: Portion = WHOLE) -> None:
        self.portion = portion
        self._entries: dict[Timeframe, _Entry] = {}
        self._turns = {timeframe: Lock() for timeframe in TIMEFRAMES}

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
        # As many bars of a coarser timeframe: each holds one of the finer ones at least.
        bars = REACH_BARS + cooldown_bars
        needs = [_Need(one, one.floor(close), frozenset(names), bars) for one, names in asked.items()]
        frames, ids = {}, _ids(connection)
        with self._turn(asked):
            of_use = {need.timeframe: entry for need in needs if (entry := self._of_use(need, ids)) is not None}
            changed = _changed(connection, of_use, self.portion)
            for need in needs:
                one = need.timeframe
                if one in of_use:
                    topped_up = self._topped_up(connection, one, of_use[one], changed[one], need.close)
                    entry = replace(topped_up, refresh_id=ids[1])
                    hits += 1
                else:
                    entry = self._whole(connection, need, ids[1])
                # Another thread may make us forget it at any time.
                self._entries[one], frames[one] = entry, entry.held.frame
        own = _of_close(frames.pop(timeframe), close, instrument_ids)
        return assembled(connection, timeframe, [close], Rows(own, frames, hits, len(asked) - hits), wanted)

    @contextmanager
    def _turn(self, timeframes: Iterable[Timeframe]) -> Iterator[None]:
        """Alone at these timeframes. Everybody takes them from the finest up, so that nobody waits in a circle."""
        with ExitStack() as stack:
            for timeframe in sorted(timeframes):
                stack.enter_context(self._turns[timeframe])
            yield

    def _of_use(self, need: _Need, ids: tuple[int, int]) -> _Entry | None:
        """What is kept, where it can be topped up to what is needed. `ids`: see `_ids`."""
        entry, (oldest, newest) = self._entries.get(need.timeframe), ids
        if entry is None or not (entry.columns >= need.columns and entry.bars >= need.bars):
            return None
        # One that was topped up by somebody who saw more of the store than this connection does knows too much.
        is_of_then = oldest <= entry.refresh_id + 1 and entry.refresh_id <= newest
        behind = (need.close - entry.close) // need.timeframe.span
        return entry if is_of_then and 0 <= behind <= _MOST_NEW else None

    def _whole(self, connection: Connection, need: _Need, newest: int) -> _Entry:
        timeframe, close, columns, bars = need
        entry = self._entries.get(timeframe)
        if entry is not None:
            # Who asks for other columns will ask for them again.
            columns, bars = columns | entry.columns, max(bars, entry.bars)
        spans = self._newest(connection, timeframe, close, bars)
        frame = read_rows(connection, timeframe, spans, close, sorted(columns))
        return _Entry(_Held(frame), columns, close, newest, bars)

    def _topped_up(
        self,
        connection: Connection,
        timeframe: Timeframe,
        entry: _Entry,
        changed: Mapping[int, datetime],
        close: datetime,
    ) -> _Entry:
        """The entry with the rows up to a close, those read again that `changed` or may have been completed."""
        held, since = entry.held.firsts, dict(changed)
        if close > entry.close:
            asked = {"first_open": entry.close, "last_open": close - timeframe.span, **self.portion.asked}
            new = _SQL.rows(connection, "new_instruments", timeframe=timeframe.code, known_ids=array_of(held), **asked)
            since |= {row["instrument_id"]: entry.close for row in new}
        # Whether a bar is complete hangs on the watermark too.
        for key, from_at in entry.held.first_incomplete.items():
            since[key] = min(from_at, since.get(key, from_at))
        if not since and close == entry.close:
            return entry
        whole = {key for key, from_at in since.items() if from_at <= held.get(key, from_at)}
        kept = rows_before(entry.held.frame, since)
        from_ats = {key: since.get(key, entry.close) for key in held if key not in whole}
        parts = [kept, _read(connection, timeframe, entry, from_ats, close)]
        if whole:
            spans = self._newest(connection, timeframe, close, entry.bars, list(whole))
            parts.append(_read(connection, timeframe, entry, spans.by_id, close))
        frame = kept if all(part.is_empty() for part in parts[1:]) else ascending(pl.concat(parts))
        return replace(entry, held=_Held(_trimmed(frame, entry.bars)), close=close)

    def _newest(
        self,
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
            **self.portion.asked,
        )
        return Spans.of(rows)


def _ids(connection: Connection) -> tuple[int, int]:
    """Of the oldest refresh that is still on record, and of the newest."""
    row = _SQL.rows(connection, "refresh_ids")[0]
    return row["oldest"], row["newest"]


def _read(
    connection: Connection, timeframe: Timeframe, entry: _Entry, from_ats: dict[int, datetime], close: datetime
) -> pl.DataFrame:
    if not from_ats or min(from_ats.values()) >= close:
        return entry.held.frame.clear()
    spans = Spans(list(from_ats), list(from_ats.values()))
    return read_rows(connection, timeframe, spans, close, sorted(entry.columns)).select(entry.held.frame.columns)


def _changed(
    connection: Connection, entries: Mapping[Timeframe, _Entry], portion: Portion
) -> dict[Timeframe, dict[int, datetime]]:
    """Instruments some of whose kept rows may be otherwise now, and from when on."""
    rows = _SQL.rows(
        connection,
        "changed_since",
        timeframes=[timeframe.code for timeframe in entries],
        refresh_ids=[entry.refresh_id for entry in entries.values()],
        kept_untils=[entry.close for entry in entries.values()],
    )
    return {one: portion.among(instants) for one, instants in by_timeframe(rows, entries).items()}


def _trimmed(frame: pl.DataFrame, bars: int) -> pl.DataFrame:
    """The last bars of each instrument, where some have many more."""
    longest = cast("int | None", frame["instrument_id"].value_counts()["count"].max())
    if longest is None or longest <= bars + 1 + _SLACK:
        return frame
    return frame.group_by("instrument_id", maintain_order=True).tail(bars + 1)


def _of_close(frame: pl.DataFrame, close: datetime, instrument_ids: Sequence[int] | None) -> pl.DataFrame:
    """The rows of the instruments that have a bar at the close, of those that are asked for."""
    present = frame["instrument_id"].filter(frame["close_at"] == close)
    if instrument_ids is not None:
        present = present.filter(present.is_in(list(instrument_ids)))
    if present.len() == frame["instrument_id"].n_unique():
        return frame
    return frame.filter(pl.col("instrument_id").is_in(present.implode()))
