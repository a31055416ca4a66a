"""The stochastic oscillator and StochRSI beyond their usual periods, at their edges, and their scalar steps."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest
import talib

from tests.sql.ta_errors import assert_close
from tests.sql.ta_momentum import SIMPLE, expected, friendly
from tests.sql.ta_relations import Columns, compute, load_history
from tests.sql.ta_series import SERIES, Series, from_close, walk

COLUMNS = ["stochf_k_14", "stoch_k_14_3", "stoch_d_14_3_3", "stochrsi_k_14", "stochrsi_d_14_3"]


def over(connection: psycopg.Connection, bars: Series, **calls: str) -> Columns:
    load_history(connection, [bars])
    listed = ", ".join(f"{call} OVER w AS {name}" for name, call in calls.items())
    return compute(connection, f"SELECT n, {listed} FROM history WINDOW w AS (ORDER BY open_at)")


@pytest.mark.parametrize(("k", "slow", "d"), [(5, 3, 3), (14, 1, 3), (1, 1, 1), (2, 5, 2), (21, 4, 9)])
def test_other_periods_of_the_stochastic_equal_talib(connection: psycopg.Connection, k: int, slow: int, d: int) -> None:
    bars = walk(300, 71)
    actual = over(
        connection,
        bars,
        fast=f"ta.stochf_k(high, low, close, {k})",
        slow=f"ta.stoch_k(high, low, close, {k}, {slow})",
        signal=f"ta.stoch_d(high, low, close, {k}, {slow}, {d})",
    )
    prices = (bars.high, bars.low, bars.close)
    assert_close("fast", actual["fast"], talib.STOCHF(*prices, k, 1, SIMPLE)[0])
    assert_close("slow", actual["slow"], talib.STOCHF(*prices, k, slow, SIMPLE)[1])
    assert_close("signal", actual["signal"], talib.STOCH(*prices, k, slow, SIMPLE, d, SIMPLE)[1])


@pytest.mark.parametrize(("rsi", "k", "d"), [(14, 5, 3), (2, 14, 1), (7, 7, 5), (21, 2, 2)])
def test_other_periods_of_stochrsi_equal_talib(connection: psycopg.Connection, rsi: int, k: int, d: int) -> None:
    bars = walk(300, 72)
    actual = over(connection, bars, k=f"ta.stochrsi_k(close, {rsi}, {k})", d=f"ta.stochrsi_d(close, {rsi}, {k}, {d})")
    assert_close("k", actual["k"], talib.STOCHRSI(bars.close, rsi, k, 1, SIMPLE)[0])
    assert_close("d", actual["d"], talib.STOCHRSI(bars.close, rsi, k, d, SIMPLE)[1])


def test_slow_k_is_talibs_slow_k_where_talib_shows_it(connection: psycopg.Connection) -> None:
    """STOCH hides the first d_period - 1 values of slow K; STOCHF, whose fast D is the same line, does not."""
    bars = SERIES["ticks and ties"]
    actual = over(connection, bars, slow="ta.stoch_k(high, low, close, 14, 3)")["slow"]
    slow_k, _ = talib.STOCH(bars.high, bars.low, bars.close, 14, 3, SIMPLE, 3, SIMPLE)
    shown = ~np.isnan(slow_k)
    np.testing.assert_allclose(actual[shown], slow_k[shown], rtol=1e-9, atol=1e-9)
    assert np.flatnonzero(~np.isnan(actual))[0] == 15
    assert np.flatnonzero(shown)[0] == 17


@pytest.mark.parametrize("name", ["gaps", "ticks and ties", "tiny prices", "only up", "only down"])
def test_the_stochastics_stay_between_0_and_100(connection: psycopg.Connection, name: str) -> None:
    load_history(connection, [SERIES[name]])
    actual = compute(connection, friendly(COLUMNS))
    for column in COLUMNS:
        defined = actual[column][~np.isnan(actual[column])]
        assert defined.min() >= 0, column
        assert defined.max() <= 100 + 1e-12, column


def test_a_range_of_mere_roundings_is_flat(connection: psycopg.Connection) -> None:
    """As in TA-Lib: 0.1 + 0.2 and 0.3 are one price; a range of 1e-13 of the price is a range."""
    step = np.where(np.arange(60) % 2 == 0, 0.3, 0.1 + 0.2)
    assert set(step) == {0.3, 0.30000000000000004}
    wide = np.where(np.arange(60) % 2 == 0, 0.3, 0.3 * (1 + 1e-13))
    for prices, flat in ((step, True), (wide, False)):
        bars = from_close(prices, 73, wick=0.0)
        load_history(connection, [bars])
        actual, wanted = compute(connection, friendly(["stochf_k_14", "williams_r_14"])), expected(bars)
        for column in ("stochf_k_14", "williams_r_14"):
            assert_close(column, actual[column], wanted[column])
            assert (set(actual[column][20:]) == {0.0}) is flat, column


@pytest.mark.parametrize("scalar", ["ta.stochf_k_value", "ta.williams_r_value", "ta.stoch_smooth"])
def test_a_missing_argument_gives_null(connection: psycopg.Connection, scalar: str) -> None:
    for values in (("NULL", "7", "7"), ("7", "NULL", "7"), ("7", "7", "NULL")):
        arguments = ", ".join(f"{value}::float8" for value in values)
        assert connection.execute(f"SELECT {scalar}({arguments})").fetchone() == (None,)


def test_williams_r_knows_no_minus_zero(connection: psycopg.Connection) -> None:
    top = connection.execute("SELECT ta.williams_r_value(9::float8, 9::float8, 7::float8)::text").fetchone()
    assert top == ("0",)


def test_smoothing_gives_the_bits_of_a_native_mean(connection: psycopg.Connection) -> None:
    load_history(connection, [SERIES["tiny prices"]])
    both = compute(
        connection,
        "SELECT n, ta.stoch_smooth(lag(close, 2) OVER w, lag(close) OVER w, close) AS smooth, "
        "CASE WHEN n >= 3 THEN avg(close) OVER (w ROWS 2 PRECEDING) END AS mean "
        "FROM history WINDOW w AS (ORDER BY open_at)",
    )
    assert both["smooth"].tobytes() == both["mean"].tobytes()
