"""What became of the signals: the statistics of the analytics views, for the command line, the API and digests.

Computed in SQL alone (analytics.performance, analytics.equity); docs/analytics.md defines each of them. Live and
replayed signals, real and simulated prices have rows of their own and are never added up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.signals.read import ORIGINS, known, known_since, known_symbol

_SQL = Queries("performance/statistics")
_STRATEGY, _INSTRUMENT = ("strategy", "strategy_version"), ("symbol", "asset_class")
_KEYS = (*_STRATEGY, *_INSTRUMENT, "timeframe", "exit_day", "exit_month")
_NOT_OF_A_DAY = ("n_open", "sharpe", "sortino", "max_drawdown_r", "exposure")


@dataclass(frozen=True)
class PerformanceFilter:
    """Which signals count; None does not narrow. `since` keeps close_at >= since, here as in SignalFilter.

    `strategies` may be empty: whoever owns none sees nothing. A strategy without signals has no row.
    """

    origin: str | None = None
    is_simulated: bool | None = None
    strategies: Sequence[str] | None = None
    symbol: str | None = None
    since: datetime | None = None


EVERYTHING = PerformanceFilter()


def by_strategy(connection: Connection, chosen: PerformanceFilter = EVERYTHING) -> list[dict[str, Any]]:
    """One row per (strategy, version, origin, is_simulated), by name.

    Shape: the columns of analytics.performance_by_strategy; average_duration becomes average_duration_s.
    Units: rates 0 to 1; R net; returns in percent; null where nothing is decided.
    Raises: UsageInvalid for an unknown origin or a `since` without zone; NotFound for an unknown symbol.
    """
    return _counted(connection, ["strategy"], _STRATEGY, chosen)


def by_instrument(connection: Connection, chosen: PerformanceFilter = EVERYTHING) -> list[dict[str, Any]]:
    """One row per (symbol, origin, is_simulated), by symbol; else like by_strategy."""
    return _counted(connection, ["instrument"], _INSTRUMENT, chosen)


def by_timeframe(connection: Connection, chosen: PerformanceFilter = EVERYTHING) -> list[dict[str, Any]]:
    """One row per (timeframe, origin, is_simulated), the finest first; else like by_strategy."""
    return _counted(connection, ["timeframe"], ("timeframe",), chosen)


def daily(connection: Connection, chosen: PerformanceFilter = EVERYTHING) -> list[dict[str, Any]]:
    """One row per (strategy, version, UTC day of exit, origin, is_simulated), in order of days within a strategy.

    Shape: the columns of analytics.performance_daily: exit_day is 00:00 UTC; else like by_strategy.
    """
    return _counted(connection, ["strategy", "day"], (*_STRATEGY, "exit_day"), chosen, without=_NOT_OF_A_DAY)


def equity_curve(connection: Connection, chosen: PerformanceFilter = EVERYTHING) -> list[dict[str, Any]]:
    """Cumulative net R: one row per (strategy, version, origin, is_simulated, instant of exit), in order of exits.

    Shape: the columns of analytics.equity_curve. The curve of the chosen signals begins at 0.
    """
    return _SQL.rows(connection, "equity_curve", **_parameters(connection, chosen))


def _counted(
    connection: Connection,
    by_what: list[str],
    keys: Sequence[str],
    chosen: PerformanceFilter,
    without: Sequence[str] = (),
) -> list[dict[str, Any]]:
    rows = _SQL.rows(connection, "counted", by_what=by_what, **_parameters(connection, chosen))
    return [plain(row, keys, without) for row in rows]


def plain(row: Mapping[str, Any], keys: Sequence[str], without: Sequence[str] = ()) -> dict[str, Any]:
    """A row of analytics.performance with some of its keys, as numbers; none of origin and is_simulated is a key."""
    left_out = {*_KEYS, *without} - set(keys)
    shown = {name: value for name, value in row.items() if name not in left_out}
    average: timedelta | None = shown.pop("average_duration")
    return shown | {"average_duration_s": None if average is None else average.total_seconds()}


def _parameters(connection: Connection, chosen: PerformanceFilter) -> dict[str, Any]:
    return {
        "origin": known("origin", chosen.origin, ORIGINS),
        "is_simulated": chosen.is_simulated,
        "strategies": None if chosen.strategies is None else list(chosen.strategies),
        "symbol": known_symbol(connection, chosen.symbol),
        "since": None if chosen.since is None else known_since(chosen.since),
    }
