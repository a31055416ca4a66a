"""Other libraries' published numbers on their own data; where TA-Lib has no twin, of the library that is followed."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest

from tests.sql.ta_oracles import SHEETS, Sheet, bars_of, needs_peers, sheet, sheet_error, tulip_cases
from tests.sql.ta_relations import compute, load_history
from tests.sql.ta_series import Floats, Series

pytestmark = [needs_peers, pytest.mark.real_data]


def _ours(connection: psycopg.Connection, bars: Series, call: str) -> Floats:
    load_history(connection, [bars])
    return compute(connection, f"SELECT n, {call} OVER (ORDER BY open_at) AS value FROM history")["value"]


@pytest.mark.parametrize("case", SHEETS, ids=lambda case: f"{case.call} {case.name} {case.column}")
def test_a_value_is_the_peer_s(connection: psycopg.Connection, case: Sheet) -> None:
    columns = case.read()
    actual = _ours(connection, bars_of(columns), case.call)
    error, rows = sheet_error(actual, columns[case.column], case)
    # A peer may lack some of ours, but not many.
    assert rows >= (case.last or np.sum(~np.isnan(actual)) * 2 // 3)
    assert error <= case.tolerance


@pytest.mark.parametrize(
    ("call", "peer", "column"),
    [
        ("ta.keltner_upper(high, low, close, 20, 10, 2.0)", "skender/keltner", "exp_upperBand"),
        ("ta.bb_width(close, 20, 2.0)", "skender/bb", "exp_width"),
        ("ta.force_index(close, volume, 2)", "skender/force", "exp_forceIndex"),
        ("ta.eom(high, low, volume, 14)", "bukosabino/cs-easeofmovement", "exp_SMA_EMV"),
    ],
)
def test_the_first_row_is_the_peer_s(connection: psycopg.Connection, call: str, peer: str, column: str) -> None:
    columns = sheet(peer)
    actual = _ours(connection, bars_of(columns), call)
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(columns[column]))


def test_cmf_is_tulip_s(connection: psycopg.Connection) -> None:
    cases = tulip_cases("cmf")
    assert cases
    for (period,), (high, low, close, volume, wanted) in cases:
        bars = Series(high, low, close, volume)
        actual = _ours(connection, bars, f"ta.cmf(high, low, close, volume, {int(period)})")
        np.testing.assert_allclose(actual[int(period) - 1 :], wanted, atol=1e-4)


def test_chaikin_volatility_is_tulip_s_once_the_average_begins_as_there(connection: psycopg.Connection) -> None:
    """Tulip's EMA begins with the first range: n counts as if the mean were already behind it."""
    cases = tulip_cases("cvi")
    assert len(cases) >= 2
    for (option,), (high, low, wanted) in cases:
        period = int(option)
        load_history(connection, [Series(high, low, high, high)])
        values = compute(
            connection,
            f"""
            SELECT n, ta.chaikin_volatility_value(ema, lag(ema, {period}) OVER (ORDER BY open_at)) AS value FROM (
                SELECT n, open_at,
                    ta.ema_state(high - low, n + {period}, {period}, first) OVER (ORDER BY open_at) AS ema
                FROM (SELECT *, first_value(high - low) OVER (ORDER BY open_at) AS first FROM history) AS h
            ) AS averaged
            """,
        )["value"]
        np.testing.assert_allclose(values[2 * period - 1 :], wanted, atol=1e-3)


def test_historical_volatility_is_near_cinar_s_definition(connection: psycopg.Connection) -> None:
    """cinar takes the population deviation of simple returns over 21: apart by their curvature, 1.1 % on its data."""
    columns = sheet("cinar/historical_volatility")
    actual = _ours(connection, bars_of(columns), "sqrt(20.0 / 21.0) * ta.hv(close, 21)")
    np.testing.assert_allclose(actual[21:], columns["exp_Hv"][21:], rtol=0.012)
    yearly = sheet("cinar/annualized_historical_volatility")["exp_Ahv"]
    actual = _ours(connection, bars_of(columns), "sqrt(20.0 / 21.0) * ta.hv(close, 21, 252)")
    np.testing.assert_allclose(actual[21:], yearly[21:], rtol=0.012)
