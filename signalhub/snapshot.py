"""The snapshot: one frame of closed bars with indicators, all instruments, read once and used by all strategies.

A snapshot serves a block of closes of one timeframe: one close when live, many in a replay. Each row depends
on its own fixed number of earlier rows only, so that a block gives what its closes would give one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl
from polars.datatypes import DataType

from signalhub.db.connection import Connection
from signalhub.db.copy import copy_out
from signalhub.db.queries import Queries
from signalhub.domain.bar import OPEN_AT
from signalhub.domain.timeframe import Timeframe
from signalhub.indicators.columns import INDICATOR_COLUMNS

_SQL, _INDICATORS_SQL = Queries("snapshot"), Queries("snapshot_indicators")

WINDOW_BARS = 60
"""Closed bars that the scoring step looks at, the candidate's own included."""
CONTEXT_BARS = 120
"""Bars read before a block's first close: the window, and the cooldown's look at earlier windows."""

PRICE_FACTOR = "price_factor"
"""Raw price × price_factor = price of the frame, which is in today's shares; 1 where no split came after the bar."""

_KEY: dict[str, DataType] = {"instrument_id": pl.Int32(), "open_at": OPEN_AT}
_BARS: dict[str, DataType] = {
    **_KEY,
    **{name: pl.Float64() for name in ("open", "high", "low", "close", "volume")},
    "filled_count": pl.Int32(),
    "is_complete": pl.Int8(),
    PRICE_FACTOR: pl.Float64(),
}


def _indicators(names: Iterable[str]) -> dict[str, DataType]:
    return {**_KEY, "n": pl.Int64(), **{name: pl.Float64() for name in names}}


SNAPSHOT_SCHEMA: dict[str, DataType] = {**_BARS, **_indicators(INDICATOR_COLUMNS)}
_OUTLIERS: dict[str, DataType] = {**_KEY, "score": pl.Float64()}
_UNLISTED: dict[str, DataType] = {
    "instrument_id": pl.Int32(),
    "status": pl.String(),
    "from_at": OPEN_AT,
    "to_at": OPEN_AT,
}


@dataclass(frozen=True)
class Snapshot:
    """What was known of all instruments at a block of closes of one timeframe.

    Shape of frame: SNAPSHOT_SCHEMA, of the indicators those that were asked for, and close_at, ascending by
    (instrument_id, open_at). `dirty` says from when on an instrument's bars are written but not yet rolled up and
    computed.
    """

    timeframe: Timeframe
    closes: Sequence[datetime]
    frame: pl.DataFrame
    dirty: Mapping[int, datetime]
    unlisted: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_UNLISTED))
    """Spans [from_at, to_at) within the block in which an instrument was halted or delisted, ascending."""
    outliers: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_OUTLIERS))
    """Bars that hold a base bar that jumped absurdly, with its robust z-score. A bar may come twice."""


def load(
    connection: Connection,
    timeframe: Timeframe,
    closes: Sequence[datetime],
    instrument_ids: Sequence[int] | None = None,
    columns: Iterable[str] = INDICATOR_COLUMNS,
) -> Snapshot:
    """Reads the snapshot of a block of closes (ascending, not empty) of all or some instruments.

    `columns`: the indicators that are wanted; moving data is what costs.
    """
    block = {
        "timeframe": timeframe.code,
        "first_open": closes[0] - timeframe.span,
        "last_open": closes[-1] - timeframe.span,
    }
    ids = None if instrument_ids is None else list(instrument_ids)
    spans = _SQL.rows(connection, "spans", **block, context=CONTEXT_BARS, instrument_ids=ids)
    from_ats = [span["from_at"] for span in spans]
    span = {
        "timeframe": timeframe.code,
        "last_open": block["last_open"],
        "instrument_ids": [span["instrument_id"] for span in spans],
        "from_ats": from_ats,
        "first_needed": min(from_ats, default=closes[0]),
    }
    bars = copy_out(connection, _SQL, "load_bars", _BARS, **span)
    indicators = copy_out(connection, _INDICATORS_SQL, "load_indicators", _indicators(columns), **span)
    dirty = _SQL.rows(connection, "dirty_instruments", timeframe=timeframe.code, last_close=closes[-1])
    frame = bars.join(indicators, on=list(_KEY), how="inner").sort(list(_KEY))
    frame = frame.with_columns(close_at=pl.col("open_at") + timeframe.span)
    unlisted = _SQL.rows(connection, "unlisted", first_close=closes[0], last_close=closes[-1])
    return Snapshot(
        timeframe,
        closes,
        frame,
        {row["instrument_id"]: row["from_at"] for row in dirty},
        pl.DataFrame(unlisted, schema=_UNLISTED),
        pl.DataFrame(_SQL.rows(connection, "outliers", **span), schema=_OUTLIERS),
    )


def closes_between(
    connection: Connection,
    timeframe: Timeframe,
    after: datetime,
    until: datetime,
    instrument_ids: Sequence[int] | None = None,
) -> list[datetime]:
    """The closes in (after, until] at which some instrument has a closed bar, ascending."""
    ids = None if instrument_ids is None else list(instrument_ids)
    parameters = {"timeframe": timeframe.code, "after": after, "until": until, "instrument_ids": ids}
    return [row["close_at"] for row in _SQL.rows(connection, "closes", **parameters)]


@dataclass(frozen=True)
class Liveness:
    """The instruments of one close: settled ones of a live feed, late ones of a live feed, all others."""

    live: list[int]
    unsettled: list[int]
    other: list[int]
    awaited: list[int]
    """Those of the unsettled ones whose bar may come any moment: they were settled not long before."""
    behind: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    """How far each unsettled one was settled before the close: in base bars, and in hours."""


def by_liveness(connection: Connection, timeframe: Timeframe, close: datetime) -> Liveness:
    """Which instruments may give live signals at a close, which are late for it, and which are not live."""
    rows = _SQL.rows(connection, "liveness", timeframe=timeframe.code, close=close)
    groups: dict[str, list[int]] = {"live": [], "unsettled": [], "other": []}
    for row in rows:
        groups[row["kind"]].append(row["instrument_id"])
    unsettled = [row for row in rows if row["kind"] == "unsettled"]
    awaited = [row["instrument_id"] for row in unsettled if row["is_awaited"]]
    behind = {row["instrument_id"]: (row["behind_bars"], row["behind_hours"]) for row in unsettled}
    return Liveness(**groups, awaited=awaited, behind=behind)
