"""Moving averages of schema `ta`: TA-Lib's numbers, the same bits for analysts as for our own compute, good manners."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import psycopg
import pytest
import talib
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import scale
from tests.sql.conftest import SeriesStore
from tests.sql.ta_averages import (
    ANALYSTS,
    LEAST_PERIOD,
    analysts,
    expected,
    noise,
    own,
    traded,
)
from tests.sql.ta_errors import RELATIVE_TOLERANCE, scaled, worst_error
from tests.sql.ta_relations import compute, load_history
from tests.sql.ta_series import SERIES, Series, from_close, walk

ONE_COLUMN = ["sma", "wma", "dema", "tema", "trima", "hma", "trix"]
# The aggregates for analysts keep windows of their own, which takes long; our own compute sees every bar.
FOR_ANALYSTS = int(2_500 * scale())
INSIDE = ["sma_20", "sma_200", "wma_20", "trima_20", "vwma_20", "kama_10"]


@pytest.mark.parametrize("name", SERIES)
def test_every_column_equals_talib_and_both_ways_agree_bit_for_bit(connection: psycopg.Connection, name: str) -> None:
    bars = scaled(SERIES[name])
    load_history(connection, [bars])
    for_us, wanted = own(connection), expected(bars)
    connection.execute("DELETE FROM history WHERE n > %s", [FOR_ANALYSTS])
    for_analysts = analysts(connection)
    wanted["vwma_20"] = np.where(traded(bars.volume, 20), wanted["vwma_20"], np.nan)
    for column in ANALYSTS:
        assert for_analysts[column].tobytes() == for_us[column][:FOR_ANALYSTS].tobytes(), column
    for column in wanted:
        assert worst_error(for_us[column], wanted[column], noise(column, bars)) <= RELATIVE_TOLERANCE, column


@pytest.mark.parametrize("period", [1, 2, 3, 4, 5, 7, 16, 31])
def test_other_periods_equal_talib_from_the_same_first_row(connection: psycopg.Connection, period: int) -> None:
    bars = walk(300, 61)
    load_history(connection, [bars])
    calls = {name: f"ta.{name}(close, {period})" for name in ONE_COLUMN}
    calls |= {"kama": f"ta.kama(close, {period}, 2, 30)", "vwma": f"ta.vwma(close, volume, {period})"}
    actual = analysts(connection, calls)
    for name in calls:
        function = getattr(talib, name.upper())
        wanted = function(bars.close, bars.volume, period) if name == "vwma" else function(bars.close, period)
        assert worst_error(actual[name], wanted, floor=1e-3) <= RELATIVE_TOLERANCE, name


def test_kama_follows_its_fast_and_slow_ends(connection: psycopg.Connection) -> None:
    x = walk(200, 62).close
    load_history(connection, [from_close(x, 62)])
    wanted, state = np.full(200, np.nan), x[4]
    for i in range(5, 200):
        volatility = np.abs(np.diff(x[i - 5 : i + 1])).sum()
        ratio = abs(x[i] - x[i - 5]) / volatility
        state += (ratio * (2 / 4 - 2 / 21) + 2 / 21) ** 2 * (x[i] - state)
        wanted[i] = state
    assert worst_error(analysts(connection, {"kama": "ta.kama(close, 5, 3, 20)"})["kama"], wanted) <= 1e-12


def test_vwma_is_unknown_where_nothing_wastraded(connection: psycopg.Connection) -> None:
    bars = walk(100, 63)
    silent = np.where((np.arange(100) >= 20) & (np.arange(100) < 60), 0.0, bars.volume)
    load_history(connection, [Series(bars.high, bars.low, bars.close, silent)])
    for actual in (analysts(connection), own(connection)):
        unknown = np.flatnonzero(np.isnan(actual["vwma_20"]))
        assert list(unknown) == [*range(19), *range(39, 60)]
    assert analysts(connection, {"one": "ta.vwma(close, volume, 1)"})["one"].tobytes() == bars.close.tobytes()


@pytest.mark.parametrize("name", ["a random walk of 20,000 bars", "ticks and ties", "gaps", "huge prices"])
def test_an_average_stays_within_what_it_averages(series_store: SeriesStore, name: str) -> None:
    bars, actual = SERIES[name], series_store.stored(name)
    for column in INSIDE:
        values = actual[column][~np.isnan(actual[column])]
        assert values.min() >= bars.close.min() * (1 - 1e-12), column
        assert values.max() <= bars.close.max() * (1 + 1e-12), column


def test_a_null_row_is_skipped_and_shows_the_value_so_far(connection: psycopg.Connection) -> None:
    load_history(connection, [walk(120, 64)])
    clean = analysts(connection)
    connection.execute("INSERT INTO history SELECT instrument_id, open_at, n FROM history WHERE n IN (1, 23, 90)")
    columns = ", ".join(f"{call} OVER w AS {name}" for name, call in ANALYSTS.items())
    holey = compute(
        connection,
        f"SELECT row_number() OVER w AS n, n AS bar, {columns} FROM history "
        "WINDOW w AS (ORDER BY open_at, close IS NULL ROWS UNBOUNDED PRECEDING)",
    )
    bars = holey["bar"].astype(int) - 1
    assert len(bars) == 123
    for column in ANALYSTS:
        assert holey[column].tobytes() == clean[column][bars].tobytes(), column


@pytest.mark.parametrize("name", ANALYSTS)
def test_a_period_that_makes_no_sense_gives_null(connection: psycopg.Connection, name: str) -> None:
    load_history(connection, [walk(40, 65)])
    function, arguments = ANALYSTS[name].removesuffix(")").split("(")
    columns = [a for a in arguments.split(", ") if not a.isdigit()]
    periods = [a for a in arguments.split(", ") if a.isdigit()]
    for place in range(len(periods)):
        for wrong in (LEAST_PERIOD.get(function.removeprefix("ta."), 1) - 1, -20, "NULL::int"):
            given_periods = [*periods[:place], str(wrong), *periods[place + 1 :]]
            call = f"{function}({', '.join([*columns, *given_periods])})"
            assert np.isnan(analysts(connection, {"value": call})["value"]).all(), call


def test_no_value_depends_on_the_rows_after_it(connection: psycopg.Connection) -> None:
    load_history(connection, [walk(150, 66)])
    whole = [analysts(connection), own(connection)]
    for length in (1, 22, 23, 58, 100):
        connection.execute("DELETE FROM history WHERE n > %s", [length])
        for before, after in zip(whole, (analysts(connection), own(connection)), strict=True):
            for column in ANALYSTS:
                assert after[column].tobytes() == before[column][:length].tobytes(), column
        load_history(connection, [walk(150, 66)])


@pytest.mark.parametrize("size", [1e140, 1e-100, 1e-290, 1e-307])
def test_huge_and_tiny_values_never_raise_and_never_give_nan(connection: psycopg.Connection, size: float) -> None:
    rng = np.random.default_rng(67)
    close = np.where(rng.random(300) < 0.2, 0.0, rng.normal(0.0, 1.0, 300)) * size
    load_history(connection, [Series(close, close, close, np.abs(close))])
    for actual in (analysts(connection), own(connection)):
        for column in ANALYSTS:
            values = actual[column][200:]
            assert np.isfinite(values).all(), column


@settings(max_examples=10, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.sets(st.integers(2, 120), max_size=5))
def test_kama_resumes_from_its_state_to_the_bit(connection: psycopg.Connection, cuts: set[int]) -> None:
    load_history(connection, [walk(120, 68)])
    call = "ta.kama_state(close, change, volatility, n, 10, 2, 30, {})"
    connection.execute("DROP TABLE IF EXISTS moves")
    connection.execute(
        "CREATE TEMPORARY TABLE moves AS SELECT n, close, close - lag(close, 10) OVER w AS change, "
        "sum(abs(close - previous)) OVER (w ROWS 9 PRECEDING) AS volatility "
        "FROM (SELECT *, lag(close) OVER (ORDER BY open_at) AS previous FROM history) AS h WINDOW w AS (ORDER BY n)"
    )
    whole = compute(connection, f"SELECT n, {call.format('NULL::float8')} OVER (ORDER BY n) AS kama FROM moves")["kama"]
    parts, seed = [], None
    for start, end in pairwise([1, *sorted(cuts), 121]):
        part = compute(
            connection,
            f"SELECT n, {call.format('NULL' if seed is None else repr(seed))} OVER (ORDER BY n) AS kama "
            f"FROM moves WHERE n >= {start} AND n < {end}",
        )["kama"]
        parts.append(part)
        seed = None if np.isnan(part[-1]) else float(part[-1])
    assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_kama_never_restarts_silently(connection: psycopg.Connection) -> None:
    step = "SELECT ta.kama_step({}, 5.0::float8, 1.0::float8, 2.0::float8, {}, 10, 2, 30)"
    for state, n, wanted in (("NULL", 0, None), ("NULL", 9, None), ("NULL", 10, 5.0), ("NULL", 11, None)):
        assert connection.execute(step.format(state, n)).fetchone() == (wanted,)
    held = "SELECT ta.kama_step(4.0::float8, NULL, NULL, NULL, 11, 10, 2, 30)"
    assert connection.execute(held).fetchone() == (4.0,)


@pytest.mark.parametrize(
    "call",
    [
        "ta.wma_value(a, b, 20)",
        "ta.dema_value(a, b)",
        "ta.tema_value(a, b, c)",
        "ta.trima_value(a, b, c, d, 20)",
        "ta.hma_raw(a, b, c, d, 20)",
        "ta.hma_value(a, b, c, d)",
        "ta.vwma_term(a, b)",
        "ta.vwma_value(a, b, c, 20)",
        "ta.linreg_value(a, b, 20)",
        "ta.linreg_slope_value(a, 20)",
        "ta.linreg_r2_value(a, b, c, 20)",
        "ta.ppo_value(a, b)",
        "ta.trix_value(a, b)",
    ],
)
def test_the_small_helpers_are_inlined(connection: psycopg.Connection, call: str) -> None:
    plan = connection.execute(
        f"EXPLAIN (VERBOSE, COSTS OFF) SELECT {call} FROM "
        "(SELECT random() AS a, random() AS b, random() AS c, random() AS d OFFSET 0) AS r"
    ).fetchall()
    assert "ta." not in "".join(line for (line,) in plan)


def test_hull_of_four_values_has_the_bits_of_hull_of_any_number(connection: psycopg.Connection) -> None:
    row = connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE float8send(ta.hma_value(a, b, c, d)) = "
        "float8send(ta.hma_value(ARRAY[a, b, c, d]))) FROM (SELECT random() AS a, random() AS b, -random() AS c, "
        "random() AS d FROM generate_series(1, 1000) OFFSET 0) AS r"
    ).fetchone()
    assert row == (1000, 1000)
