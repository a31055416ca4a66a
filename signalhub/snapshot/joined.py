"""Joined columns: what strategies declare of coarser timeframes and of observations, as of each bar's close.

`4h.close` and `+1.ema_50` come of the last bar of the coarser timeframe that had closed by then, `obs.open_interest`
of the newest observation that was known by then; `obs.open_interest.before` is what it was 24 bars before. Null where
there is none, or only one that is out of date. Nothing unfinished or learnt later can leak in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from signalhub.domain.session import ALWAYS, Calendar
from signalhub.domain.timeframe import Timeframe, coarser
from signalhub.domain.trading_time import Instants, traded
from signalhub.snapshot.frame import row_keys

OBSERVED, BEFORE = "obs", ".before"
BARS_BEFORE = 24
OBSERVATION_AGE = timedelta(hours=24)
"""An observation that is older says nothing of the present."""
MOST_SPANS = 3
"""Nor does a bar of a coarser timeframe that closed so many of its spans ago, in time in which its market traded."""
_NONE = -1


def is_joined(column: str) -> bool:
    """Whether a column is joined to the frame, and no column of bars or indicators."""
    return "." in column


@dataclass(frozen=True)
class Wanted:
    """Joined columns by where they come from."""

    contexts: Mapping[str, tuple[str, ...]]
    """Key, such as `+1` or `4h`, → columns of its bars and indicators."""
    kinds: tuple[str, ...]
    befores: tuple[str, ...]
    """Kinds of which the value some bars before is wanted too."""

    @classmethod
    def of(cls, columns: Iterable[str]) -> Wanted:
        """Those among some columns."""
        contexts: dict[str, list[str]] = {}
        kinds, befores = set[str](), set[str]()
        for column in sorted({name for name in columns if is_joined(name)}):
            key, _, rest = column.partition(".")
            if key != OBSERVED:
                contexts.setdefault(key, []).append(rest)
                continue
            kinds.add(rest.removesuffix(BEFORE))
            if rest.endswith(BEFORE):
                befores.add(rest.removesuffix(BEFORE))
        return cls({key: tuple(names) for key, names in contexts.items()}, tuple(sorted(kinds)), tuple(sorted(befores)))

    def timeframes(self, timeframe: Timeframe) -> dict[Timeframe, tuple[str, ...]]:
        """The coarser timeframes beside one, and which of their columns are wanted by any key."""
        found: dict[Timeframe, set[str]] = {}
        for key, names in self.contexts.items():
            above = coarser(timeframe, key)
            if above is not None:
                found.setdefault(above, set()).update(names)
        return {above: tuple(sorted(names)) for above, names in sorted(found.items())}


def with_contexts(
    frame: pl.DataFrame,
    timeframe: Timeframe,
    wanted: Wanted,
    bars: Mapping[Timeframe, pl.DataFrame],
    calendars: Mapping[int, Calendar],
) -> pl.DataFrame:
    """The frame with the columns of its contexts.

    Shape: frame and `bars` hold instrument_id and close_at, ascending by both; `bars` has the rows of each coarser
    timeframe. `calendars` are those of instruments that do not always trade.
    """
    for key, names in wanted.contexts.items():
        above = coarser(timeframe, key)
        if above is None:
            frame = frame.with_columns(pl.lit(None, pl.Float64).alias(f"{key}.{name}") for name in names)
            continue
        other = bars[above]
        places = as_of(frame, other)
        is_old = _age(frame, other, places, calendars) > MOST_SPANS * above.seconds * 1_000_000
        found = other.select(pl.col(names).gather(_or_null(places, is_old)))
        frame = frame.with_columns(found[name].alias(f"{key}.{name}") for name in names)
    return frame


def with_observations(frame: pl.DataFrame, wanted: Wanted, observations: pl.DataFrame) -> pl.DataFrame:
    """The frame with its observations.

    Shape: `observations` has instrument_id, kind, close_at (the first close by which it is known), observed_at and
    value, ascending by (instrument_id, close_at).
    """
    if observations.is_empty():
        names = [f"{OBSERVED}.{kind}" for kind in wanted.kinds]
        names += [f"{OBSERVED}.{kind}{BEFORE}" for kind in wanted.befores]
        return frame.with_columns(pl.lit(None, pl.Float64).alias(name) for name in names)
    for kind in wanted.kinds:
        of_kind = observations.filter(pl.col("kind") == kind)
        # What was observed before something that is known already is no news, however late it comes.
        is_news = pl.col("observed_at") >= pl.col("observed_at").cum_max().over("instrument_id")
        other = of_kind.filter(is_news)
        places = as_of(frame, other)
        age = _instants(frame["close_at"]) - _taken(_instants(other["observed_at"]), places)
        is_old = age > OBSERVATION_AGE / timedelta(microseconds=1)
        found = other["value"].gather(_or_null(places, is_old))
        frame = frame.with_columns(found.alias(f"{OBSERVED}.{kind}"))
    is_its = pl.col("instrument_id") == pl.col("instrument_id").shift(BARS_BEFORE)
    return frame.with_columns(
        pl.when(is_its).then(pl.col(f"{OBSERVED}.{kind}").shift(BARS_BEFORE)).alias(f"{OBSERVED}.{kind}{BEFORE}")
        for kind in wanted.befores
    )


def as_of(frame: pl.DataFrame, other: pl.DataFrame) -> NDArray[np.int64]:
    """For each row the place of the other's last row of the same instrument with close_at no later; -1: there is none.

    Shape: both ascending by (instrument_id, close_at).
    """
    if other.is_empty():
        return np.full(frame.height, _NONE, dtype=np.int64)
    places = np.searchsorted(row_keys(other, "close_at"), row_keys(frame, "close_at"), side="right") - 1
    ids = other["instrument_id"].to_numpy()
    is_its = (places >= 0) & (ids[np.maximum(places, 0)] == frame["instrument_id"].to_numpy())
    return np.where(is_its, places, _NONE).astype(np.int64)


def dirty_from(timeframe: Timeframe, above: Timeframe, instant: datetime) -> datetime:
    """After which closes of a timeframe a change at an instant can be seen in the bars of a coarser one."""
    return above.floor(instant) + above.span - timeframe.span


def _or_null(places: NDArray[np.int64], is_old: NDArray[np.bool_]) -> pl.Series:
    return pl.Series(np.where(is_old, _NONE, places)).replace(_NONE, None)


def _age(
    frame: pl.DataFrame, other: pl.DataFrame, places: NDArray[np.int64], calendars: Mapping[int, Calendar]
) -> Instants:
    """How long the market had traded at each close since the bar joined there had closed."""
    closes, others = _instants(frame["close_at"]), _taken(_instants(other["close_at"]), places)
    age = closes - others
    ids = frame["instrument_id"].to_numpy()
    for calendar in {item.name: item for item in calendars.values() if item.name != ALWAYS}.values():
        its = np.isin(ids, [key for key, item in calendars.items() if item.name == calendar.name])
        age[its] = traded(calendar, closes[its]) - traded(calendar, others[its])
    return age


def _instants(instants: pl.Series) -> Instants:
    found: Instants = instants.dt.epoch("us").to_numpy()
    return found


def _taken(values: Instants, places: NDArray[np.int64]) -> Instants:
    """The values at places; where there is none, any."""
    return values[np.maximum(places, 0)] if len(values) else np.zeros(len(places), dtype=np.int64)
