"""Gaps: expected bars that are missing below the watermark, on record from open to filled; and bars filled in.

A bar we filled in ourselves stands in for one that is missing, and takes nothing away from the gap: the first real
bar that comes takes its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import polars as pl

from signalhub.bars import ingest, sessions
from signalhub.bars.ingest import Ingested, Source
from signalhub.db.connection import Connection
from signalhub.db.copy import copy_out
from signalhub.db.queries import Queries
from signalhub.domain import timeframe as timeframes
from signalhub.domain.bar import OPEN_AT
from signalhub.domain.timeframe import Timeframe

STATUSES = ("open", "filled", "unavailable", "closed_session")
LACKING = ("open", "unavailable")
"""Statuses of gaps whose bars are not there."""
EVER = datetime(1, 1, 1, tzinfo=UTC)
"""Since when, where all is meant."""
STAND_IN = Source("filled", is_live=False, is_backfill=False)
"""Who says so where we filled a bar in: known from then on, not since its close, and outranked by everybody."""

_SQL = Queries("bars/gaps")
_STAND_INS = {"instrument_id": pl.Int32(), "open_at": OPEN_AT, "close": pl.Float64()}


@dataclass(frozen=True)
class Detected:
    """What a detection changed: gaps that are new, and gaps that ended."""

    recorded: int = 0
    filled: int = 0
    closed_session: int = 0

    def __add__(self, other: Detected) -> Detected:
        return Detected(
            self.recorded + other.recorded, self.filled + other.filled, self.closed_session + other.closed_session
        )


@dataclass(frozen=True)
class Gap:
    """An open gap, as the feed is asked about it."""

    gap_id: int
    timeframe: Timeframe
    from_at: datetime
    to_at: datetime


def detect(connection: Connection, instrument_ids: Sequence[int], since: datetime, now: datetime) -> Detected:
    """Brings market.gaps up to date with the bars of these instruments from `since` on.

    Guarantees: run again it changes nothing. A gap that reaches beyond `since` is seen whole. What ends before it is
    left as it is, also where its bars came meanwhile.
    """
    ids = list(instrument_ids)
    _SQL.run(connection, "lock_gaps")
    _know_sessions(connection, ids)
    _SQL.run(connection, "create_runs")
    _SQL.run(connection, "find_runs", instrument_ids=ids, since=since)
    _SQL.run(connection, "extend_open")
    ended = [
        row["status"]
        for row in _SQL.rows(connection, "recount", instrument_ids=ids, since=since, now=now)
        if row["is_closed"]
    ]
    recorded = _SQL.run(connection, "record_runs", now=now)
    _SQL.run(connection, "drop_runs")
    return Detected(recorded, ended.count("filled"), ended.count("closed_session"))


def listed(
    connection: Connection, instrument_ids: Sequence[int], since: datetime, statuses: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows of analytics.gaps that end after `since`, by symbol and time, instants in UTC."""
    parameters = {"instrument_ids": list(instrument_ids), "since": since, "statuses": list(statuses)}
    return _SQL.rows(connection, "list", **parameters)


def wanting(connection: Connection, instrument_id: int, since: datetime) -> list[Gap]:
    """The open gaps of an instrument that end after `since`, by base timeframe, oldest first."""
    rows = _SQL.rows(connection, "wanting", instrument_id=instrument_id, since=since)
    return [Gap(row["gap_id"], timeframes.parse(row["base_timeframe"]), row["from_at"], row["to_at"]) for row in rows]


def asked(connection: Connection, gaps: Sequence[Gap], now: datetime, detail: str, *, has_none: bool) -> int:
    """Records that the feed was asked about open gaps: it has no such bars, or could not say; how many that were."""
    gap_ids = [gap.gap_id for gap in gaps]
    return _SQL.run(connection, "asked", gap_ids=gap_ids, now=now, detail=detail[:500], has_none=has_none)


def fill_in(connection: Connection, instrument_id: int, since: datetime, now: datetime) -> Ingested:
    """Puts a flat bar without volume, at the last real close, wherever a gap lacks one.

    Guarantees: only where the calendar expects a bar; run again it changes nothing, unless a real bar before it was
    corrected. The gap stays what it was.
    """
    _SQL.run(connection, "add_source", source=STAND_IN.name)
    _SQL.run(connection, "rank_lowest", source=STAND_IN.name, instrument_id=instrument_id)
    rows = _SQL.rows(connection, "lacking", instrument_id=instrument_id, since=since)
    done = Ingested()
    for code, gaps in groupby(rows, lambda row: str(row["base_timeframe"])):
        gap_ids = [gap["gap_id"] for gap in gaps]
        flat = _flat(copy_out(connection, _SQL, "stand_ins", _STAND_INS, gap_ids=gap_ids))
        done += ingest.ingest(connection, timeframes.parse(code), flat, STAND_IN, now)
    return done


def _flat(stand_ins: pl.DataFrame) -> pl.DataFrame:
    close = pl.col("close")
    return stand_ins.select(
        "instrument_id",
        "open_at",
        *(close.alias(name) for name in ("open", "high", "low", "close")),
        volume=pl.lit(0.0),
        turnover=pl.lit(0.0),
        filled_count=pl.lit(1, pl.Int32),
    )


def _know_sessions(connection: Connection, instrument_ids: list[int]) -> None:
    """Without its sessions a calendar would let us expect nothing."""
    for row in _SQL.rows(connection, "bars_reach", instrument_ids=instrument_ids):
        sessions.ensure(connection, row["calendar"], row["from_at"], row["to_at"])
