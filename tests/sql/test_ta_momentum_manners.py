"""How the oscillators of schema `ta` behave where the input is not a clean series of bars."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import psycopg
import pytest

from tests.sql.conftest import SeriesStore
from tests.sql.ta_momentum import AGGREGATES, BULK, friendly
from tests.sql.ta_relations import compute, load_history
from tests.sql.ta_series import SERIES, Series, walk

INPUTS = ("high", "low", "close", "volume")
BOUNDS = {
    "stochf_k_14": (0, 100),
    "stoch_k_14_3": (0, 100),
    "stoch_d_14_3_3": (0, 100),
    "stochrsi_k_14": (0, 100),
    "stochrsi_d_14_3": (0, 100),
    "williams_r_14": (-100, 0),
    "cci_20": (-20 / 0.03, 20 / 0.03),
    "roc_10": (-100, np.inf),
    "cmo_14": (-100, 100),
    "ultosc_7_14_28": (0, 100),
    "mfi_14": (0, 100),
    "tsi_25_13": (-100, 100),
}
# Bounds hold up to the rounding of a few operations on numbers of that size.
ROUNDING = 1e-12


@pytest.mark.parametrize("missing", INPUTS)
def test_a_row_without_one_input_is_skipped_and_shows_the_value_so_far(
    connection: psycopg.Connection, missing: str
) -> None:
    load_history(connection, [walk(120, 91)])
    columns = [column for column, call in AGGREGATES.items() if missing in call]
    clean = compute(connection, friendly(columns))
    values = ", ".join("NULL" if name == missing else f"{name} * 1.5" for name in INPUTS)
    connection.execute(
        f"INSERT INTO history SELECT instrument_id, open_at, n, {values} FROM history WHERE n IN (1, 20, 90)"
    )
    # At equal open_at the holey row comes last, so it must repeat the row before it.
    calls = ", ".join(f"{AGGREGATES[column]} OVER w AS {column}" for column in columns)
    holey = compute(
        connection,
        f"SELECT row_number() OVER w AS n, n AS bar, {calls} FROM history "
        f"WINDOW w AS (ORDER BY open_at, {missing} IS NULL ROWS UNBOUNDED PRECEDING)",
    )
    bars = holey["bar"].astype(int) - 1
    assert len(bars) == 123
    for column in columns:
        assert holey[column].tobytes() == clean[column][bars].tobytes(), column


@pytest.mark.parametrize(
    "call",
    [
        "ta.stochf_k(high, low, close, {0})",
        "ta.stoch_k(high, low, close, {0}, 3)",
        "ta.stoch_k(high, low, close, 14, {0})",
        "ta.stoch_d(high, low, close, {0}, 3, 3)",
        "ta.stoch_d(high, low, close, 14, {0}, 3)",
        "ta.stoch_d(high, low, close, 14, 3, {0})",
        "ta.stochrsi_k(close, {0}, 14)",
        "ta.stochrsi_k(close, 14, {0})",
        "ta.stochrsi_d(close, 14, 14, {0})",
        "ta.williams_r(high, low, close, {0})",
        "ta.cci(high, low, close, {0})",
        "ta.roc(close, {0})",
        "ta.mom(close, {0})",
        "ta.cmo(close, {0})",
        "ta.ultosc(high, low, close, {0}, 14, 28)",
        "ta.ultosc(high, low, close, 7, 14, {0})",
        "ta.mfi(high, low, close, volume, {0})",
        "ta.tsi(close, {0}, 13)",
        "ta.tsi(close, 25, {0})",
        "ta.ao(high, low, {0}, 34)",
        "ta.ao(high, low, 5, {0})",
    ],
)
@pytest.mark.parametrize("period", ["0", "-1", "-14", "NULL"])
def test_a_period_below_one_gives_null(connection: psycopg.Connection, call: str, period: str) -> None:
    load_history(connection, [walk(60, 92)])
    values = f"SELECT {call.format(period)} OVER (ORDER BY open_at) AS value FROM history"
    assert connection.execute(f"SELECT count(value) FROM ({values}) AS v").fetchone() == (0,)


@pytest.mark.parametrize("name", SERIES)
def test_every_value_is_within_its_bounds(series_store: SeriesStore, name: str) -> None:
    actual = series_store.stored(name)
    for column, (least, greatest) in BOUNDS.items():
        defined = actual[column][~np.isnan(actual[column])]
        assert np.all(defined >= least * (1 + ROUNDING) - ROUNDING), column
        assert np.all(defined <= greatest * (1 + ROUNDING)), column


def _jumping() -> Series:
    """Prices that leap between 1e-60 and 1e60, and stay for a while."""
    rough = walk(200, 93)
    factor = np.where(np.arange(200) // 40 % 2 == 0, 1e-60, 1e60)
    return Series(rough.high * factor, rough.low * factor, rough.close * factor, rough.volume)


def _below_zero() -> Series:
    bars = walk(200, 97)
    return Series(bars.high - 150, bars.low - 150, bars.close - 150, bars.volume)


STILL = np.zeros(200)
EXTREMES = {
    "prices of 1e-60": walk(200, 94, start=1e-60),
    "prices of 1e60": walk(200, 95, start=1e60),
    "prices that leap between both": _jumping(),
    "nothing but zeros": Series(STILL, STILL, STILL, STILL),
    "no volume": replace(walk(200, 96), volume=STILL),
    "prices below zero": _below_zero(),
}


@pytest.mark.parametrize("name", EXTREMES)
def test_extreme_prices_raise_nothing(connection: psycopg.Connection, name: str) -> None:
    load_history(connection, [EXTREMES[name]])
    for query in (friendly(), BULK):
        actual = compute(connection, query)
        for column in AGGREGATES:
            defined = actual[column][60:]
            assert np.all(np.isfinite(defined)), column


@pytest.mark.parametrize(
    "call",
    [
        "ta.stochf_k_value(a, b, c)",
        "ta.stoch_smooth(a, b, c)",
        "ta.williams_r_value(a, b, c)",
        "ta.typical_price(a, b, c)",
        "ta.roc_value(a, b)",
        "ta.mom_value(a, b)",
        "ta.cmo_value(a, b)",
        "ta.buying_pressure(a, b, c)",
        "ta.ultosc_value(a, b, c, d, a, b)",
        "ta.positive_flow(a, b, c)",
        "ta.negative_flow(a, b, c)",
        "ta.mfi_value(a, b)",
        "ta.tsi_value(a, b)",
        "ta.median_price(a, b)",
        "ta.ao_value(a, b)",
    ],
)
def test_a_scalar_is_inlined_and_gives_null_for_nulls(connection: psycopg.Connection, call: str) -> None:
    plan = connection.execute(
        f"EXPLAIN (VERBOSE, COSTS OFF) SELECT {call} FROM "
        "(SELECT random() AS a, random() AS b, random() AS c, random() AS d OFFSET 0) AS r"
    ).fetchall()
    assert "ta." not in "".join(line for (line,) in plan)
    for missing in {letter for letter in "abcd" if f"{letter}," in call or f"{letter})" in call}:
        columns = ", ".join(f"{'NULL' if x == missing else '3'}::float8 AS {x}" for x in "abcd")
        assert connection.execute(f"SELECT {call} FROM (SELECT {columns}) AS r").fetchone() == (None,), missing


@pytest.mark.parametrize("window", ["NULL", "'{}'", "'{1,2,NULL}'", f"ARRAY[NULL{',1' * 19}]"])
def test_the_cci_of_no_whole_window_is_null(connection: psycopg.Connection, window: str) -> None:
    assert connection.execute(f"SELECT ta.cci_value({window}::float8[])").fetchone() == (None,)


def test_what_a_window_is_read_for_comes_from_its_newest_rows(connection: psycopg.Connection) -> None:
    """Three rows of two columns: (1, 5), (2, 9), (3, 7)."""
    state = "'{4,2,1,5,2,9,3,7}'::float8[]"
    for reader, wanted in (("sum", (16, 21, 21, 0)), ("highest", (9, 9, 9, None)), ("lowest", (7, 5, 5, None))):
        reads = ", ".join(f"ta.window_{reader}({state}, 2, {size})" for size in (2, 3, 9, 0))
        assert connection.execute(f"SELECT {reads}").fetchone() == wanted, reader
