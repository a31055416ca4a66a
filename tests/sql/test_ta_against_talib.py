"""Schema `ta` gives TA-Lib's numbers from TA-Lib's first row on."""

from __future__ import annotations

import psycopg
import pytest
import talib

from tests.sql.ta_errors import DECAYED, assert_close, scaled
from tests.sql.ta_relations import FRIENDLY, compute, load_history
from tests.sql.ta_series import FLAT_TAIL, SERIES, expected, walk

DECAYING = ("rsi_14", "adx_14")


@pytest.mark.parametrize("name", SERIES)
def test_every_aggregate_of_the_first_family_equals_talib(connection: psycopg.Connection, name: str) -> None:
    """All others: test_ta_store.py, bit for bit what is stored; what is stored is TA-Lib's."""
    bars = scaled(SERIES[name])
    load_history(connection, [bars])
    actual = compute(connection, f"SELECT n, {FRIENDLY} FROM history WINDOW w AS (ORDER BY open_at)")
    wanted = expected(bars)
    assert len(actual.keys() & wanted.keys()) == 10
    for column in actual.keys() & wanted.keys():
        end = DECAYED if name == FLAT_TAIL and column in DECAYING else None
        assert_close(column, actual[column][:end], wanted[column][:end])


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
