"""The gate: which instruments may be scored at a close, and why the others abstain."""

from __future__ import annotations

import polars as pl

from signalhub.domain.signal import Reason
from signalhub.snapshot import WINDOW_BARS, Snapshot
from signalhub.strategies.base import Strategy, previous


def with_gate(snapshot: Snapshot, strategy: Strategy) -> pl.DataFrame:
    """The snapshot's frame with a column `abstains`: the reason as text, or null where the bar may be scored.

    The gate looks at the fixed window that ends on the bar, and at nothing else.
    """
    window_is_whole = pl.col("n") >= WINDOW_BARS
    known = pl.all_horizontal(*(pl.col(name).is_not_null() & previous(name).is_not_null() for name in strategy.needs))
    filled_so_far = pl.col("filled_count").cum_sum().over("instrument_id")
    filled = filled_so_far - filled_so_far.shift(WINDOW_BARS).over("instrument_id").fill_null(0)
    return snapshot.frame.with_columns(
        abstains=pl.when(pl.col("instrument_id").is_in(list(snapshot.dirty)))
        .then(pl.lit(Reason.DIRTY.value))
        .when(~(window_is_whole & known))
        .then(pl.lit(Reason.WARMING_UP.value))
        .when(filled > 0)
        .then(pl.lit(Reason.FILLED_BARS.value))
        .when(pl.col("is_complete") == 0)
        .then(pl.lit(Reason.INCOMPLETE.value))
    )
