"""Schema `ta` gives TA-Lib's numbers from TA-Lib's first row on, for analysts and for our own compute."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest
import talib

from tests.sql.ta_relations import COMPUTED, FRIENDLY, Columns, compute, load_history, load_input
from tests.sql.ta_series import FLAT_TAIL, SERIES, Floats, expected, walk

# DESIGN 4: SQL = TA-Lib to 1e-9. What was seen is 1e-13 (TA-Lib fuses multiply-adds and keeps running sums).
RELATIVE_TOLERANCE = 1e-9
# On a dead market TA-Lib's RSI and ADX end in denormal noise (the RSI turns from 61.9 to 63.6 to 50). Ours
# call averages below 1e-250 zero; that is some 7,800 bars after the last move, bar 500 here.
DECAYED = 8_000
# All averages are below 1e-250 here, and (bar 10,000) below 1e-280, where the steps call them zero.
DEAD, FORGOTTEN = 9_000, 10_000
DECAYING = ("rsi_14", "adx_14")


def assert_close(column: str, actual: Floats, wanted: Floats) -> None:
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(wanted), err_msg=f"{column}: defined rows")
    defined = ~np.isnan(wanted)
    if defined.any():
        actual, wanted = actual[defined], wanted[defined]
        # Near zero an error is measured against the column's usual size.
        scale = np.maximum(np.abs(wanted), np.mean(np.abs(wanted)))
        worst = int(np.argmax(np.abs(actual - wanted) - RELATIVE_TOLERANCE * scale))
        assert abs(actual[worst] - wanted[worst]) <= RELATIVE_TOLERANCE * scale[worst], (
            f"{column}, defined row {worst}: {actual[worst]} instead of {wanted[worst]}"
        )


def friendly(connection: psycopg.Connection) -> Columns:
    return compute(connection, f"SELECT n, {FRIENDLY} FROM history WINDOW w AS (ORDER BY open_at)")


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize("way", ["for analysts", "for our own compute"])
def test_every_indicator_equals_talib(connection: psycopg.Connection, name: str, way: str) -> None:
    bars = SERIES[name]
    load_history(connection, [bars])
    if way == "for analysts":
        actual = friendly(connection)
    else:
        load_input(connection)
        actual = compute(connection, COMPUTED)
    wanted = expected(bars)
    assert actual.keys() & wanted.keys() >= {
        "ema_9",
        "rsi_14",
        "macd_hist_12_26_9",
        "atr_14",
        "adx_14",
        "obv",
    }
    for column in actual.keys() & wanted.keys():
        end = DECAYED if name == FLAT_TAIL and column in DECAYING else None
        assert_close(column, actual[column][:end], wanted[column][:end])


def test_our_own_compute_brings_every_column(connection: psycopg.Connection) -> None:
    load_history(connection, [walk(60, 1)])
    load_input(connection)
    assert expected(walk(60, 1)).keys() <= compute(connection, COMPUTED).keys()


def test_both_ways_agree_bit_for_bit(connection: psycopg.Connection) -> None:
    load_history(connection, [walk(3_000, 21)])
    load_input(connection)
    for_analysts, own = friendly(connection), compute(connection, COMPUTED)
    for column in for_analysts:
        assert for_analysts[column].tobytes() == own[column].tobytes(), column


def test_a_dead_market_underflows_nowhere_and_ends_in_clean_values(connection: psycopg.Connection) -> None:
    load_history(connection, [SERIES[FLAT_TAIL]])
    load_input(connection)
    for actual in (friendly(connection), compute(connection, COMPUTED)):
        assert set(actual["rsi_14"][DEAD:]) == {0.0}
        assert len(set(actual["adx_14"][DEAD:])) == 1
        assert set(actual["atr_14"][FORGOTTEN:]) == {0.0}
        assert len(set(actual["macd_12_26_9"][DEAD:])) == 1
    own = compute(connection, COMPUTED)
    for state in ("gain_state", "loss_state", "plus_dm_state", "minus_dm_state", "tr_state"):
        assert set(own[state][FORGOTTEN:]) == {0.0}, state


@pytest.mark.parametrize("period", [2, 3, 14])
@pytest.mark.parametrize(
    "call",
    [
        "ta.ema(x, {0})",
        "ta.ema_state(x, n, {0}, NULL::float8)",
        "ta.wilder_state(x, n, {0}, NULL::float8)",
        "ta.wilder_sum_state(x, n, {0}, NULL::float8)",
    ],
)
def test_a_recursion_over_zeros_dies_out_without_an_error(
    connection: psycopg.Connection, call: str, period: int
) -> None:
    row = connection.execute(
        f"SELECT {call.format(period)} FROM "
        "(SELECT n, CASE WHEN n = 5 THEN 1e-3::float8 ELSE 0.0::float8 END AS x "
        "FROM generate_series(1::bigint, 20000) AS g (n) ORDER BY n) AS decaying"
    ).fetchone()
    assert row == (0.0,)


@pytest.mark.parametrize(("fast", "slow", "signal"), [(12, 26, 9), (5, 35, 5), (26, 12, 9), (2, 3, 1), (3, 3, 4)])
def test_macd_equals_talib_for_other_periods(connection: psycopg.Connection, fast: int, slow: int, signal: int) -> None:
    bars = walk(300, 31)
    load_history(connection, [bars])
    periods = f"(close, {fast}, {slow}, {signal}) OVER w"
    actual = compute(
        connection,
        f"SELECT n, ta.macd{periods} AS macd, ta.macd_signal{periods} AS signal, "
        f"ta.macd_hist{periods} AS hist FROM history WINDOW w AS (ORDER BY open_at)",
    )
    wanted = talib.MACD(bars.close, fast, slow, signal)
    for column, values in zip(("macd", "signal", "hist"), wanted, strict=True):
        assert_close(column, actual[column], values)


@pytest.mark.parametrize("period", [2, 3, 7, 30])
def test_other_periods_equal_talib(connection: psycopg.Connection, period: int) -> None:
    bars = walk(300, 32)
    load_history(connection, [bars])
    actual = compute(
        connection,
        f"SELECT n, ta.ema(close, {period}) OVER w AS ema, ta.rsi(close, {period}) OVER w AS rsi, "
        f"ta.atr(high, low, close, {period}) OVER w AS atr, ta.adx(high, low, close, {period}) OVER w AS adx "
        "FROM history WINDOW w AS (ORDER BY open_at)",
    )
    assert_close("ema", actual["ema"], talib.EMA(bars.close, period))
    assert_close("rsi", actual["rsi"], talib.RSI(bars.close, period))
    assert_close("atr", actual["atr"], talib.ATR(bars.high, bars.low, bars.close, period))
    assert_close("adx", actual["adx"], talib.ADX(bars.high, bars.low, bars.close, period))


def test_the_helpers_equal_talib_bar_by_bar(connection: psycopg.Connection) -> None:
    for bars in (SERIES["ticks and ties"], SERIES["gaps"]):
        load_history(connection, [bars])
        actual = compute(
            connection,
            "SELECT n, ta.true_range(high, low, lag(close) OVER w) AS tr, "
            "ta.plus_dm(high, low, lag(high) OVER w, lag(low) OVER w) AS plus_dm, "
            "ta.minus_dm(high, low, lag(high) OVER w, lag(low) OVER w) AS minus_dm "
            "FROM history WINDOW w AS (ORDER BY open_at)",
        )
        assert_close("tr", actual["tr"], talib.TRANGE(bars.high, bars.low, bars.close))
        assert_close("plus_dm", actual["plus_dm"], talib.PLUS_DM(bars.high, bars.low, 1))
        assert_close("minus_dm", actual["minus_dm"], talib.MINUS_DM(bars.high, bars.low, 1))
