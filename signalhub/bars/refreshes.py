"""Refreshes on record: which stored rows were written, so that whoever keeps rows knows exactly what to read again.

A reader remembers the newest id it has seen; ids grow in the order in which their transactions commit. One that fell
behind what is kept reads everything again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby

from signalhub.db.connection import Connection
from signalhub.db.copy import array_of
from signalhub.db.queries import Queries
from signalhub.domain.timeframe import TIMEFRAMES, Timeframe

_SQL = Queries("bars/refreshes")
_EVER = datetime(1900, 1, 1, tzinfo=UTC)
Change = tuple[int, Timeframe, datetime]
"""An instrument, a timeframe, and from which open on its bars or indicators may be others than before."""


def record(connection: Connection, changes: Iterable[Change], now: datetime) -> None:
    """Says so, in the transaction that makes the change seen: its last statement, for others wait for it."""
    ordered = sorted(changes, key=lambda change: (change[1], change[0]))
    if not ordered:
        return
    _SQL.run(connection, "begin_recording")
    for timeframe, group in groupby(ordered, key=lambda change: change[1]):
        of_one = list(group)
        _SQL.run(
            connection,
            "record",
            timeframe=timeframe.code,
            instrument_ids=array_of(change[0] for change in of_one),
            from_ats=array_of(change[2] for change in of_one),
            now=now,
        )


def record_whole(connection: Connection, instrument_ids: Sequence[int], now: datetime) -> None:
    """All rows of some instruments may be others, or gone, in every timeframe."""
    record(connection, [(key, timeframe, _EVER) for key in instrument_ids for timeframe in TIMEFRAMES], now)


def forget(connection: Connection, before: datetime) -> int:
    """Forgets refreshes from before an instant, never the newest one; how many they were."""
    return _SQL.run(connection, "forget", before=before)
