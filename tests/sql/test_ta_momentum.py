"""The oscillators of schema `ta` give TA-Lib's numbers, from states and frames and for other periods."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest
import talib

from tests.sql.ta_errors import DECAYED, assert_close, scaled
from tests.sql.ta_momentum import AGGREGATES, BULK, expected, friendly
from tests.sql.ta_relations import compute, load_history
from tests.sql.ta_series import FLAT_TAIL, SERIES, Floats, Series, walk

# Averages that die out on a dead market, where TA-Lib ends in denormal noise; ours end in a clean zero.
DECAYING = ("cmo_14", "stochrsi_k_14", "stochrsi_d_14_3")


@pytest.mark.parametrize("name", SERIES)
def test_every_oscillator_equals_talib(connection: psycopg.Connection, name: str) -> None:
    bars = scaled(SERIES[name])
    load_history(connection, [bars])
    actual, wanted = compute(connection, BULK), expected(bars)
    assert AGGREGATES.keys() - wanted.keys() == {"tsi_25_13"}
    for column in wanted:
        end = DECAYED if name == FLAT_TAIL and column in DECAYING else None
        assert_close(column, actual[column][:end], wanted[column][:end])


@pytest.mark.parametrize("period", [2, 3, 5, 21, 34])
def test_other_periods_equal_talib(connection: psycopg.Connection, period: int) -> None:
    bars = walk(300, 61)
    load_history(connection, [bars])
    high, low, close, volume = bars.high, bars.low, bars.close, bars.volume
    wanted = {
        "williams_r": talib.WILLR(high, low, close, period),
        "cci": talib.CCI(high, low, close, period),
        "roc": talib.ROC(close, period),
        "mom": talib.MOM(close, period),
        "cmo": talib.CMO(close, period),
        "mfi": talib.MFI(high, low, close, volume, period),
    }
    actual = compute(
        connection,
        f"""
        SELECT
            n, ta.williams_r(high, low, close, {period}) OVER w AS williams_r,
            ta.cci(high, low, close, {period}) OVER w AS cci, ta.roc(close, {period}) OVER w AS roc,
            ta.mom(close, {period}) OVER w AS mom, ta.cmo(close, {period}) OVER w AS cmo,
            ta.mfi(high, low, close, volume, {period}) OVER w AS mfi
        FROM history WINDOW w AS (ORDER BY open_at)
        """,
    )
    for column, values in wanted.items():
        assert_close(column, actual[column], values)


def test_a_typical_price_that_moves_by_a_rounding_moves_no_money(connection: psycopg.Connection) -> None:
    """Bars of changing width around one price: their typical prices are equal but for the last digit."""
    rng = np.random.default_rng(65)
    middle = 50.1 + 0.1 * np.cumsum(rng.choice([0, 0, 0, -1, 1], 400))
    wick = 0.1 * rng.integers(1, 9, 400)
    bars = Series(middle + 2 * wick, middle - wick, middle - wick, rng.integers(1, 1000, 400).astype(np.float64))
    typical = talib.TYPPRICE(bars.high, bars.low, bars.close)
    rounding = (np.diff(typical) != 0) & (abs(np.diff(typical)) < 1e-10)
    assert rounding.sum() > 30
    load_history(connection, [bars])
    actual = compute(connection, friendly(["mfi_14"]))["mfi_14"]
    assert_close("mfi_14", actual, talib.MFI(bars.high, bars.low, bars.close, bars.volume, 14))


@pytest.mark.parametrize("periods", [(7, 14, 28), (28, 7, 14), (3, 3, 5), (1, 2, 3), (10, 5, 5)])
def test_the_ultimate_oscillator_takes_its_periods_in_any_order(
    connection: psycopg.Connection, periods: tuple[int, int, int]
) -> None:
    bars = walk(200, 62)
    load_history(connection, [bars])
    call = "ta.ultosc(high, low, close, {}, {}, {})".format(*periods)
    actual = compute(connection, f"SELECT n, {call} OVER (ORDER BY open_at) AS ultosc FROM history")
    assert_close("ultosc", actual["ultosc"], talib.ULTOSC(bars.high, bars.low, bars.close, *periods))


@pytest.mark.parametrize(("fast", "slow"), [(5, 34), (1, 2), (34, 5), (3, 3)])
def test_the_awesome_oscillator_is_a_difference_of_means(connection: psycopg.Connection, fast: int, slow: int) -> None:
    bars = walk(200, 63)
    load_history(connection, [bars])
    call = f"ta.ao(high, low, {fast}, {slow})"
    actual = compute(connection, f"SELECT n, {call} OVER (ORDER BY open_at) AS ao FROM history")
    medians = talib.MEDPRICE(bars.high, bars.low)
    assert_close("ao", actual["ao"], _mean(medians, fast) - _mean(medians, slow))


def _mean(values: Floats, period: int) -> Floats:
    means: Floats = values if period == 1 else talib.SMA(values, period)
    return means


@pytest.mark.parametrize("period", [19, 20, 21])
def test_the_written_out_cci_gives_the_bits_of_the_loop(connection: psycopg.Connection, period: int) -> None:
    """The plain definition, with the sums from the oldest price on, whatever way cci_value goes."""
    bars = walk(120, 64)
    load_history(connection, [bars])
    actual = compute(
        connection,
        f"""
        SELECT n, ta.cci_value(array_agg(ta.typical_price(high, low, close)) OVER w) AS cci FROM history
        WINDOW w AS (ORDER BY open_at ROWS {period - 1} PRECEDING)
        """,
    )["cci"]
    prices = ((bars.high + bars.low + bars.close) / 3).tolist()
    for end in range(period, len(prices) + 1):
        window = prices[end - period : end]
        total = deviations = 0.0
        for price in window:
            total += price
        mean = total / period
        for price in window:
            deviations += abs(price - mean)
        assert actual[end - 1] == (window[-1] - mean) / (0.015 * (deviations / period))


@pytest.mark.parametrize("column", sorted(AGGREGATES))
def test_a_value_does_not_depend_on_later_bars(connection: psycopg.Connection, column: str) -> None:
    load_history(connection, [walk(80, 81)])
    call = AGGREGATES[column]
    whole = connection.execute(f"SELECT {call} OVER (ORDER BY open_at) FROM history ORDER BY n").fetchall()
    last = f"SELECT {call.removesuffix(')')} ORDER BY open_at) FROM (SELECT * FROM history ORDER BY random()) AS h"
    for end in (10, 37, 38, 60, 80):
        assert connection.execute(f"{last} WHERE n <= {end}").fetchone() == whole[end - 1]
