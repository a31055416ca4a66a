"""Keeping small: bars and indicators that are past their time dropped, old chunks compressed; called by the upkeep.

A timeframe's bars are kept for so many days whether they came as such or were rolled up. What was rolled up from them
outlives them: from market.retention the others know that before kept_from nothing can be made again. A few bars before
it stay, so that indicators resume from their anchor bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from signalhub.bars import refreshes
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.db.queries import Queries
from signalhub.domain.timeframe import D1, M1, ROLLED_UP, TIMEFRAMES, Timeframe

BARS, INDICATORS = "market.bars", "market.indicators"
_SQL = Queries("bars/retention")
_SLICE = 100_000
_Cuts = dict[tuple[int, str], datetime]
"""(instrument, base or timeframe) → from when on its rows of a relation are kept; all of them where there is none."""


@dataclass(frozen=True)
class Keeping:
    """Days for which rows are kept; what is not named is kept for ever."""

    bars: Mapping[Timeframe, int]
    indicators: int = 0


@dataclass
class Dropped:
    """What was dropped."""

    rows: int = 0
    chunks: int = 0


@dataclass(frozen=True)
class Size:
    """How big a relation is: rows by the server's statistics; ratio None where nothing is compressed."""

    relation: str
    rows: int
    bytes: int
    compression_ratio: float | None


def drop_expired(
    database: Database, keeping: Keeping, now: datetime, report: Callable[[str], None] = lambda _: None
) -> Dropped:
    """Drops what is older than it is kept, down to whole UTC days.

    Guarantees: nothing that is dirty or that an open signal still walks over; rollups and indicators of what is dropped
    stay as they are; run again it changes nothing; killed half-way it goes on where it was. On TimescaleDB whole
    chunks where all of a chunk is past its time, rows elsewhere.
    """
    dropped = Dropped()
    with database.exclusively("refresh"):
        with database.transaction() as connection:
            kept = _record(connection, keeping, now)
        for relation in (BARS, *(_of(level) for level in ROLLED_UP), INDICATORS):
            with database.transaction() as connection:
                cuts, ids = _cuts(connection, relation, kept), _instrument_ids(connection)
            if cuts:
                report(f"dropping old rows of {relation}")
                _drop(database, relation, cuts, ids, dropped)
        with database.transaction() as connection:
            _SQL.run(connection, "forget_flags")
            if dropped.rows or dropped.chunks:
                refreshes.record_whole(connection, _instrument_ids(connection), now)
    return dropped


def compress(database: Database, after: timedelta, now: datetime) -> int:
    """Puts chunks that ended so long ago in columns, with what was written to them since; how many are new there."""
    with database.transaction() as connection:
        chunks = [row["chunk"] for row in _SQL.rows(connection, "chunks_before", before=now - after)]
    count = 0
    for chunk in chunks:
        with database.exclusively("refresh"), database.transaction() as connection:
            count += bool(_SQL.scalar(connection, "compress_chunk", chunk=chunk))
    return count


def kept(connection: Connection) -> dict[tuple[str, Timeframe], datetime]:
    """(relation, timeframe) → the instant before which nothing is there."""
    rows = _SQL.rows(connection, "kept")
    by_code = {timeframe.code: timeframe for timeframe in TIMEFRAMES}
    return {(row["relation"], by_code[row["timeframe"]]): row["kept_from"] for row in rows}


def sizes(connection: Connection) -> list[Size]:
    """The relations that hold data, the biggest first."""
    return _SQL.made(connection, "sizes", Size)


def _of(level: Timeframe) -> str:
    return f"{BARS}_{level}"


def _record(connection: Connection, keeping: Keeping, now: datetime) -> dict[tuple[str, Timeframe], datetime]:
    """Said before it is done: a crash in between leaves rows that nobody builds on."""
    needed = _SQL.scalar(connection, "needed_from")
    entries = [(INDICATORS, item, keeping.indicators) for item in TIMEFRAMES]
    for item in TIMEFRAMES:
        relations = (BARS,) if item == M1 else (BARS, _of(item))
        entries += [(relation, item, keeping.bars.get(item, 0)) for relation in relations]
    wanted = [(relation, item, D1.floor(now - timedelta(days=days))) for relation, item, days in entries if days]
    if needed is not None:
        wanted = [(relation, item, min(kept_from, D1.floor(needed))) for relation, item, kept_from in wanted]
    _SQL.run(
        connection,
        "keep_from",
        relations=[relation for relation, _, _ in wanted],
        timeframes=[item.code for _, item, _ in wanted],
        kept_from=[kept_from for _, _, kept_from in wanted],
        now=now,
    )
    return kept(connection)


def _cuts(connection: Connection, relation: str, kept: Mapping[tuple[str, Timeframe], datetime]) -> _Cuts:
    cuts: _Cuts = {}
    for series in TIMEFRAMES:
        for instrument_id, cut in _cut_series(connection, relation, series, kept).items():
            cuts[instrument_id, series.code] = cut
    return cuts


def _cut_series(
    connection: Connection, relation: str, series: Timeframe, kept: Mapping[tuple[str, Timeframe], datetime]
) -> dict[int, datetime]:
    """Series that indicators are computed from keep a lead-in; of others nothing is read before kept_from."""
    if relation == INDICATORS:
        return _lead_in(connection, series, kept.get((relation, series)))
    level = M1 if relation == BARS else next(item for item in ROLLED_UP if _of(item) == relation)
    if series <= level:
        return _lead_in(connection, level, kept.get((relation, level)))
    kept_from = kept.get((BARS, series))
    return {} if kept_from is None else dict.fromkeys(_instrument_ids(connection), kept_from)


def _lead_in(connection: Connection, timeframe: Timeframe, kept_from: datetime | None) -> dict[int, datetime]:
    if kept_from is None:
        return {}
    values = {"timeframe": timeframe.code, "kept_from": kept_from}
    return {row["instrument_id"]: row["cut"] for row in _SQL.rows(connection, "lead_in", **values)}


def _instrument_ids(connection: Connection) -> list[int]:
    return [row["instrument_id"] for row in _SQL.rows(connection, "instruments")]


def _drop(database: Database, relation: str, cuts: _Cuts, ids: list[int], dropped: Dropped) -> None:
    keys = [(instrument_id, series.code) for instrument_id in ids for series in TIMEFRAMES]
    with database.transaction() as connection:
        dropped.chunks += _SQL.scalar(
            connection,
            "drop_chunks",
            relation=relation,
            instrument_ids=[instrument_id for instrument_id, _ in keys],
            series=[series for _, series in keys],
            cuts=[cuts.get(key) for key in keys],
        )
    for (instrument_id, series), cut in cuts.items():
        dropped.rows += _drop_rows(database, relation, instrument_id, series, cut)


def _drop_rows(database: Database, relation: str, instrument_id: int, series: str, cut: datetime) -> int:
    """In slices, each a transaction of its own: nobody waits long for a lock or for the space."""
    total = 0
    while True:
        with database.transaction() as connection:
            values = {"relation": relation, "instrument_id": instrument_id, "series": series, "cut": cut}
            rows: int = _SQL.scalar(connection, "drop_rows", **values, most=_SLICE)
        total += rows
        if rows < _SLICE:
            return total
