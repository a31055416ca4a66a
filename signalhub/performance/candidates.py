"""Step one over all history at once: which bars a strategy proposes, and which of them may be scored.

What `signals.scene` says close by close, for the proposed bars alone: the gate has looked at every bar once, and what
it said is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from signalhub.domain.bar import OPEN_AT
from signalhub.domain.signal import Direction
from signalhub.performance.columns import Columns
from signalhub.signals.gate import GateRules, gated
from signalhub.signals.scene import Universe
from signalhub.snapshot import WINDOW_BARS, Snapshot
from signalhub.strategies.base import Strategy

Places = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Candidates:
    """Proposed bars that may be scored, by place in the frame: one row per (bar, direction), ascending, long first.

    `cooling` are those that the gate lets through and the cooldown does not.
    """

    places: Places
    signs: NDArray[np.int64]
    cooling: int

    @property
    def directions(self) -> list[Direction]:
        """In words."""
        return [Direction.LONG if sign > 0 else Direction.SHORT for sign in self.signs.tolist()]


def sound(columns: Columns, rules: GateRules, universe: Universe) -> Flags:
    """Which bars the gate lets through as far as that hangs on their own window; made once per version of the rows."""
    name = f"sound.{rules.complete_pct}"
    kept = columns.made(name)
    if kept is None:
        frame = columns.frame
        ids = [key for key in frame["instrument_id"].unique().to_list() if key in universe.instruments]
        closes = [frame["close_at"].min(), frame["close_at"].max()] if frame.height else []
        plain = Snapshot(columns.timeframe, closes, frame, {})  # type: ignore[arg-type]
        looked_at = gated(plain, GateRules(rules.complete_pct), universe.calendar_by_instrument(ids))
        kept = looked_at.select(sound=pl.col("before").is_null() & pl.col("after").is_null()).to_series()
        columns.keep({name: kept})
    return kept.to_numpy()


def candidates(
    seen: Snapshot,
    strategy: Strategy,
    is_sound: Flags,
    served: NDArray[np.int64],
    span: tuple[datetime | None, datetime],
    rules: GateRules,
) -> Candidates:
    """The candidates among closes in `span` (after, until].

    Shape: `is_sound` has a flag for each row of the snapshot's frame; `served` are the instruments that count.
    """
    found, ids = strategy.proposal.over(seen.frame), seen.frame["instrument_id"].to_numpy()
    parts = [
        _of_direction(found[name].to_numpy(), ids, strategy.cooldown_bars(seen.timeframe)) for name in ("long", "short")
    ]
    places = np.concatenate([places for places, _ in parts])
    signs = np.concatenate([np.full(len(part), sign) for (part, _), sign in zip(parts, (1, -1), strict=True)])
    cools = np.concatenate([cools for _, cools in parts])
    order = np.lexsort((-signs, places))
    places, signs, cools = places[order], signs[order], cools[order]
    may_be_scored = is_sound[places] & np.isin(ids[places], served) & _is_within(seen.frame, places, span)
    may_be_scored &= _is_known(seen.frame, strategy, places) & ~_is_held_up(seen, places, strategy, rules)
    is_next = may_be_scored & ~cools
    return Candidates(places[is_next], signs[is_next], int(np.count_nonzero(may_be_scored & cools)))


def _of_direction(flags: Flags, ids: NDArray[np.int32], bars: int) -> tuple[Places, Flags]:
    """Where a direction is proposed, and whether it was within so many bars before, of the same instrument."""
    places = np.flatnonzero(flags)
    since = np.diff(places, prepend=-1 - bars)
    is_same = np.concatenate([[False], ids[places[1:]] == ids[places[:-1]]]) if len(places) else np.zeros(0, bool)
    return places, is_same & (since <= bars)


def _is_within(frame: pl.DataFrame, places: Places, span: tuple[datetime | None, datetime]) -> Flags:
    closes = frame["close_at"].gather(places)
    after, until = span
    is_within = closes <= until
    return (is_within if after is None else is_within & (closes > after)).to_numpy()


def _is_known(frame: pl.DataFrame, strategy: Strategy, places: Places) -> Flags:
    """Whether the bar and the one before it have what the strategy needs."""
    known = np.ones(len(places), dtype=np.bool_)
    for name in strategy.needs:
        for at in (places, np.maximum(places - 1, 0)):
            known &= frame[name].gather(at).is_not_null().to_numpy()
    return known


def _is_held_up(seen: Snapshot, places: Places, strategy: Strategy, rules: GateRules) -> Flags:
    """Whether the bar, or one of a context that the strategy looks at, is dirty, not listed, or has an outlier."""
    rows = seen.frame.select("instrument_id", "close_at")[places]
    held = np.zeros(len(places), dtype=np.bool_)
    contexts = [seen.dirty_contexts.get(key, {}) for key in strategy.contexts(seen.timeframe)]
    at = pl.col("close_at")
    for since in (one for one in (seen.dirty, *contexts) if one):
        dirty = pl.DataFrame(
            {"instrument_id": list(since), "since": list(since.values())},
            schema={"instrument_id": pl.Int32, "since": OPEN_AT},
        )
        marked = rows.join(dirty, on="instrument_id", how="left", maintain_order="left")
        held |= marked.select((at > pl.col("since")).fill_null(value=False)).to_series().to_numpy()
    for instrument_id, _, from_at, to_at in seen.unlisted.iter_rows():
        is_its = (pl.col("instrument_id") == instrument_id) & (at >= from_at) & (at < to_at)
        held |= rows.select(is_its).to_series().to_numpy()
    if rules.outlier_z is not None and not seen.outliers.is_empty():
        held |= _has_outlier(seen, places, rules.outlier_z)
    return held


def _has_outlier(seen: Snapshot, places: Places, outlier_z: float) -> Flags:
    flagged = seen.outliers.filter(pl.col("score") >= outlier_z).select("instrument_id", "open_at").unique()
    keys = seen.frame.select("instrument_id", "open_at").with_row_index("place")
    at = np.sort(keys.join(flagged, on=["instrument_id", "open_at"])["place"].to_numpy().astype(np.int64))
    if not len(at):
        return np.zeros(len(places), dtype=np.bool_)
    newest = np.searchsorted(at, places, side="right") - 1
    return (newest >= 0) & (places - at[np.maximum(newest, 0)] < WINDOW_BARS)
