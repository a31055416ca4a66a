"""Bars in: one batch of one base timeframe, merged into the store in one transaction.

New bars are inserted, changed ones keep their old version in market.bar_revisions, equal ones are left
alone; the spans written are recorded as dirty and the ruling bases brought up to date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import polars as pl

from signalhub.bars.bases import update_bases
from signalhub.db.connection import Connection
from signalhub.db.copy import copy_in, copy_out
from signalhub.db.queries import Queries
from signalhub.domain.bar import OPEN_AT
from signalhub.domain.timeframe import Timeframe

_SQL = Queries("bars/ingest")
_APART = timedelta(days=7)
_WRITTEN = {"instrument_id": pl.Int32(), "open_at": OPEN_AT}


@dataclass(frozen=True)
class Ingested:
    """What became of a batch; the six add up to its rows."""

    new: int = 0
    corrected: int = 0
    unchanged: int = 0
    outranked: int = 0
    expired: int = 0
    """Older than what is kept of their timeframe: refused, for what hangs on them could not be made again."""
    unusable: int = 0
    """No bars at all, or a second answer for the same bar: turned away before they came near the store."""

    def __add__(self, other: Ingested) -> Ingested:
        return Ingested(
            self.new + other.new,
            self.corrected + other.corrected,
            self.unchanged + other.unchanged,
            self.outranked + other.outranked,
            self.expired + other.expired,
            self.unusable + other.unusable,
        )


@dataclass(frozen=True)
class Source:
    """Who says so: the feed's name, whether it is live, and whether these bars are history."""

    name: str
    is_live: bool = False
    is_backfill: bool = True


def ingest(connection: Connection, timeframe: Timeframe, bars: pl.DataFrame, source: Source, now: datetime) -> Ingested:
    """Merges a batch of base bars into the store.

    Shape: instrument_id, then domain.bar.BAR_SCHEMA; at most one row per (instrument, open_at); optional
    filled_count (1 where we filled the bar in). All bars closed by `now`.
    Guarantees: the same batch again changes nothing. Raises nothing but database errors.
    """
    offered = bars.height
    bars = _kept(connection, timeframe, bars)
    if bars.is_empty():
        return Ingested(expired=offered)
    # Written to rollups and chunks that are compressed, bars are few: no limit on what they unpack.
    _SQL.run(connection, "unpack_what_is_needed")
    instrument_ids = bars["instrument_id"].unique().sort().to_list()
    _SQL.run(connection, "lock_instruments", instrument_ids=instrument_ids)
    _stage(connection, bars)
    result = _merge(connection, timeframe, bars, source, now)
    _SQL.run(connection, "drop_incoming")
    return replace(result, expired=offered - bars.height)


def of_instrument(bars: pl.DataFrame, instrument_id: int) -> pl.DataFrame:
    """Bars as a feed gives them (domain.bar.BAR_SCHEMA), in the shape that `ingest` takes."""
    return bars.select(pl.lit(instrument_id, pl.Int32).alias("instrument_id"), pl.all())


def settle(connection: Connection, timeframe: Timeframe, settled_through: Mapping[int, datetime]) -> None:
    """Records that everything up to the instant was obtained, per instrument. A watermark never goes back."""
    _SQL.run(
        connection,
        "advance_watermarks",
        timeframe=timeframe.code,
        instrument_ids=list(settled_through),
        settled=list(settled_through.values()),
    )


def settled_through(connection: Connection, instrument_id: int, timeframe: Timeframe) -> datetime | None:
    """The watermark of an instrument's base timeframe, or None before its first bar."""
    instant: datetime | None = _SQL.scalar(
        connection, "settled_through", instrument_id=instrument_id, timeframe=timeframe.code
    )
    return instant


def settled_by_instrument(
    connection: Connection, instrument_ids: Sequence[int], timeframe: Timeframe
) -> dict[int, datetime]:
    """The watermarks of many instruments; those without one are left out."""
    parameters = {"instrument_ids": list(instrument_ids), "timeframe": timeframe.code}
    rows = _SQL.rows(connection, "settled_by_instrument", **parameters)
    return {row["instrument_id"]: row["settled_through"] for row in rows}


def obtained(connection: Connection, instrument_id: int, timeframe: Timeframe) -> tuple[datetime, datetime] | None:
    """The span in which every bar there was is stored: from the first bar to the watermark. None before the first."""
    rows = _SQL.rows(connection, "obtained", instrument_id=instrument_id, timeframe=timeframe.code)
    return (rows[0]["first_at"], rows[0]["settled_through"]) if rows else None


def _stage(connection: Connection, bars: pl.DataFrame) -> None:
    _SQL.run(connection, "create_incoming")
    _SQL.run(connection, "create_written")
    if "filled_count" not in bars.columns:
        bars = bars.with_columns(filled_count=pl.lit(0, pl.Int32))
    copy_in(connection, "incoming_bars", bars)


def _kept(connection: Connection, timeframe: Timeframe, bars: pl.DataFrame) -> pl.DataFrame:
    kept_from = _SQL.scalar(connection, "kept_from", timeframe=timeframe.code)
    return bars if kept_from is None else bars.filter(pl.col("open_at") >= kept_from.astimezone(UTC))


def _merge(connection: Connection, timeframe: Timeframe, bars: pl.DataFrame, source: Source, now: datetime) -> Ingested:
    source_id = _SQL.scalar(connection, "source_id", source=source.name, is_live=source.is_live)
    values = {"timeframe": timeframe.code, "source_id": source_id, "now": now, "is_backfill": source.is_backfill}
    span = {
        "timeframe": timeframe.code,
        "instrument_ids": bars["instrument_id"].unique().sort().to_list(),
        "first_at": bars["open_at"].min(),
        "last_at": bars["open_at"].max(),
    }
    if not _SQL.scalar(connection, "overlaps_stored_bars", **span):
        _SQL.run(connection, "insert_bars_that_are_all_new", **values)
        _record(connection, timeframe, bars)
        return Ingested(new=bars.height)
    corrected = _SQL.run(connection, "correct_bars", **(values | span), source=source.name)
    new = _SQL.run(connection, "insert_bars", **values)
    outranked = _SQL.scalar(connection, "count_outranked", **span)
    if new or corrected:
        _record(connection, timeframe, copy_out(connection, _SQL, "written", _WRITTEN))
    return Ingested(new, corrected, bars.height - new - corrected - outranked, outranked)


def _record(connection: Connection, timeframe: Timeframe, written: pl.DataFrame) -> None:
    """What was written is dirty; another base may rule now."""
    _record_dirty(connection, timeframe, written)
    first = written.group_by("instrument_id").agg(pl.col("open_at").min()).sort("instrument_id")
    update_bases(connection, dict(first.iter_rows()), timeframe)


def _record_dirty(connection: Connection, timeframe: Timeframe, written: pl.DataFrame) -> None:
    """Written bars less than a week apart make one range; a lone old correction stays a range of its own."""
    ordered = written.select("instrument_id", "open_at").sort("instrument_id", "open_at")
    is_apart = (pl.col("open_at").diff() > _APART).over("instrument_id").fill_null(value=False)
    ranges = (
        ordered.with_columns(island=is_apart.cum_sum().over("instrument_id"))
        .group_by("instrument_id", "island", maintain_order=True)
        .agg(from_at=pl.col("open_at").min(), to_at=pl.col("open_at").max() + timeframe.span)
    )
    _SQL.run(
        connection,
        "record_dirty_ranges",
        timeframe=timeframe.code,
        instrument_ids=ranges["instrument_id"].to_list(),
        from_ats=ranges["from_at"].to_list(),
        to_ats=ranges["to_at"].to_list(),
    )
