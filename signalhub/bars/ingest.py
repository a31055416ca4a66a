"""Bars in: one batch of one base timeframe, merged into the store in one transaction.

New bars are inserted, changed ones keep their old version in market.bar_revisions, equal ones are left
alone; the spans written are recorded as dirty and the ruling bases brought up to date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from signalhub.bars.bases import update_bases
from signalhub.db.connection import Connection
from signalhub.db.copy import array_of, copy_in, copy_out
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
    spans = _spans(bars)
    batch = _batch(timeframe, spans)
    _SQL.run(connection, "lock_instruments", instrument_ids=batch["instrument_ids"])
    _SQL.run(connection, "create_incoming")
    copy_in(connection, "incoming_bars", bars)
    if _SQL.scalar(connection, "overlaps_stored_bars", **batch):
        result = _merge(connection, timeframe, bars.height, batch, source, now)
    else:
        _SQL.run(connection, "insert_bars_that_are_all_new", **_values(connection, timeframe, source, now))
        _record_dirty(connection, timeframe, bars, spans)
        update_bases(connection, spans, timeframe)
        result = Ingested(new=bars.height)
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
        instrument_ids=array_of(settled_through),
        settled=array_of(settled_through.values()),
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


def _kept(connection: Connection, timeframe: Timeframe, bars: pl.DataFrame) -> pl.DataFrame:
    kept_from = _SQL.scalar(connection, "kept_from", timeframe=timeframe.code)
    return bars if kept_from is None else bars.filter(pl.col("open_at") >= kept_from)


def _spans(bars: pl.DataFrame) -> pl.DataFrame:
    """One row per instrument: its first and its last open."""
    opens = pl.col("open_at").min().alias("first_at"), pl.col("open_at").max().alias("last_at")
    return bars.group_by("instrument_id").agg(opens).sort("instrument_id")


def _batch(timeframe: Timeframe, spans: pl.DataFrame) -> dict[str, Any]:
    """Which bars a batch holds, for the queries that look for stored ones."""
    return {
        "timeframe": timeframe.code,
        "instrument_ids": array_of(spans["instrument_id"]),
        "first_ats": array_of(spans["first_at"]),
        "last_ats": array_of(spans["last_at"]),
        "first_at": spans["first_at"].min(),
        "last_at": spans["last_at"].max(),
    }


def _values(connection: Connection, timeframe: Timeframe, source: Source, now: datetime) -> dict[str, Any]:
    """What a written bar says beside its prices."""
    source_id = _SQL.scalar(connection, "source_id", source=source.name, is_live=source.is_live)
    return {"timeframe": timeframe.code, "source_id": source_id, "now": now, "is_backfill": source.is_backfill}


def _merge(
    connection: Connection, timeframe: Timeframe, offered: int, batch: dict[str, Any], source: Source, now: datetime
) -> Ingested:
    """Some of the bars are stored already."""
    _SQL.run(connection, "create_written")
    values = _values(connection, timeframe, source, now)
    corrected = _SQL.run(connection, "correct_bars", **(values | batch), source=source.name)
    new = _SQL.run(connection, "insert_bars", **values)
    outranked = _SQL.scalar(connection, "count_outranked", **batch)
    if new or corrected:
        written = copy_out(connection, _SQL, "written", _WRITTEN)
        spans = _spans(written)
        _record_dirty(connection, timeframe, written, spans)
        # Who rules is a matter of which bars there are, whatever they say: corrections change nothing.
        if new:
            update_bases(connection, spans, timeframe)
    _SQL.run(connection, "drop_written")
    return Ingested(new, corrected, offered - new - corrected - outranked, outranked)


def _record_dirty(connection: Connection, timeframe: Timeframe, written: pl.DataFrame, spans: pl.DataFrame) -> None:
    ranges = _ranges(written, spans)
    _SQL.run(
        connection,
        "record_dirty_ranges",
        timeframe=timeframe.code,
        instrument_ids=array_of(ranges["instrument_id"]),
        from_ats=array_of(ranges["first_at"]),
        to_ats=array_of(ranges["last_at"] + timeframe.span),
    )


def _ranges(written: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """Written bars less than a week apart make one range; a lone old correction stays a range of its own."""
    if spans.select((pl.col("last_at") - pl.col("first_at")).max()).item() <= _APART:
        return spans
    ordered = written.select("instrument_id", "open_at").sort("instrument_id", "open_at")
    is_apart = (pl.col("open_at").diff() > _APART).over("instrument_id").fill_null(value=False)
    return (
        ordered.with_columns(island=is_apart.cum_sum().over("instrument_id"))
        .group_by("instrument_id", "island", maintain_order=True)
        .agg(first_at=pl.col("open_at").min(), last_at=pl.col("open_at").max())
    )
