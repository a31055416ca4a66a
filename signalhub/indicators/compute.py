"""Compute: indicator rows of new or changed bars, resumed from the nearest anchor before them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import groupby

from signalhub.bars import sessions
from signalhub.bars.rollups import Touched
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.db.queries import Queries
from signalhub.domain.timeframe import Timeframe
from signalhub.indicators.reach import CONTEXT

_SQL, _WRITTEN = Queries("indicators/compute"), Queries("indicators/written")
_BATCH = 50
"""Instruments per statement: few enough for progress to show, many enough for the statement not to matter."""
_MOST_WORKERS = 4
_STEPS = 3
"""Up to so many new bars are computed one by one, all instruments at once; more of them as a stretch."""


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
        with database.transaction() as connection:
            stepped, left = _step(connection, timeframe, items)
        rows += stepped + _compute_stretches(database, timeframe, left, report)
    return rows


def _compute_stretches(
    database: Database, timeframe: Timeframe, items: Sequence[Touched], report: Callable[[str], None]
) -> int:
    """In parallel over instruments: window functions use one core each."""
    workers = min(_MOST_WORKERS, os.cpu_count() or 1)
    size = max(1, min(_BATCH, -(-len(items) // workers)))
    batches = [items[start : start + size] for start in range(0, len(items), size)]

    def work(batch: Sequence[Touched]) -> int:
        with database.transaction() as connection:
            return _compute_batch(connection, timeframe, batch)

    rows = 0
    with ThreadPoolExecutor(workers) as pool:
        for number, written in enumerate(pool.map(work, batches), 1):
            rows += written
            done = min(number * size, len(items))
            report(f"indicators {timeframe}, {done:,} of {len(items):,} instruments, {rows:,} rows")
    return rows


def _by_timeframe(item: Touched) -> tuple[Timeframe, int]:
    return item.timeframe, item.instrument_id


def _know_sessions(connection: Connection, touched: Sequence[Touched], now: datetime) -> None:
    """A session that became known later would change rows that are computed again."""
    ids = sorted({item.instrument_id for item in touched})
    for row in _SQL.rows(connection, "calendars", instrument_ids=ids):
        sessions.ensure(connection, row["calendar"], row["from_at"], now)


def _step(connection: Connection, timeframe: Timeframe, items: Sequence[Touched]) -> tuple[int, list[Touched]]:
    """The next bars of instruments that are only a few behind; the rows written, and who needs more than that."""
    rows, stepped, waiting = 0, set[int](), list(items)
    while waiting:
        key = {**_key(timeframe, waiting), "from_ats": _from(waiting), "most": _STEPS}
        newer = dict(_WRITTEN.made(connection, "step", lambda instrument_id, newer: (instrument_id, newer), **key))
        rows, stepped = rows + len(newer), stepped | newer.keys()
        waiting = [item for item in waiting if newer.get(item.instrument_id, 0) > 1]
    return rows, [item for item in items if item.instrument_id not in stepped]


def _compute_batch(connection: Connection, timeframe: Timeframe, items: Sequence[Touched]) -> int:
    """From the anchor before the first touched bar on, until the states are again what they were.

    A correction of long ago dies out in every indicator sooner or later: stretch by stretch, each twice as long as the
    one before, it is looked whether an anchor comes out as it is stored. What follows it is right then.
    """
    rows, skipped, beyond = 0, 0, CONTEXT
    left = {item.instrument_id: (str(item.from_at), str(item.to_at or "infinity")) for item in items}
    while left:
        key = {"timeframe": timeframe.code, "instrument_ids": list(left)}
        from_ats, to_ats = [span[0] for span in left.values()], [span[1] for span in left.values()]
        checks = _SQL.rows(connection, "checks", **key, to_ats=to_ats, beyond=beyond, skipped=skipped)
        by_id = {row["instrument_id"]: (row["until_at"], row["check_at"]) for row in checks}
        written, others = _compute_stretch(connection, key, from_ats, [by_id[one] for one in left])
        rows += written
        left = {one: by_id[one] for one in left if one in others and by_id[one][1] != "infinity"}
        skipped, beyond = 2 * skipped + 1, 0
    ever = {"before_ats": ["infinity"] * len(items), "until_ats": ["infinity"] * len(items)}
    _SQL.run(connection, "thin_states", **_key(timeframe, items))
    _WRITTEN.run(connection, "keep_rings", **_key(timeframe, items), **ever)
    return rows


def _compute_stretch(
    connection: Connection, key: Mapping[str, object], from_ats: list[str], checks: list[tuple[str, str]]
) -> tuple[int, set[int]]:
    """Rows up to the checks; how many, and the instruments whose state there is not what it was."""
    check_ats = [check_at for _, check_at in checks]
    spans = {"from_ats": from_ats, "check_ats": check_ats}
    _SQL.run(connection, "forget_states", **key, **spans)
    _SQL.run(connection, "unpack_what_is_needed")
    [bounds] = _SQL.rows(connection, "bounds", **key, **spans)
    _SQL.run(connection, "forget_rows", **key, **spans, **bounds)
    until_ats = [until_at for until_at, _ in checks]
    found = _WRITTEN.rows(connection, "compute", **key, before_ats=from_ats, until_ats=until_ats)
    return sum(row["rows_written"] for row in found), {row["instrument_id"] for row in found if row["is_other"]}


def _key(timeframe: Timeframe, items: Sequence[Touched]) -> dict[str, object]:
    return {"timeframe": timeframe.code, "instrument_ids": [item.instrument_id for item in items]}


def _from(items: Sequence[Touched]) -> list[datetime]:
    return [item.from_at for item in items]
