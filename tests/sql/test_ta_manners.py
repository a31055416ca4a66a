"""How schema `ta` behaves where the input is not a clean series of bars, and how it is declared."""

from __future__ import annotations

import psycopg
import pytest

from signalhub.resources import folder
from tests.sql.ta_relations import FRIENDLY, compute, load_history
from tests.sql.ta_series import walk

FILES = sorted((folder("sql") / "derived" / "1_ta").glob("*.sql"))


def _scalar(connection: psycopg.Connection, expression: str) -> object:
    row = connection.execute(f"SELECT {expression}").fetchone()
    assert row is not None
    return row[0]


def test_a_null_row_is_skipped_and_shows_the_value_so_far(connection: psycopg.Connection) -> None:
    load_history(connection, [walk(200, 51)])
    query = f"SELECT n, {FRIENDLY} FROM history WINDOW w AS (ORDER BY open_at)"
    clean = compute(connection, query)
    connection.execute(
        "INSERT INTO history SELECT instrument_id, open_at, n, NULL, NULL, NULL, NULL "
        "FROM history WHERE n IN (1, 20, 90)"
    )
    # At equal open_at the null row comes last, so it must repeat the row before it.
    holey = compute(
        connection,
        f"SELECT row_number() OVER w AS n, n AS bar, {FRIENDLY} FROM history "
        "WINDOW w AS (ORDER BY open_at, close IS NULL ROWS UNBOUNDED PRECEDING)",
    )
    bars = holey["bar"].astype(int) - 1
    assert len(bars) == 203
    for column in clean.keys() - {"n"}:
        assert holey[column].tobytes() == clean[column][bars].tobytes(), column


@pytest.mark.parametrize(
    "call",
    [
        "ta.ema(close, {0})",
        "ta.rsi(close, {0})",
        "ta.atr(high, low, close, {0})",
        "ta.adx(high, low, close, {0})",
        "ta.macd(close, 12, 26, {0})",
        "ta.macd_signal(close, 12, 26, {0})",
        "ta.macd_hist(close, {0}, 26, 9)",
        "ta.ema_state(close, n, {0}, NULL::float8)",
        "ta.wilder_state(close, n, {0}, NULL::float8)",
        "ta.wilder_sum_state(close, n, {0}, NULL::float8)",
    ],
)
@pytest.mark.parametrize("period", [0, -1, -14])
def test_a_period_below_one_gives_null(connection: psycopg.Connection, call: str, period: int) -> None:
    load_history(connection, [walk(60, 52)])
    values = f"SELECT {call.format(period)} OVER (ORDER BY open_at) AS value FROM history"
    assert connection.execute(f"SELECT count(value) FROM ({values}) AS v").fetchone() == (0,)


@pytest.mark.parametrize("step", ["ema_step", "wilder_step", "wilder_sum_step"])
def test_a_step_never_restarts_silently(connection: psycopg.Connection, step: str) -> None:
    assert _scalar(connection, f"ta.{step}(NULL, 5.0::float8, 0, 3)") is None
    assert _scalar(connection, f"ta.{step}(NULL, 5.0::float8, 1, 3)") == 5.0
    for n in (2, 3, 4, 50):
        assert _scalar(connection, f"ta.{step}(NULL, 5.0::float8, {n}, 3)") is None, n


def test_obv_never_restarts_silently(connection: psycopg.Connection) -> None:
    assert _scalar(connection, "ta.obv_step(NULL, 5.0::float8, NULL, 7.0::float8)") == 7.0
    for close in (4, 5, 6):
        assert _scalar(connection, f"ta.obv_step(NULL, {close}, 5.0::float8, 7.0::float8)") is None, close
    assert _scalar(connection, "ta.obv_step(3.0::float8, 6.0::float8, 5.0::float8, NULL)") == 3.0


def test_an_undefined_x_is_zero_in_the_warm_up_and_skipped_later(connection: psycopg.Connection) -> None:
    assert _scalar(connection, "ta.wilder_step(NULL, NULL, 1, 3)") == 0.0
    assert _scalar(connection, "ta.wilder_step(6.0::float8, NULL, 3, 3)") == 2.0
    assert _scalar(connection, "ta.wilder_step(2.0::float8, NULL, 4, 3)") == 2.0
    assert _scalar(connection, "ta.ema_step(2.0::float8, NULL, 4, 3)") == 2.0


def test_an_aggregate_orders_its_own_input_for_the_last_value_alone(connection: psycopg.Connection) -> None:
    load_history(connection, [walk(60, 53)])
    last = compute(connection, f"SELECT n, {FRIENDLY} FROM history WINDOW w AS (ORDER BY open_at)")["rsi_14"][-1]
    query = "SELECT ta.rsi(close, 14 ORDER BY open_at) FROM (SELECT * FROM history ORDER BY random()) AS shuffled"
    assert connection.execute(query).fetchone() == (last,)


def test_nothing_leans_on_the_search_path(connection: psycopg.Connection) -> None:
    load_history(connection, [walk(60, 54)])
    connection.execute("SET LOCAL search_path = ''")
    query = f"SELECT n, {FRIENDLY} FROM pg_temp.history WINDOW w AS (ORDER BY open_at)"
    assert compute(connection, query)["adx_14"][-1] > 0


def test_every_file_can_be_applied_again(connection: psycopg.Connection) -> None:
    count = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'ta'::regnamespace"
    before = connection.execute(count).fetchone()
    for file in FILES:
        connection.execute(file.read_text())
    assert connection.execute(count).fetchone() == before


def test_every_function_is_immutable_parallel_safe_and_called_on_null(connection: psycopg.Connection) -> None:
    odd = connection.execute(
        "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'ta'::regnamespace "
        "AND (provolatile <> 'i' OR proparallel <> 's' OR proisstrict) ORDER BY 1"
    ).fetchall()
    assert odd == []


@pytest.mark.parametrize(
    "call", ["ta.rsi_value(a, b)", "ta.true_range(a, b, c)", "ta.plus_dm(a, b, c, d)", "ta.dx(a, b, c)"]
)
def test_the_small_helpers_are_inlined(connection: psycopg.Connection, call: str) -> None:
    plan = connection.execute(
        f"EXPLAIN (VERBOSE, COSTS OFF) SELECT {call} FROM "
        "(SELECT random() AS a, random() AS b, random() AS c, random() AS d OFFSET 0) AS r"
    ).fetchall()
    assert "ta." not in "".join(line for (line,) in plan)
