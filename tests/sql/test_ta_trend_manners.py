"""How the trend and level families of schema `ta` behave where the input is not a clean series of bars."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest

from tests.sql.ta_errors import cut
from tests.sql.ta_relations import compute, load_history
from tests.sql.ta_series import SERIES, walk
from tests.sql.ta_trend_forms import BARS, FRIENDLY, for_analysts

COLUMNS = ", ".join(f"{call} OVER w AS {name}" for name, call in FRIENDLY.items())
BOUNDED = {
    "plus_di_14": (0.0, 100.0),
    "minus_di_14": (0.0, 100.0),
    "aroon_up_25": (0.0, 100.0),
    "aroon_down_25": (0.0, 100.0),
    "aroon_osc_25": (-100.0, 100.0),
    "vortex_plus_14": (0.0, np.inf),
    "vortex_minus_14": (0.0, np.inf),
    "zscore_20": (-np.sqrt(19.0), np.sqrt(19.0)),
}
WITHIN_THE_PRICES = ("psar", "ichimoku_kijun_26", "ichimoku_senkou_b_52", "pivot", "swing_low_5", "ha_close")


def test_a_null_row_is_skipped_and_shows_the_value_so_far(connection: psycopg.Connection) -> None:
    load_history(connection, [walk(200, 81)])
    connection.execute(f"CREATE TEMPORARY TABLE full_bars AS WITH {BARS} SELECT * FROM bars")
    clean = compute(connection, f"SELECT n, {COLUMNS} FROM full_bars WINDOW w AS (ORDER BY n)")
    connection.execute("INSERT INTO full_bars (n, day) SELECT n, day FROM full_bars WHERE n IN (1, 20, 90)")
    # At equal n the null row comes last, so it must repeat the row before it.
    holey = compute(
        connection,
        f"SELECT row_number() OVER w AS n, n AS bar, {COLUMNS} FROM full_bars "
        "WINDOW w AS (ORDER BY n, close IS NULL ROWS UNBOUNDED PRECEDING)",
    )
    bars = holey["bar"].astype(int) - 1
    assert len(bars) == 203
    for column in clean.keys() - {"n"}:
        assert holey[column].tobytes() == clean[column][bars].tobytes(), column


@pytest.mark.parametrize(
    "call",
    [
        "ta.plus_di(high, low, close, {0})",
        "ta.minus_di(high, low, close, {0})",
        "ta.aroon_up(high, low, {0})",
        "ta.aroon_down(high, low, {0})",
        "ta.aroon_osc(high, low, {0})",
        "ta.psar(high, low, {0} - 0.1, 0.2)",
        "ta.psar(high, low, 0.1, {0} - 0.1)",
        "ta.supertrend(high, low, close, {0}, 3.0)",
        "ta.supertrend_direction(high, low, close, 10, {0} - 0.1)",
        "ta.ichimoku_tenkan(high, low, {0})",
        "ta.ichimoku_kijun(high, low, {0})",
        "ta.ichimoku_senkou_a(high, low, {0}, 26)",
        "ta.ichimoku_senkou_a(high, low, 9, {0})",
        "ta.ichimoku_senkou_b(high, low, {0}, 26)",
        "ta.ichimoku_senkou_b(high, low, 5, {0} - 1)",
        "ta.ichimoku_chikou(close, {0})",
        "ta.vortex_plus(high, low, close, {0})",
        "ta.vortex_minus(high, low, close, {0})",
        "ta.swing_high(high, {0})",
        "ta.swing_low(low, {0})",
        "ta.zscore(close, {0} + 1)",
        "ta.pivot_r(high, low, close, DATE '2026-01-01' + n::int, {0})",
        "ta.fibonacci_s(high, low, close, DATE '2026-01-01' + n::int, 4 - {0})",
    ],
)
@pytest.mark.parametrize("period", ["0", "-1", "-14", "NULL::int"])
def test_a_parameter_out_of_range_gives_null(connection: psycopg.Connection, call: str, period: str) -> None:
    load_history(connection, [walk(60, 82)])
    values = f"SELECT {call.format(period)} OVER (ORDER BY n) AS value FROM history"
    assert connection.execute(f"SELECT count(value) FROM ({values}) AS v").fetchone() == (0,)


@pytest.mark.parametrize("kind", ["gaps", "ticks and ties", "only up", "only down", "flat closes with wicks"])
def test_every_value_keeps_its_bounds(connection: psycopg.Connection, kind: str) -> None:
    bars = cut(SERIES[kind], 300)
    load_history(connection, [bars])
    actual = for_analysts(connection)
    for column, (least, greatest) in BOUNDED.items():
        values = actual[column][~np.isnan(actual[column])]
        assert len(values), column
        assert least - 1e-9 <= values.min() <= values.max() <= greatest + 1e-9, column
    for column in WITHIN_THE_PRICES:
        values = actual[column][~np.isnan(actual[column])]
        assert ((values >= bars.low.min()) & (values <= bars.high.max())).all(), column
    assert set(actual["supertrend_direction_10_3"][10:]) <= {-1.0, 1.0}


def test_of_equal_values_the_z_score_is_zero(connection: psycopg.Connection) -> None:
    # 0.1 has no binary form: mean and deviation of equal values carry rounding.
    for price, period in ((0.1, 20), (0.1, 200), (1e9 / 3.0, 200), (-7.7, 20), (0.0, 5)):
        query = f"SELECT ta.zscore({price}::float8, {period}) FROM generate_series(1, 300)"
        assert connection.execute(query).fetchone() == (0.0,), price


def test_an_aggregate_orders_its_own_input_for_the_last_value_alone(connection: psycopg.Connection) -> None:
    load_history(connection, [walk(60, 83)])
    query = "SELECT n, ta.psar(high, low, 0.02, 0.2) OVER (ORDER BY n) AS psar FROM history"
    last = compute(connection, query)["psar"][-1]
    shuffled = "(SELECT * FROM history ORDER BY random()) AS shuffled"
    assert connection.execute(f"SELECT ta.psar(high, low, 0.02, 0.2 ORDER BY n) FROM {shuffled}").fetchone() == (last,)


def test_nothing_leans_on_the_search_path(connection: psycopg.Connection) -> None:
    load_history(connection, [walk(60, 84)])
    connection.execute("SET LOCAL search_path = ''")
    bars = BARS.replace("FROM history", "FROM pg_temp.history")
    actual = compute(connection, f"WITH {bars} SELECT n, {COLUMNS} FROM bars WINDOW w AS (ORDER BY n)")
    assert actual["psar"][-1] > 0
    levels = "SELECT count(*) FROM ta.levels(ARRAY[1, 2, 1]::float8[], ARRAY[1, 2, 1]::float8[], 1, 0.1)"
    assert connection.execute(levels).fetchone() == (1,)


@pytest.mark.parametrize(
    "call",
    [
        "ta.di(a, b)",
        "ta.aroon_value(a, 25)",
        "ta.aroon_osc_value(a, b, 25)",
        "ta.vortex_value(a, b)",
        "ta.ichimoku_line(a, b)",
        "ta.pivot_value(a, b, c)",
        "ta.pivot_r_value(a, b, c, 1)",
        "ta.fibonacci_s_value(a, b, c, 2)",
        "ta.swing_high_value(a, b, c)",
        "ta.swing_low_value(a, b, c)",
        "ta.ha_close_value(a, b, c, d)",
        "ta.zscore_value(a, b, c)",
    ],
)
def test_the_small_helpers_are_inlined(connection: psycopg.Connection, call: str) -> None:
    plan = connection.execute(
        f"EXPLAIN (VERBOSE, COSTS OFF) SELECT {call} FROM "
        "(SELECT random() AS a, random() AS b, random() AS c, random() AS d OFFSET 0) AS r"
    ).fetchall()
    assert "ta." not in "".join(line for (line,) in plan)
