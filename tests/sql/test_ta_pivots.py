"""Pivot points and Heikin-Ashi of schema `ta` against slow oracles and against Stock.Indicators."""

from __future__ import annotations

import math
from datetime import date
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import psycopg
import pytest

from tests.sql.ta_errors import assert_close
from tests.sql.ta_oracles import needs_peers
from tests.sql.ta_peers import dated, load_peer
from tests.sql.ta_relations import Columns, compute, load_history
from tests.sql.ta_series import walk
from tests.sql.ta_trend_forms import BARS

Day: TypeAlias = tuple[date, float, float, float]
NAMES = ("pivot_r", "pivot_s", "fibonacci_r", "fibonacci_s")


def _days(connection: psycopg.Connection) -> list[Day]:
    """Day, high, low, close of each day of `bars`, by SQL's own grouping."""
    return connection.execute(
        f"WITH {BARS} SELECT day, max(high), min(low), (array_agg(close ORDER BY n DESC))[1] FROM bars GROUP BY day "
        "ORDER BY day"
    ).fetchall()


def _aggregates(connection: psycopg.Connection, relation: str) -> Columns:
    """All pivot aggregates over bars of a relation with day, high, low, close."""
    calls = [
        f"ta.{name}(high, low, close, day, {level}) OVER w AS {name}{level}" for name in NAMES for level in (1, 2, 3)
    ]
    calls.append("ta.pivot(high, low, close, day) OVER w AS pivot")
    return compute(connection, f"SELECT n, {', '.join(calls)} FROM {relation} WINDOW w AS (ORDER BY n)")


def _pivots(high: float, low: float, close: float) -> dict[str, float]:
    p, span = (high + low + close) / 3.0, high - low
    classic = {"r1": 2 * p - low, "s1": 2 * p - high, "r2": p + span, "s2": p - span}
    classic |= {"r3": high + 2 * (p - low), "s3": low - 2 * (high - p)}
    ratios = enumerate((0.382, 0.618, 1.0), start=1)
    fibonacci = {f"{side}{n}": p + sign * ratio * span for n, ratio in ratios for side, sign in (("r", 1), ("s", -1))}
    return (
        {"pivot": p}
        | {f"pivot_{name}": value for name, value in classic.items()}
        | {f"fibonacci_{name}": value for name, value in fibonacci.items()}
    )


def test_pivots_are_those_of_the_last_day_that_has_bars(connection: psycopg.Connection) -> None:
    load_history(connection, [walk(160, 92)])
    days = _days(connection)
    assert {(later[0] - earlier[0]).days for earlier, later in pairwise(days)} == {1, 3}
    before = {later[0]: _pivots(*earlier[1:]) for earlier, later in pairwise(days)}
    before[days[0][0]] = dict.fromkeys(before[days[1][0]], math.nan)
    connection.execute(f"CREATE TEMPORARY TABLE dated AS WITH {BARS} SELECT * FROM bars")
    day_of = [day for (day,) in connection.execute("SELECT day FROM dated ORDER BY n").fetchall()]
    actual = _aggregates(connection, "dated")
    assert actual.keys() == {"n", *before[days[1][0]]}
    for column in actual.keys() - {"n"}:
        assert_close(column, actual[column], np.array([before[day][column] for day in day_of]))


def test_a_bar_of_an_earlier_day_counts_to_the_running_one(connection: psycopg.Connection) -> None:
    row = connection.execute(
        "SELECT ta.pivot_step('{100,5,4,4.5,9,8,8.5}', 6, 3, 5.5, DATE '2000-01-01' + 99, 9), "
        "ta.pivot_step('{100,5,4,4.5,9,8,8.5}', 6, 3, 5.5, DATE '2000-01-01' + 101, 9)"
    ).fetchone()
    assert row == ([100.0, 6.0, 3.0, 5.5, 9.0, 8.0, 8.5], [101.0, 6.0, 3.0, 5.5, 5.0, 4.0, 4.5])


@pytest.mark.parametrize("call", ["pivot_r_value", "pivot_s_value", "fibonacci_r_value", "fibonacci_s_value"])
def test_there_are_three_levels(connection: psycopg.Connection, call: str) -> None:
    levels = "(VALUES (-1), (0), (1), (2), (3), (4), (NULL::int)) AS v (level)"
    values = connection.execute(f"SELECT ta.{call}(3.0, 1.0, 2.0, level) IS NOT NULL FROM {levels}").fetchall()
    assert [defined for (defined,) in values] == [False, False, True, True, True, False, False]


@needs_peers
def test_pivots_of_the_month_before_equal_stock_indicators(connection: psycopg.Connection) -> None:
    """Its file has months where we have days: the step knows a day by its date alone."""
    path = "skender/pivot-points.csv.gz"
    wanted = load_peer(connection, path)
    months = [f"{row['ts'][:7]}-01" for row in dated(path)]
    connection.execute(
        "CREATE TEMPORARY TABLE monthly AS SELECT h.*, (%s::date[])[h.n] AS day FROM history AS h", (months,)
    )
    actual = _aggregates(connection, "monthly")
    assert_close("pivot", actual["pivot"], wanted["exp_pp"])
    for name in ("r1", "r2", "r3", "s1", "s2", "s3"):
        assert_close(name, actual[f"pivot_{name}"], wanted[f"exp_{name}"])


@needs_peers
def test_the_averaged_candles_equal_stock_indicators(connection: psycopg.Connection) -> None:
    wanted = load_peer(connection, "skender/heikinashi.csv.gz")
    opened = wanted["open"].tolist()
    parts = ("open", "high", "low", "close")
    calls = ", ".join(f"ta.ha_{part}((%(open)s::float8[])[n], high, low, close) OVER w AS {part}" for part in parts)
    rows = connection.execute(
        f"SELECT {calls} FROM history WINDOW w AS (ORDER BY n) ORDER BY n", {"open": opened}
    ).fetchall()
    for part, values in zip(parts, zip(*rows, strict=True), strict=True):
        assert_close(part, np.array(values), wanted[f"exp_{part}"])
