"""The performance of random records: the views and their readers against the definitions, computed without SQL."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from hypothesis import given
from hypothesis import strategies as st

from signalhub.performance import statistics as performance
from signalhub.performance.statistics import PerformanceFilter
from tests.market import rows_of
from tests.outcome_statistics import Made, about, equity_curve, expected
from tests.random_record import SIGNALS, Key, grouped, put
from tests.records import CLOSE, ROUNDS

READERS = {
    "performance_by_strategy": performance.by_strategy,
    "performance_by_instrument": performance.by_instrument,
    "performance_by_timeframe": performance.by_timeframe,
    "performance_daily": performance.daily,
    "equity_curve": performance.equity_curve,
}
KEYS = {
    performance.by_strategy: ("strategy", "strategy_version"),
    performance.by_instrument: ("symbol", "asset_class"),
    performance.by_timeframe: ("timeframe",),
    performance.daily: ("strategy", "strategy_version", "exit_day"),
}


def assert_counted(reader: Callable[..., Any], rows: list[dict[str, Any]], signals: list[tuple[Key, Made]]) -> None:
    names = KEYS[reader]
    groups = grouped([one for one in signals if "exit_day" not in names or one[0]["exit_day"]], names)
    found = {tuple(row.pop(name) for name in (*names, "origin", "is_simulated")): row for row in rows}
    assert len(found) == len(rows)
    assert set(found) == set(groups)
    for key, row in found.items():
        wanted = expected(groups[key])
        assert {name: about(wanted[name]) for name in row} == row, (reader.__name__, key)


@given(signals=SIGNALS)
@ROUNDS
def test_every_statistic_follows_from_the_outcomes(connection: psycopg.Connection, signals: list[Any]) -> None:
    with connection.transaction(force_rollback=True):
        put_in = put(connection, signals)
        for reader in KEYS:
            assert_counted(reader, reader(connection), put_in)


@given(signals=SIGNALS, data=st.data())
@ROUNDS
def test_a_filter_counts_the_signals_it_names_and_no_others(
    connection: psycopg.Connection, signals: list[Any], data: st.DataObject
) -> None:
    def maybe(values: list[Any]) -> Any:
        return data.draw(st.sampled_from([None, *values]))

    with connection.transaction(force_rollback=True):
        put_in = put(connection, signals)
        chosen = PerformanceFilter(
            origin=maybe(["live", "replay"]),
            is_simulated=maybe([False, True]),
            strategies=maybe([[], ["momentum"], ["momentum", "breakout"]]),
            symbol=maybe(["EQUITY", "SIM:CRYPTO"]),
            since=maybe([CLOSE + timedelta(hours=10)]),
        )
        named = [one for one in put_in if is_chosen(chosen, one[0])]
        for reader in KEYS:
            assert_counted(reader, reader(connection, chosen), named)
        assert_curve(connection, chosen, named)


def is_chosen(chosen: PerformanceFilter, key: Key) -> bool:
    return (
        chosen.origin in (None, key["origin"])
        and chosen.is_simulated in (None, key["is_simulated"])
        and (chosen.strategies is None or key["strategy"] in chosen.strategies)
        and chosen.symbol in (None, key["symbol"])
        and (chosen.since is None or key["close_at"] >= chosen.since)
    )


def assert_curve(connection: psycopg.Connection, chosen: PerformanceFilter, named: list[tuple[Key, Made]]) -> None:
    curve = performance.equity_curve(connection, chosen)
    decided = [one for one in named if one[1].is_decided]
    groups = grouped(decided, ("strategy", "strategy_version"))
    names = ("strategy", "strategy_version", "origin", "is_simulated")
    found = {key: list(rows) for key, rows in itertools.groupby(curve, lambda row: tuple(row[name] for name in names))}
    assert set(found) == set(groups)
    deepest = {tuple(row[name] for name in names): row for row in performance.by_strategy(connection, chosen)}
    for key, rows in found.items():
        points = equity_curve(groups[key])
        assert [(row["exit_at"], row["equity_r"]) for row in rows] == [(at, about(float(r))) for at, r in points]
        assert sum(row["n_exits"] for row in rows) == len(groups[key])
        high = 0.0
        for row in rows:
            high = max(high, row["equity_r"])
            assert (row["peak_r"], row["drawdown_r"]) == (high, high - row["equity_r"])
        assert max(row["drawdown_r"] for row in rows) == deepest[key]["max_drawdown_r"]


@given(signals=SIGNALS)
@ROUNDS
def test_readers_and_views_say_the_same(connection: psycopg.Connection, signals: list[Any]) -> None:
    with connection.transaction(force_rollback=True):
        put(connection, signals)
        for view, reader in READERS.items():
            shown = rows_of(connection, f"SELECT * FROM analytics.{view}")
            for row in shown:
                if "average_duration" in row:
                    held = row.pop("average_duration")
                    row["average_duration_s"] = None if held is None else held.total_seconds()
            read = reader(connection)
            assert sorted(map(repr, map(by_name, read))) == sorted(map(repr, map(by_name, shown))), view


def by_name(row: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted((name, at.astimezone(UTC) if isinstance(at, datetime) else at) for name, at in row.items())
