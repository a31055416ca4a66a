"""Rollups: dirty ranges rolled up to every coarser timeframe, level by level, on both editions.

Only closed buckets are rolled up. A range is forgotten by `finish`, after everything that hangs on it was
computed: a crash before that repeats the work and loses nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from signalhub.bars import refreshes
from signalhub.db.connection import Connection
from signalhub.db.copy import array_of
from signalhub.db.edition import TIMESCALE
from signalhub.db.engine import Database
from signalhub.db.queries import Queries
from signalhub.domain import timeframe as timeframes
from signalhub.domain.timeframe import M1, ROLLED_UP, Timeframe

_SQL = Queries("bars/rollups")
_TRIES = 20
_Due = dict[str, Any]


class Touched(NamedTuple):
    """An (instrument, timeframe) of which closed bars that open in [from_at, to_at) are new or changed."""

    instrument_id: int
    timeframe: Timeframe
    from_at: datetime
    to_at: datetime | None = None
    """None: up to the end."""


@dataclass(frozen=True)
class Refreshed:
    """Dirty ranges that were rolled up and wait for `finish`."""

    dirty_ids: list[int]
    touched: list[Touched]
    now: datetime


def refresh(database: Database, now: datetime, report: Callable[[str], None] = lambda _: None) -> Refreshed:
    """Rolls up every range that is dirty and closed by `now`.

    Guarantees: run again it changes nothing; a reader sees each level change at once; what was made from bars that
    were dropped since stays as it is. On TimescaleDB each level is its own transaction, for a refresh refuses to run
    inside one.
    """
    with database.transaction() as connection:
        dirty_ids: list[int] = _SQL.scalar(connection, "due_ranges", now=now)
        if not dirty_ids:
            return Refreshed([], [], now)
        due = {"dirty_ids": array_of(dirty_ids), "now": now}
        touched = _touched(connection, due)
    # Each level is made from the one below it, also where the bars themselves are coarser.
    coarsest = max((item.timeframe for item in touched), default=M1)
    levels = [level for level in ROLLED_UP if level <= coarsest]
    if levels:
        refresh_levels = _refresh_aggregates if database.edition == TIMESCALE else _refresh_tables
        refresh_levels(database, levels, due, report)
    return Refreshed(dirty_ids, touched, now)


def finish(connection: Connection, refreshed: Refreshed) -> None:
    """Forgets the ranges; levels whose last bucket is still forming stay dirty there. What was written is on record.

    In one transaction: until a reader can know of the new rows, they are dirty.
    """
    parameters = {"dirty_ids": array_of(refreshed.dirty_ids)}
    _SQL.run(connection, "keep_forming", **parameters, now=refreshed.now)
    _SQL.run(connection, "forget_ranges", **parameters)
    changes = ((item.instrument_id, item.timeframe, item.from_at) for item in refreshed.touched)
    refreshes.record(connection, changes, refreshed.now)


def rebuild(database: Database, level: Timeframe, from_at: datetime, to_at: datetime) -> None:
    """Makes a continuous aggregate's buckets again where nothing is known to have changed: for a repair."""
    with database.autocommit() as connection:
        _call_refresh(connection, level, from_at, to_at, force=True)


def _touched(connection: Connection, due: _Due) -> list[Touched]:
    return [
        Touched(instrument_id, timeframes.parse(row["timeframe"]), row["from_at"], row["to_at"])
        for row in _SQL.rows(connection, "touched", **due)
        for instrument_id in sorted(row["instrument_ids"])
    ]


def _refresh_tables(database: Database, levels: Sequence[Timeframe], due: _Due, report: Callable[[str], None]) -> None:
    with database.transaction() as connection:
        for level in levels:
            report(f"rolling up {level}")
            _SQL.run(connection, f"refresh_{level}", now=due["now"])


def _refresh_aggregates(
    database: Database, levels: Sequence[Timeframe], due: _Due, report: Callable[[str], None]
) -> None:
    with database.autocommit() as connection:
        windows = _SQL.rows(connection, "windows", **due)
        is_anything_dropped = _SQL.scalar(connection, "is_anything_dropped")
        for level in levels:
            report(f"rolling up {level}")
            for window in windows:
                if window["timeframe"] == level.code:
                    _call_refresh(connection, level, window["from_at"], window["to_at"])
            for old in _SQL.rows(connection, "old_ranges", **due, timeframe=level.code) if is_anything_dropped else []:
                _SQL.run(connection, "roll_up_range", **old, timeframe=level.code)


def _call_refresh(
    connection: Connection, level: Timeframe, from_at: datetime, to_at: datetime, *, force: bool = False
) -> None:
    # One pass: the default of ten buckets a batch takes minutes for a history of years.
    statement = (
        f"CALL refresh_continuous_aggregate('market.bars_{level}', %s::timestamptz, %s::timestamptz, {force}, "
        """options => '{"buckets_per_batch": 0}')"""
    )
    for attempt in range(_TRIES):
        try:
            connection.execute(statement.encode(), (from_at, to_at))
            return
        except psycopg.errors.LockNotAvailable:
            # Another refresh of the same aggregate is under way (somebody's policy, a second process).
            if attempt == _TRIES - 1:
                raise
            time.sleep(0.05 * (attempt + 1))
