"""Counting signals that are not stored, by the one definition of every statistic, pointed at them.

`analytics.performance` and `analytics.equity` read `analytics.signal_outcomes`, which reads `analytics.signals`. Their
own text, with a temporary table in the place of the latter, counts a backtest.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from psycopg.rows import dict_row

from signalhub.db.connection import Connection
from signalhub.db.copy import copy_in
from signalhub.db.engine import Database
from signalhub.db.queries import Queries
from signalhub.performance.statistics import plain

_SQL, _READERS = Queries("performance/trials"), Queries("performance/statistics")
_TABLE = "backtest_signals"
_WANTED = (
    *("signal_id", "symbol", "asset_class", "is_simulated", "origin", "close_at", "status", "is_ambiguous", "fill_at"),
    *("fill_price", "exit_at", "net_return_pct", "net_r", "mfe_r", "mae_r"),
)
"""What the statistics look at, where all signals are of one strategy and timeframe."""
_EVERYTHING = dict.fromkeys(("origin", "is_simulated", "strategies", "symbol", "since"))
_SESSION = "SET LOCAL work_mem = '64MB'; SET LOCAL default_statistics_target = 10"
"""Groups are few and alike: a look at some thousand rows tells the planner as much as one at half of them."""


@dataclass(frozen=True)
class Counts:
    """Rows of analytics.performance, of all signals, by instrument and by month; rows of analytics.equity."""

    whole: dict[str, Any]
    by_instrument: list[dict[str, Any]] = field(default_factory=list)
    by_month: list[dict[str, Any]] = field(default_factory=list)
    equity: list[dict[str, Any]] = field(default_factory=list)


def count(database: Database, signals: pl.DataFrame, *, details: bool) -> Counts:
    """Counts signals; all but the whole only where `details` are wanted.

    Shape: columns of analytics.signals by name, of one strategy and timeframe. Guarantees: nothing is stored.
    """

    def some(*what: Callable[[Counted], Any]) -> list[Any]:
        with database.transaction() as connection:
            counted = Counted(connection, signals)
            found = [one(counted) for one in what]
            connection.rollback()
        return found

    if not details:
        return Counts(*some(Counted.whole))
    # A server process counts with one core: two of them, each with half of the work.
    with ThreadPoolExecutor(1) as other:
        half = other.submit(some, lambda counted: counted.by("instrument"), Counted.equity)
        whole, by_month = some(Counted.whole, lambda counted: counted.by("month"))
        by_instrument, equity = half.result()
    return Counts(whole, by_instrument, by_month, equity)


class Counted:
    """Signals put where the statistics can see them, until the transaction ends.

    Shape: columns of analytics.signals by name, of one strategy and timeframe.
    """

    def __init__(self, connection: Connection, signals: pl.DataFrame) -> None:
        self._connection = connection
        connection.execute(_SESSION)
        _SQL.run(connection, "create_signals")
        copy_in(connection, _TABLE, signals.select(_WANTED))
        connection.execute(f"ANALYZE {_TABLE}".encode())
        outcomes = _SQL.scalar(connection, "view").replace("analytics.signals", f"pg_temp.{_TABLE}")
        connection.execute(f"CREATE TEMPORARY VIEW backtest_outcomes AS {outcomes}".encode())
        for name in ("performance", "equity"):
            text: str = _SQL.scalar(connection, "function", name=name)
            connection.execute(_pointed(text).encode())

    def whole(self) -> dict[str, Any]:
        """Every statistic of all signals together; counts of 0 and nothing else where there are none."""
        return self._rows([])[0]

    def by(self, *what: str) -> list[dict[str, Any]]:
        """The same by `instrument` or `month`; signals that have not ended are of no month."""
        rows = self._rows(list(what))
        return [row for row in rows if "month" not in what or row["exit_month"] is not None]

    def equity(self) -> list[dict[str, Any]]:
        """The equity curve: an instant at which signals exited, what they brought in, and all so far."""
        rows = _read(self._connection, "equity_curve", **_EVERYTHING)
        names = ("exit_at", "n_exits", "net_r", "equity_r", "peak_r", "drawdown_r")
        return [{name: row[name] for name in names} for row in rows]

    def _rows(self, what: list[str]) -> list[dict[str, Any]]:
        keys = {"instrument": ("symbol", "asset_class"), "month": ("exit_month",)}
        wanted = [key for name in what for key in keys[name]]
        rows = _read(self._connection, "counted", by_what=what, **_EVERYTHING)
        return [plain(row, wanted) for row in rows]


def _read(connection: Connection, name: str, **parameters: Any) -> list[dict[str, Any]]:
    """A query of the views' readers, over what is counted here; of nothing at all a row that says so."""
    text = _pointed(_READERS.texts[name].decode()).encode()
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(text, parameters).fetchall()
        if not rows and parameters.get("by_what") == []:
            names = [column.name for column in cursor.description or ()]
            rows = [{name: 0 if name.startswith("n_") else None for name in names}]
        return rows


def _pointed(text: str) -> str:
    for name in ("performance(", "equity("):
        text = text.replace(f"analytics.{name}", f"pg_temp.{name}")
    return text.replace("analytics.signal_outcomes", "pg_temp.backtest_outcomes")
