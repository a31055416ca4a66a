"""Compute: indicator rows of new or changed bars, resumed from the nearest anchor before them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from signalhub.bars.rollups import Touched
from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.domain.timeframe import Timeframe

_SQL = Queries("indicators/compute")
_BATCH = 50
"""Instruments per statement: few enough for progress to show, many enough for the statement not to matter."""


def compute(connection: Connection, touched: Sequence[Touched], report: Callable[[str], None] = lambda _: None) -> int:
    """Computes every indicator row from the touched bars on; the number of rows written.

    Guarantees: rows and states are those of one computation from the first bar, bit for bit.
    """
    rows = 0
    for timeframe, group in groupby(sorted(touched, key=_by_timeframe), key=lambda item: item.timeframe):
        items = list(group)
        for start in range(0, len(items), _BATCH):
            report(f"indicators {timeframe}")
            rows += _compute_batch(connection, timeframe, items[start : start + _BATCH])
    return rows


def _by_timeframe(item: Touched) -> tuple[Timeframe, int]:
    return item.timeframe, item.instrument_id


def _compute_batch(connection: Connection, timeframe: Timeframe, items: Sequence[Touched]) -> int:
    values = {"instrument_ids": [item.instrument_id for item in items], "timeframe": timeframe.code}
    _SQL.run(connection, "forget_states", **values, from_ats=[item.from_at for item in items])
    _SQL.run(connection, "unpack_what_is_needed")
    after = _SQL.scalar(connection, "first_anchor", **values)
    _SQL.run(connection, "forget_rows", **values, after=after)
    rows = _SQL.run(connection, "compute", **values)
    _SQL.run(connection, "thin_states", **values)
    return rows
