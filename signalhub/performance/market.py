"""A market ready for trials: the columns at hand, what the gate says of them, who trades when, and how far is settled.

Made once for a strategy and a timeframe; any number of trials with other parameters run on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from signalhub.bars import instruments
from signalhub.bars.instruments import Instrument
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.db.queries import Queries
from signalhub.domain.timeframe import Timeframe
from signalhub.errors import DataUnusable, UsageInvalid
from signalhub.performance import columns as cache
from signalhub.performance.candidates import Flags, sound
from signalhub.performance.columns import Columns, Report
from signalhub.performance.features import FeatureColumns
from signalhub.signals.gate import GateRules
from signalhub.signals.scene import Universe
from signalhub.signals.universe import universe_of
from signalhub.snapshot import Snapshot, is_joined
from signalhub.snapshot.frame import BAR_VALUES
from signalhub.snapshot.joined import Wanted
from signalhub.snapshot.loading import Rows, assembled
from signalhub.strategies.base import Strategy

_SQL = Queries("performance/walking")


@dataclass(frozen=True)
class Scope:
    """Where a strategy is tried: closes in (after, until] of a timeframe, of some instruments or of all.

    All are those that are real; where there are none, the simulated ones.
    """

    timeframe: Timeframe
    after: datetime | None = None
    until: datetime | None = None
    symbols: Sequence[str] | None = None


@dataclass(frozen=True)
class Market:
    """What trials of a strategy look at, whatever its parameters are."""

    scope: Scope
    until: datetime
    columns: Columns
    seen: Snapshot
    is_sound: Flags
    universe: Universe
    instrument_ids: NDArray[np.int64]
    """Those that count."""
    plain_ids: NDArray[np.int64]
    """Those whose base bars are the columns' own."""
    settled: dict[int, datetime]
    features: FeatureColumns = field(repr=False)
    now: datetime

    @property
    def bars(self) -> int:
        """How many bars the trial looks at for signals."""
        closes = self.seen.frame["close_at"]
        is_within = closes <= self.until
        if self.scope.after is not None:
            is_within = is_within & (closes > self.scope.after)
        is_its = np.isin(self.seen.frame["instrument_id"].to_numpy(), self.instrument_ids)
        return int(np.count_nonzero(is_within.to_numpy() & is_its))


def prepare(
    database: Database,
    home: Path,
    strategy: Strategy,
    scope: Scope,
    rules: GateRules,
    now: datetime,
    report: Report = lambda _stage, _done, _of: None,
) -> Market:
    """Reads what the strategy looks at.

    Raises: UsageInvalid where the strategy does not serve the timeframe or none of the instruments; NotFound for a
    symbol; DataUnusable where there are no bars.
    """
    if scope.timeframe not in strategy.timeframes:
        served = ", ".join(item.code for item in strategy.timeframes)
        raise UsageInvalid(f"{strategy.name} does not serve the timeframe {scope.timeframe}; it serves {served}.")
    with database.transaction() as connection:
        chosen = _chosen(connection, scope, strategy)
    columns, above = _read(database, home, strategy, scope, chosen, report)
    if columns.frame.is_empty():
        raise DataUnusable(f"There are no bars of {scope.timeframe} with indicators. `signalhub import` brings bars.")
    report("joining and looking at every bar", 0, None)
    first, last = (cast(datetime, end) for end in (columns.frame["close_at"].min(), columns.frame["close_at"].max()))
    until = min(scope.until or last, now, last)
    with database.transaction() as connection:
        ids = columns.frame["instrument_id"].unique().to_list()
        universe = universe_of(connection, ids, first - timedelta(days=8), until)
        seen = assembled(
            connection,
            scope.timeframe,
            [min(first, until), until],
            Rows(columns.frame, {timeframe: one.frame for timeframe, one in above.items()}),
            Wanted.of(strategy.joined),
        )
        settled = {row["instrument_id"]: row["settled_at"] for row in _SQL.rows(connection, "settled")}
        plain = [row["instrument_id"] for row in _SQL.rows(connection, "plain", timeframe=scope.timeframe.code)]
    return Market(
        scope,
        until,
        columns,
        seen,
        sound(columns, rules, universe),
        universe,
        np.array(sorted(item.instrument_id for item in chosen), dtype=np.int64),
        np.array(plain, dtype=np.int64),
        settled,
        FeatureColumns(columns),
        now,
    )


def _chosen(connection: Connection, scope: Scope, strategy: Strategy) -> list[Instrument]:
    if scope.symbols is None:
        every = instruments.ever(connection)
        found = [item for item in every if not item.is_simulated] or every
    else:
        found = [instruments.find(connection, symbol) for symbol in scope.symbols]
    if len({item.is_simulated for item in found}) > 1:
        raise UsageInvalid("Real and simulated prices are never added up. Name symbols of one kind.")
    served = [item for item in found if item.asset_class in strategy.asset_classes]
    if found and not served:
        raise UsageInvalid(
            f"{strategy.name} serves {', '.join(strategy.asset_classes)}, and none of the instruments is of these."
        )
    return served


def _read(
    database: Database, home: Path, strategy: Strategy, scope: Scope, chosen: Sequence[Instrument], report: Report
) -> tuple[Columns, dict[Timeframe, Columns]]:
    """The strategy's own columns and those of its contexts: of all instruments from the cache, of a few without it."""
    wanted = {scope.timeframe: [name for name in strategy.columns if not is_joined(name)]}
    for above, names in Wanted.of(strategy.joined).timeframes(scope.timeframe).items():
        wanted[above] = [name for name in names if name not in BAR_VALUES]
    ids = [item.instrument_id for item in chosen]

    def read(timeframe: Timeframe, names: Sequence[str]) -> Columns:
        # A context's first bar may have closed long before the first close.
        since = scope.after if timeframe == scope.timeframe or scope.after is None else scope.after - 8 * timeframe.span
        if scope.symbols is not None:
            return cache.read_some(database, timeframe, names, ids, since)
        return cache.read(database, home, timeframe, names, since, report)

    found = {timeframe: read(timeframe, names) for timeframe, names in wanted.items()}
    return found.pop(scope.timeframe), found
