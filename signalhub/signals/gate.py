"""The gate: which instruments may be scored at a close, and why the others abstain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from signalhub.domain.bar import OPEN_AT
from signalhub.domain.instrument import Listing
from signalhub.domain.session import Calendar
from signalhub.domain.signal import Reason
from signalhub.settings import Settings
from signalhub.signals.completeness import is_of_one, with_covered
from signalhub.snapshot import WINDOW_BARS, Liveness, Snapshot

_ALWAYS: Mapping[int, Calendar] = {}


@dataclass(frozen=True)
class GateRules:
    """What a window must be like to be scored."""

    complete_pct: float = 90.0
    """Share of the time in which the market traded that its bars must cover."""
    outlier_z: float | None = None
    """Windows that hold an outlier of this robust z-score or a greater one abstain; None: they are scored."""

    @classmethod
    def of(cls, settings: Settings) -> GateRules:
        """The rules that are set."""
        return cls(settings.complete_pct, settings.outlier_z if settings.gate_flagged_bars else None)


_RULES = GateRules()
_LOOKED_AT = ("instrument_id", "open_at", "close_at", "n", "filled_count", "is_complete")


def late_reasons(found: Liveness, settings: Settings) -> dict[int, Reason]:
    """Why each unsettled instrument of a live close abstains: it is late for this one, or has been for long."""

    def is_stale(instrument_id: int) -> bool:
        bars, hours = found.behind[instrument_id]
        return bars > settings.fresh_bars or hours > settings.fresh_hours

    return {key: Reason.STALE if is_stale(key) else Reason.NOT_SETTLED for key in found.unsettled}


def gated(snapshot: Snapshot, rules: GateRules = _RULES, calendars: Mapping[int, Calendar] = _ALWAYS) -> pl.DataFrame:
    """What the gate says of each row of the snapshot's frame, whichever strategy asks: `is_delisted`, and reasons.

    Shape: `before` is a reason that comes before what the strategy needs, `after` one that comes after it; null where
    there is none. The frame holds the bars of an instrument together, ascending.
    """
    dirty = pl.DataFrame(
        {"instrument_id": list(snapshot.dirty), "dirty_from": list(snapshot.dirty.values())},
        schema={"instrument_id": pl.Int32, "dirty_from": OPEN_AT},
    )
    # The ordinal counts what was dropped too.
    is_whole = (pl.col("n") >= WINDOW_BARS) & is_of_one(WINDOW_BARS - 1)
    # Only what is looked at: joins copy whatever stands beside it.
    bars = snapshot.frame.select(_LOOKED_AT)
    frame = _with_status(bars, snapshot).join(dirty, on="instrument_id", how="left", maintain_order="left")
    frame = with_covered(_with_outliers(frame, snapshot, rules), calendars, WINDOW_BARS)
    return frame.select(
        is_delisted=pl.col("status").eq_missing(Listing.DELISTED.value),
        before=pl.when(pl.col("status").is_not_null())
        .then(pl.lit(Reason.NOT_LISTED.value))
        .when(pl.col("close_at") > pl.col("dirty_from"))
        .then(pl.lit(Reason.DIRTY.value))
        .when(~is_whole)
        .then(pl.lit(Reason.WARMING_UP.value)),
        after=pl.when(_in_window(pl.col("filled_count")) > 0)
        .then(pl.lit(Reason.FILLED_BARS.value))
        # Fresh is the window whose last bar is the close's own, all of it: settled, or with every bar that is expected.
        .when(pl.col("is_complete") == 0)
        .then(pl.lit(Reason.STALE.value))
        .when((_in_window(1 - pl.col("is_complete")) > 0) | (pl.col("covered_pct") < rules.complete_pct))
        .then(pl.lit(Reason.INCOMPLETE.value))
        .when(_in_window(pl.col("is_outlier")) > 0)
        .then(pl.lit(Reason.FLAGGED_BARS.value)),
    )


def _with_status(bars: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
    """The bars with the status of each instrument at each close: null where it was listed."""
    if snapshot.unlisted.is_empty():
        return bars.with_columns(status=pl.lit(None, pl.String))
    found = bars.join_asof(
        snapshot.unlisted, left_on="close_at", right_on="from_at", by="instrument_id", check_sortedness=False
    )
    is_over = pl.col("close_at") >= pl.col("to_at")
    return found.with_columns(status=pl.when(~is_over).then(pl.col("status"))).drop("from_at", "to_at")


def _with_outliers(frame: pl.DataFrame, snapshot: Snapshot, rules: GateRules) -> pl.DataFrame:
    """The frame with `is_outlier`: 1 where a base bar within the bar jumped too far for the rules, else 0."""
    if rules.outlier_z is None or snapshot.outliers.is_empty():
        return frame.with_columns(is_outlier=pl.lit(0))
    flagged = snapshot.outliers.filter(pl.col("score") >= rules.outlier_z)
    key = ["instrument_id", "open_at"]
    marked = flagged.select(key).unique().with_columns(is_outlier=pl.lit(1))
    return frame.join(marked, on=key, how="left", maintain_order="left").with_columns(pl.col("is_outlier").fill_null(0))


def _in_window(count: pl.Expr) -> pl.Expr:
    """The sum over the window that ends on the bar, where that is whole; else it says nothing."""
    so_far = count.cast(pl.Int64).cum_sum()
    return so_far - so_far.shift(WINDOW_BARS).fill_null(0)
