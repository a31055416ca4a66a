"""What became of the signals: ends of the scale, what is never added up, what is asked for wrongly."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from signalhub.errors import NotFound, UsageInvalid
from signalhub.performance import statistics as performance
from signalhub.performance.statistics import PerformanceFilter
from tests import records
from tests.market import rows_of
from tests.records import CLOSE, closed

VIEWS = (
    "performance_by_strategy",
    "performance_by_instrument",
    "performance_by_timeframe",
    "performance_daily",
    "equity_curve",
)


def test_of_nothing_decided_nothing_is_said_but_counts(connection: psycopg.Connection) -> None:
    symbol, strategy = records.add_instrument(connection), records.add_strategy(connection)
    for hour, outcome in enumerate(
        [None, {"status": "cancelled", "exit_at": CLOSE}, {"status": "expired", "exit_at": CLOSE}]
    ):
        records.add_signal(connection, symbol, strategy, CLOSE + timedelta(hours=hour), outcome)
    (row,) = performance.by_strategy(connection)
    counts = {name: number for name, number in row.items() if name.startswith("n_")}
    assert {name for name, number in counts.items() if number} == {"n_signals", "n_open", "n_cancelled", "n_expired"}
    said = set(row) - set(counts) - {"strategy", "strategy_version", "origin", "is_simulated"}
    assert {row[name] for name in said} == {None}
    assert performance.equity_curve(connection) == []


def test_where_nothing_was_lost_there_is_no_profit_factor_and_where_nothing_was_won_it_is_zero(
    connection: psycopg.Connection,
) -> None:
    symbol = records.add_instrument(connection)
    winner, loser = (records.add_strategy(connection, name) for name in ("a", "b"))
    for hour in range(3):
        records.add_signal(connection, symbol, winner, CLOSE + hour * timedelta(hours=1), closed("target_hit", 2.0))
        records.add_signal(connection, symbol, loser, CLOSE + hour * timedelta(hours=1), closed("stop_hit", -1.0))
    won, lost = performance.by_strategy(connection)
    assert (won["profit_factor"], won["win_rate"], won["win_rate_high"], won["max_drawdown_r"]) == (None, 1.0, 1.0, 0.0)
    assert (lost["profit_factor"], lost["win_rate"], lost["win_rate_low"], lost["max_drawdown_r"]) == (
        0.0,
        0.0,
        0.0,
        3.0,
    )
    assert 0.4 < won["win_rate_low"] < 0.5 < lost["win_rate_high"] < 0.6, "three in a row prove little"


def test_ambiguous_ones_count_as_stops_and_bound_the_win_rate(connection: psycopg.Connection) -> None:
    symbol, strategy = records.add_instrument(connection), records.add_strategy(connection)
    results = [
        ("target_hit", 2.0, False),
        ("stop_hit", -1.0, True),
        ("stop_hit", -1.0, True),
        ("stop_hit", -1.0, False),
    ]
    for hour, (status, net_r, is_ambiguous) in enumerate(results):
        outcome = closed(status, net_r, is_ambiguous=is_ambiguous)
        records.add_signal(connection, symbol, strategy, CLOSE + timedelta(hours=hour), outcome)
    (row,) = performance.by_strategy(connection)
    assert (row["n_ambiguous"], row["win_rate"], row["win_rate_best"], row["win_rate_worst"]) == (2, 0.25, 0.75, 0.25)


def test_live_and_replayed_real_and_simulated_are_never_added_up(connection: psycopg.Connection) -> None:
    kinds = list(itertools.product(("live", "replay"), (False, True)))
    strategy = records.add_strategy(connection)
    symbols = {
        is_simulated: records.add_instrument(connection, f"S{is_simulated}", is_simulated=is_simulated)
        for is_simulated in (False, True)
    }
    for power, (origin, is_simulated) in enumerate(kinds):
        records.add_signal(
            connection, symbols[is_simulated], strategy, CLOSE, closed("target_hit", 2.0**power), origin=origin
        )
    for view in VIEWS:
        total = "equity_r" if view == "equity_curve" else "total_r"
        found = rows_of(connection, f"SELECT origin, is_simulated, {total} AS total FROM analytics.{view} ORDER BY 3")
        assert [(row["origin"], row["is_simulated"], row["total"]) for row in found] == [
            (origin, is_simulated, 2.0**power) for power, (origin, is_simulated) in enumerate(kinds)
        ], view


def test_what_is_asked_for_wrongly_is_said(connection: psycopg.Connection) -> None:
    with pytest.raises(UsageInvalid, match=r"'real' is no origin\. Use one of live, replay"):
        performance.by_strategy(connection, PerformanceFilter(origin="real"))
    with pytest.raises(NotFound):
        performance.daily(connection, PerformanceFilter(symbol="NOPE/USDT"))
    with pytest.raises(UsageInvalid, match="no time zone"):
        performance.equity_curve(connection, PerformanceFilter(since=datetime(2026, 1, 1)))


def test_signal_outcomes_hold_what_every_statistic_is_made_of(connection: psycopg.Connection) -> None:
    symbol, strategy = records.add_instrument(connection), records.add_strategy(connection)
    late, friday, saturday = (datetime(2026, 1, day, *time, tzinfo=UTC) for day, *time in ((2, 23, 59), (2,), (3,)))
    midnight = closed("target_hit", 0.1, exit_at=saturday)
    cases = [
        (None, False, None, None, None),
        ({"fill_at": CLOSE, "fill_price": 100.0}, False, None, None, None),
        ({"status": "expired", "exit_at": late}, False, None, None, friday),
        (closed("stop_hit", -1.0, exit_at=late), True, False, late - CLOSE, friday),
        (closed("expired", 0.0, exit_at=late), True, False, late - CLOSE, friday),
        (midnight, True, True, saturday - CLOSE, saturday),
    ]
    for hour, (outcome, *_) in enumerate(cases):
        records.add_signal(connection, symbol, strategy, CLOSE + timedelta(hours=hour), outcome)
    columns = "is_decided, is_win, duration, exit_day"
    found = rows_of(connection, f"SELECT {columns} FROM analytics.signal_outcomes ORDER BY close_at")
    assert [tuple(row.values()) for row in found] == [tuple(wanted) for _, *wanted in cases]
