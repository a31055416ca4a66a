"""Compute: indicator rows of new or changed bars, resumed from the nearest anchor before them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import TypeVar

from signalhub.bars import sessions
from signalhub.bars.rollups import Touched
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.db.queries import Queries
from signalhub.domain.timeframe import Timeframe

_SQL, _WRITTEN = Queries("indicators/compute"), Queries("indicators/written")
_STRETCH_BATCH = (1, 50)
"""Instruments per statement: few enough for progress to show, many enough for the statement not to matter."""
_STEP_BATCH = (100, 1_000)
"""Of instruments that are a bar behind it takes so many for a second worker to pay."""
_MOST_WORKERS = 4
_STEP_BARS = 20
"""Up to so many bars after the newest state all instruments go into one statement; more are spread over workers."""

_Result = TypeVar("_Result")


def compute(
    database: Database, touched: Sequence[Touched], now: datetime, report: Callable[[str], None] = lambda _: None
) -> int:
    """Computes every indicator row of the touched bars and of what hangs on them; the number of rows written.

    Guarantees: rows and states are those of one computation from the first bar, bit for bit. What it has done when it
    is killed is done, and done again it comes out the same: the ranges stay dirty until the caller forgets them.
    """
    if touched:
        with database.transaction() as connection:
            _know_sessions(connection, touched, now)
    rows = 0
    for timeframe, group in groupby(sorted(touched, key=_by_timeframe), key=lambda item: item.timeframe):
        items = list(group)
        report(f"indicators {timeframe}")
        few = [item for item in items if item.to_at and item.to_at - item.from_at <= _STEP_BARS * timeframe.span]
        stepped = list(_side_by_side(database, few, _STEP_BATCH, partial(_step, timeframe=timeframe)))
        done = {one for _, ids in stepped for one in ids}
        left = [item for item in items if item.instrument_id not in done]
        rows += sum(written for written, _ in stepped) + _compute_stretches(database, timeframe, left, report)
    return rows


def _compute_stretches(
    database: Database, timeframe: Timeframe, items: Sequence[Touched], report: Callable[[str], None]
) -> int:
    rows, done = 0, 0
    for written, size in _side_by_side(database, items, _STRETCH_BATCH, partial(_compute_batch, timeframe=timeframe)):
        rows, done = rows + written, done + size
        report(f"indicators {timeframe}, {done:,} of {len(items):,} instruments, {rows:,} rows")
    return rows


def _side_by_side(
    database: Database,
    items: Sequence[Touched],
    batch: tuple[int, int],
    work: Callable[[Connection, Sequence[Touched]], _Result],
) -> Iterator[_Result]:
    """In parallel over instruments, so many at least and at most at a time: a statement uses one core."""
    workers = min(_MOST_WORKERS, os.cpu_count() or 1)
    size = max(batch[0], min(batch[1], -(-len(items) // workers)))
    batches = [items[start : start + size] for start in range(0, len(items), size)]

    def in_transaction(batch: Sequence[Touched]) -> _Result:
        with database.transaction() as connection:
            return work(connection, batch)

    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(in_transaction, batches)


def _by_timeframe(item: Touched) -> tuple[Timeframe, int]:
    return item.timeframe, item.instrument_id


def _know_sessions(connection: Connection, touched: Sequence[Touched], now: datetime) -> None:
    """A session that became known later would change rows that are computed again."""
    ids = sorted({item.instrument_id for item in touched})
    for row in _SQL.rows(connection, "calendars", instrument_ids=ids):
        sessions.ensure(connection, row["calendar"], row["from_at"], now)


def _step(connection: Connection, items: Sequence[Touched], timeframe: Timeframe) -> tuple[int, set[int]]:
    """The next bars of instruments that have nothing computed beyond them; the rows written, and of whom."""
    _SQL.run(connection, "make_room")
    key = _key(timeframe, items)
    written = _WRITTEN.rows(connection, "step", **key, from_ats=[item.from_at for item in items])
    return sum(row["rows_written"] for row in written), {row["instrument_id"] for row in written}


def _compute_batch(connection: Connection, items: Sequence[Touched], timeframe: Timeframe) -> tuple[int, int]:
    """From the anchor before the first touched bar on, until the states are again what they were.

    A correction of long ago dies out in every indicator sooner or later: stretch by stretch, each twice as long as the
    one before, it is looked whether an anchor comes out as it is stored. What follows it is right then: an anchor holds
    all that later bars lean on. The rows written, and of how many instruments.
    """
    _SQL.run(connection, "make_room")
    rows, skipped = 0, 0
    left = {item.instrument_id: (str(item.from_at), str(item.to_at or "infinity")) for item in items}
    while left:
        key = {"timeframe": timeframe.code, "instrument_ids": list(left)}
        from_ats, to_ats = [span[0] for span in left.values()], [span[1] for span in left.values()]
        checks = _SQL.rows(connection, "checks", **key, to_ats=to_ats, skipped=skipped)
        by_id = {row["instrument_id"]: (row["until_at"], row["check_at"]) for row in checks}
        written, others = _compute_stretch(connection, key, from_ats, [by_id[one] for one in left])
        rows += written
        left = {one: by_id[one] for one in left if one in others and by_id[one][1] != "infinity"}
        skipped = 2 * skipped + 1
    _SQL.run(connection, "thin_states", **_key(timeframe, items))
    return rows, len(items)


def _compute_stretch(
    connection: Connection, key: Mapping[str, object], from_ats: list[str], checks: list[tuple[str, str]]
) -> tuple[int, set[int]]:
    """Rows up to the checks; how many, and the instruments whose state there is not what it was."""
    check_ats = [check_at for _, check_at in checks]
    spans = {"from_ats": from_ats, "check_ats": check_ats}
    _SQL.run(connection, "forget_states", **key, **spans)
    [bounds] = _SQL.rows(connection, "bounds", **key, **spans)
    _SQL.run(connection, "forget_rows", **key, **spans, **bounds)
    until_ats = [until_at for until_at, _ in checks]
    found = _WRITTEN.rows(connection, "compute", **key, before_ats=from_ats, until_ats=until_ats)
    return sum(row["rows_written"] for row in found), {row["instrument_id"] for row in found if row["is_other"]}


def _key(timeframe: Timeframe, items: Sequence[Touched]) -> dict[str, object]:
    return {"timeframe": timeframe.code, "instrument_ids": [item.instrument_id for item in items]}
