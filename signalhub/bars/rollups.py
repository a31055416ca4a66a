"""Rollups: dirty ranges rolled up to every coarser timeframe, level by level, on both editions.

Only closed buckets are rolled up. A range is forgotten by `finish`, after everything that hangs on it was
computed: a crash before that repeats the work and loses nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import psycopg

from signalhub.db.connection import Connection
from signalhub.db.edition import TIMESCALE
from signalhub.db.engine import Database
from signalhub.db.queries import Queries
from signalhub.domain import timeframe as timeframes
from signalhub.domain.timeframe import ROLLED_UP, Timeframe

_SQL = Queries("bars/rollups")
_TRIES = 20


@dataclass(frozen=True)
class Touched:
    """An (instrument, timeframe) whose closed bars from `from_at` on are new or changed."""

    instrument_id: int
    timeframe: Timeframe
    from_at: datetime


@dataclass(frozen=True)
class Refreshed:
    """Dirty ranges that were rolled up and wait for `finish`."""

    dirty_ids: list[int]
    touched: list[Touched]
    now: datetime


def refresh(database: Database, now: datetime, report: Callable[[str], None] = lambda _: None) -> Refreshed:
    """Rolls up every range that is dirty and closed by `now`.

    Guarantees: run again it changes nothing; a reader sees each level change at once. On TimescaleDB each
    level is its own transaction, for a refresh refuses to run inside one.
    """
    with database.transaction() as connection:
        dirty_ids = [row["dirty_id"] for row in _SQL.rows(connection, "due_ranges", now=now)]
        if not dirty_ids:
            return Refreshed([], [], now)
        touched = [
            Touched(row["instrument_id"], timeframes.parse(row["timeframe"]), row["from_at"])
            for row in _SQL.rows(connection, "touched", dirty_ids=dirty_ids, now=now)
        ]
    for level in ROLLED_UP:
        report(f"rolling up {level}")
        refresh_level = _refresh_aggregate if database.edition == TIMESCALE else _refresh_table
        refresh_level(database, level, dirty_ids, now)
    return Refreshed(dirty_ids, touched, now)


def finish(connection: Connection, refreshed: Refreshed) -> None:
    """Forgets the ranges; levels whose last bucket is still forming stay dirty there."""
    parameters = {"dirty_ids": refreshed.dirty_ids}
    _SQL.run(connection, "keep_forming", **parameters, now=refreshed.now)
    _SQL.run(connection, "forget_ranges", **parameters)


def _refresh_table(database: Database, level: Timeframe, dirty_ids: list[int], now: datetime) -> None:
    with database.transaction() as connection:
        _SQL.run(connection, f"refresh_{level}", dirty_ids=dirty_ids, now=now)


def _refresh_aggregate(database: Database, level: Timeframe, dirty_ids: list[int], now: datetime) -> None:
    with database.autocommit() as connection:
        windows = _SQL.rows(connection, "windows", dirty_ids=dirty_ids, timeframe=level.code, now=now)
        for window in windows:
            _call_refresh(connection, level, window["from_at"], window["to_at"])


def _call_refresh(connection: Connection, level: Timeframe, from_at: datetime, to_at: datetime) -> None:
    # One pass: the default of ten buckets a batch takes minutes for a history of years.
    statement = (
        f"CALL refresh_continuous_aggregate('market.bars_{level}', %s::timestamptz, %s::timestamptz, "
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
