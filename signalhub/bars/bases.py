"""Ruling bases as rows of market.instrument_bases, brought up to date after each batch of bars."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from signalhub.db.connection import Connection
from signalhub.db.copy import array_of
from signalhub.db.queries import Queries
from signalhub.domain import timeframe as timeframes
from signalhub.domain.bases import BaseDay, ruling_bases
from signalhub.domain.timeframe import D1, Timeframe

_SQL = Queries("bars/bases")
_LATELY = timedelta(days=7)
"""Who goes on as before had a bar in this time."""
_Changes = list[tuple[datetime | None, Timeframe]]


def update_bases(connection: Connection, written: pl.DataFrame, timeframe: Timeframe) -> None:
    """Lets the right base rule on each day, after bars of `timeframe` were written.

    Shape: a row per instrument: instrument_id, and first_at, the first open that was written.
    An instrument with one base costs nothing, nor does one that goes on as before; else it is looked at day by day.
    Where another base rules now, everything from that day on is recorded as dirty.
    """
    if written.is_empty():
        return
    instrument_ids, first_ats = array_of(written["instrument_id"]), array_of(written["first_at"])
    since = D1.floor(written.select(pl.col("first_at").min()).item() - _LATELY)
    parameters = {"instrument_ids": instrument_ids, "first_ats": first_ats, "since": since}
    for row in _SQL.rows(connection, "with_another_base", **parameters, timeframe=timeframe.code):
        _rule_anew(connection, row["instrument_id"])


def _rule_anew(connection: Connection, instrument_id: int) -> None:
    days = [
        BaseDay(timeframes.parse(row["base_timeframe"]), row["day"], row["first_at"], row["last_at"])
        for row in _SQL.rows(connection, "days", instrument_id=instrument_id)
    ]
    changes = ruling_bases(days)
    stored = _stored(connection, instrument_id)
    if changes == stored:
        return
    _SQL.run(connection, "delete", instrument_id=instrument_id)
    _SQL.run(
        connection,
        "insert",
        instrument_id=instrument_id,
        bases=[base.code for _, base in changes],
        rules_from=[day for day, _ in changes],
    )
    first_change = _first_difference(changes, stored) or days[0].first_at
    _SQL.run(connection, "record_dirty", instrument_id=instrument_id, from_at=first_change)


def _stored(connection: Connection, instrument_id: int) -> _Changes:
    rows = _SQL.rows(connection, "stored", instrument_id=instrument_id)
    return [(row["rules_from"], timeframes.parse(row["base_timeframe"])) for row in rows]


def _first_difference(changes: _Changes, stored: _Changes) -> datetime | None:
    """The first instant from which another base rules; None when that is for ever before."""
    differing = set(changes) ^ set(stored)
    instants = [day for day, _ in differing]
    return None if None in instants else min(day for day in instants if day is not None)
