"""The gate: which instruments may be scored at a close, and why the others abstain."""

from __future__ import annotations

import polars as pl

from signalhub.domain.bar import OPEN_AT
from signalhub.domain.signal import Reason
from signalhub.snapshot import WINDOW_BARS, Snapshot
from signalhub.strategies.base import Strategy, previous


def with_gate(snapshot: Snapshot, strategy: Strategy) -> pl.DataFrame:
    """The snapshot's frame with a column `abstains`: the reason as text, or null where the bar may be scored.

    The gate looks at the fixed window that ends on the bar, and at nothing else.
    """
    dirty = pl.DataFrame(
        {"instrument_id": list(snapshot.dirty), "dirty_from": list(snapshot.dirty.values())},
        schema={"instrument_id": pl.Int32, "dirty_from": OPEN_AT},
    )
    window_is_whole = pl.col("n") >= WINDOW_BARS
    known = pl.all_horizontal(*(pl.col(name).is_not_null() & previous(name).is_not_null() for name in strategy.needs))
    frame = snapshot.frame.join(dirty, on="instrument_id", how="left", maintain_order="left")
    return frame.with_columns(
        abstains=pl.when(pl.col("close_at") > pl.col("dirty_from"))
        .then(pl.lit(Reason.DIRTY.value))
        .when(~(window_is_whole & known))
        .then(pl.lit(Reason.WARMING_UP.value))
        .when(_in_window(pl.col("filled_count")) > 0)
        .then(pl.lit(Reason.FILLED_BARS.value))
        .when(_in_window(1 - pl.col("is_complete")) > 0)
        .then(pl.lit(Reason.INCOMPLETE.value))
    ).drop("dirty_from")


def _in_window(count: pl.Expr) -> pl.Expr:
    """The sum over the window that ends on the bar."""
    so_far = count.cast(pl.Int64).cum_sum().over("instrument_id")
    return so_far - so_far.shift(WINDOW_BARS).over("instrument_id").fill_null(0)
