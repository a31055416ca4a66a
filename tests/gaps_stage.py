"""Bars with holes, and what detection makes of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from signalhub.bars import gaps, ingest
from signalhub.bars.gaps import EVER, LACKING, Detected
from signalhub.db.engine import Database
from signalhub.domain.timeframe import M1, Timeframe
from tests.market import NEXT_YEAR, bar, frame, put, rows

Found = tuple[datetime, datetime, int, int, str]
"""from, to, expected, missing, status."""


def put_at(database: Database, instrument_id: int, opens: Iterable[datetime], timeframe: Timeframe = M1) -> None:
    """Bars at these times, which were all there were up to the last one."""
    times = sorted(opens)
    put(database, frame(bar(instrument_id, open_at, 100.0 + n) for n, open_at in enumerate(times)), timeframe)
    settle(database, instrument_id, times[-1] + timeframe.span, timeframe)


def settle(database: Database, instrument_id: int, through: datetime, timeframe: Timeframe = M1) -> None:
    """Moves the watermark."""
    with database.transaction() as connection:
        ingest.settle(connection, timeframe, {instrument_id: through})


def detect(database: Database, instrument_id: int, since: datetime = EVER, now: datetime = NEXT_YEAR) -> Detected:
    """One detection in a transaction of its own."""
    with database.transaction() as connection:
        return gaps.detect(connection, [instrument_id], since, now)


def found(database: Database, instrument_id: int, *statuses: str) -> list[Found]:
    """The gaps on record, by time; those that lack bars unless others are asked for."""
    query = (
        "SELECT from_at, to_at, expected, missing, status FROM market.gaps "
        "WHERE instrument_id = %s AND status = ANY(%s) ORDER BY from_at"
    )
    wanted = rows(database, query, (instrument_id, list(statuses or LACKING)))
    return [(row["from_at"], row["to_at"], row["expected"], row["missing"], row["status"]) for row in wanted]


def every(timeframe: Timeframe, start: datetime, end: datetime) -> list[datetime]:
    """All grid points of [start, end)."""
    return [start + n * timeframe.span for n in range((end - start) // timeframe.span)]
