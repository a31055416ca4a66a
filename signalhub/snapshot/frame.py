"""The shape of a snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.datatypes import DataType

from signalhub.domain.bar import OPEN_AT
from signalhub.domain.timeframe import Timeframe
from signalhub.indicators.columns import INDICATOR_COLUMNS

WINDOW_BARS = 60
"""Closed bars that the scoring step looks at, the candidate's own included."""
CONTEXT_BARS = 120
"""Bars read before a block's first close: the window, and the cooldown's look at earlier windows."""

PRICE_FACTOR = "price_factor"
"""Raw price × price_factor = price of the frame, which is in today's shares; 1 where no split came after the bar."""

KEY: dict[str, DataType] = {"instrument_id": pl.Int32(), "open_at": OPEN_AT}
BAR_VALUES = ("open", "high", "low", "close", "volume")
BARS: dict[str, DataType] = {
    **KEY,
    **{name: pl.Float64() for name in BAR_VALUES},
    "filled_count": pl.Int32(),
    "is_complete": pl.Int8(),
    PRICE_FACTOR: pl.Float64(),
}


def indicators(names: Iterable[str]) -> dict[str, DataType]:
    """The shape of indicator rows of some columns."""
    return {**KEY, "n": pl.Int64(), **{name: pl.Float64() for name in names}}


SNAPSHOT_SCHEMA: dict[str, DataType] = {**BARS, **indicators(INDICATOR_COLUMNS)}
OUTLIERS: dict[str, DataType] = {**KEY, "score": pl.Float64()}
UNLISTED: dict[str, DataType] = {
    "instrument_id": pl.Int32(),
    "status": pl.String(),
    "from_at": OPEN_AT,
    "to_at": OPEN_AT,
}


def firsts(frame: pl.DataFrame) -> dict[int, datetime]:
    """Each instrument's first open."""
    return dict(frame.group_by("instrument_id", maintain_order=True).agg(pl.col("open_at").first()).iter_rows())


def first_incomplete(frame: pl.DataFrame) -> dict[int, datetime]:
    """The open of each instrument's first bar that is not complete, where there is one."""
    # Only the columns that are looked at: a filter copies whatever stands beside them.
    partly = frame.select("instrument_id", "open_at").filter(frame["is_complete"] == 0)
    return dict(partly.group_by("instrument_id").agg(pl.col("open_at").min()).sort("instrument_id").iter_rows())


def ascending(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows by instrument and time. Quick where most of them are in order already."""
    return frame[np.argsort(row_keys(frame, "open_at"), kind="stable")]


def row_keys(frame: pl.DataFrame, instant: str) -> NDArray[np.int64]:
    """A number for each row that orders them by instrument and by an instant of whole seconds."""
    # Seconds need 32 bits until the year 2106.
    seconds = frame[instant].dt.epoch("s").to_numpy()
    found: NDArray[np.int64] = (frame["instrument_id"].cast(pl.Int64).to_numpy() << 32) | seconds
    return found


def by_timeframe(
    rows: Iterable[Mapping[str, Any]], timeframes: Iterable[Timeframe]
) -> dict[Timeframe, dict[int, datetime]]:
    """Rows with timeframe, instrument_id and from_at as instants by instrument; nothing where a timeframe has none."""
    found: dict[Timeframe, dict[int, datetime]] = {one: {} for one in timeframes}
    of_code = {one.code: instants for one, instants in found.items()}
    for row in rows:
        of_code[row["timeframe"]][row["instrument_id"]] = row["from_at"]
    return found


def rows_before(frame: pl.DataFrame, since: Mapping[int, datetime]) -> pl.DataFrame:
    """The rows that open before an instrument's instant; all of those that have none."""
    if not since:
        return frame
    limits = pl.DataFrame(
        {"instrument_id": list(since), "changed_at": list(since.values())},
        schema={"instrument_id": pl.Int32, "changed_at": KEY["open_at"]},
    )
    joined = frame.join(limits, on="instrument_id", how="left", maintain_order="left")
    is_kept = pl.col("changed_at").is_null() | (pl.col("open_at") < pl.col("changed_at"))
    return joined.filter(is_kept).drop("changed_at")


_CLEAN: Mapping[str, Mapping[int, datetime]] = {}


@dataclass(frozen=True)
class Snapshot:
    """What was known of all instruments at a block of closes of one timeframe.

    Shape of frame: SNAPSHOT_SCHEMA, of the indicators those that were asked for, the joined columns that were
    (`4h.close`, `obs.open_interest`), and close_at, ascending by (instrument_id, open_at). `dirty` says from when on an
    instrument's bars are written but not yet rolled up and computed.
    """

    timeframe: Timeframe
    closes: Sequence[datetime]
    frame: pl.DataFrame
    dirty: Mapping[int, datetime]
    unlisted: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=UNLISTED))
    """Spans [from_at, to_at) within the block in which an instrument was halted or delisted, ascending."""
    outliers: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=OUTLIERS))
    """Bars that hold a base bar that jumped absurdly, with its robust z-score. A bar may come twice."""
    dirty_contexts: Mapping[str, Mapping[int, datetime]] = field(default_factory=lambda: _CLEAN)
    """As `dirty`, for each context that was asked for: closes after the instant hang on what is dirty there."""
    hits: int = 0
    """Frames, its own and its contexts', that were kept from an earlier close and topped up."""
    misses: int = 0
    """Frames that were read whole."""
