"""The regression line of schema `ta`: least squares, whatever the ordinals begin with."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest
import talib

from tests.sql.conftest import SeriesStore
from tests.sql.ta_averages import analysts
from tests.sql.ta_definitions import least_squares
from tests.sql.ta_errors import RELATIVE_TOLERANCE
from tests.sql.ta_relations import compute, load_history
from tests.sql.ta_series import SERIES, Series, walk

NAMES = ["a random walk of 20,000 bars", "a calm walk", "ticks and ties", "gaps", "huge prices", "tiny prices"]


def _calls(period: int) -> dict[str, str]:
    return {name: f"ta.{name}(close, {period})" for name in ("linreg", "linreg_slope", "linreg_r2")}


@pytest.mark.parametrize("name", NAMES)
def test_the_columns_are_least_squares(series_store: SeriesStore, name: str) -> None:
    bars, actual = SERIES[name], series_store.stored(name)
    for column, wanted in least_squares(bars.close, 20).items():
        scale = 1.0 if column == "linreg_r2" else np.mean(bars.close)
        np.testing.assert_allclose(actual[f"{column}_20"], wanted, rtol=0, atol=RELATIVE_TOLERANCE * scale)


@pytest.mark.parametrize("period", [2, 3, 5, 14, 50])
def test_other_periods_are_least_squares_and_talibs(connection: psycopg.Connection, period: int) -> None:
    bars = walk(300, 81)
    load_history(connection, [bars])
    actual, wanted = analysts(connection, _calls(period)), least_squares(bars.close, period)
    for column in wanted:
        np.testing.assert_allclose(actual[column], wanted[column], atol=1e-9)
    np.testing.assert_allclose(actual["linreg"], talib.LINEARREG(bars.close, period), rtol=1e-9)
    np.testing.assert_allclose(actual["linreg_slope"], talib.LINEARREG_SLOPE(bars.close, period), atol=1e-9)
    correlation = talib.CORREL(bars.close, np.arange(300.0), period)
    np.testing.assert_allclose(actual["linreg_r2"], correlation**2, atol=1e-6)


@pytest.mark.parametrize("price", [100.0, 0.1, 1e9 / 3, 1e-8 / 7, 0.0])
def test_a_flat_market_has_no_slope_and_no_fit(connection: psycopg.Connection, price: float) -> None:
    close = np.full(120, price)
    load_history(connection, [Series(close, close, close, close)])
    for period in (2, 20, 100):
        actual = analysts(connection, _calls(period))
        np.testing.assert_allclose(actual["linreg"][period:], price, rtol=1e-14)
        np.testing.assert_allclose(actual["linreg_slope"][period:], 0.0, atol=1e-14 * price)
        assert set(actual["linreg_r2"][period:].tolist()) == {0.0}


@pytest.mark.parametrize("slope", [1.0, -1.0, 1e-6, 1e6])
def test_a_straight_line_is_found_again_and_fits_wholly(connection: psycopg.Connection, slope: float) -> None:
    close = 1000.0 + slope * np.arange(100.0)
    load_history(connection, [Series(close, close, close, close)])
    actual = analysts(connection, _calls(20))
    np.testing.assert_allclose(actual["linreg"][19:], close[19:], rtol=1e-12)
    np.testing.assert_allclose(actual["linreg_slope"][19:], slope, rtol=1e-6)
    np.testing.assert_allclose(actual["linreg_r2"][19:], 1.0, rtol=1e-9)
    assert actual["linreg_r2"][19:].max() <= 1.0


@pytest.mark.parametrize("name", SERIES)
def test_the_fit_is_between_nothing_and_all(series_store: SeriesStore, name: str) -> None:
    fit = series_store.stored(name)["linreg_r2_20"]
    fit = fit[~np.isnan(fit)]
    assert ((fit >= 0.0) & (fit <= 1.0)).all()


@pytest.mark.parametrize("start", [-7, 0, 1, 12345, 2_000_000_000])
def test_where_the_ordinals_begin_changes_no_bit(connection: psycopg.Connection, start: int) -> None:
    """What lets a resumed computation count from any bar."""
    load_history(connection, [walk(500, 82)])
    frame = "OVER (ORDER BY open_at ROWS 19 PRECEDING)"
    columns = compute(
        connection,
        f"SELECT n, regr_sxy(close, n) {frame} AS here, regr_sxy(close, n + {start}) {frame} AS there FROM history",
    )
    assert columns["here"].tobytes() == columns["there"].tobytes()


@pytest.mark.parametrize("missing", range(3))
def test_an_unknown_part_makes_the_fit_unknown(connection: psycopg.Connection, missing: int) -> None:
    arguments = ["NULL" if place == missing else "2.0::float8" for place in range(3)]
    row = connection.execute(f"SELECT ta.linreg_r2_value({', '.join(arguments)}, 20)").fetchone()
    assert row == (None,)
