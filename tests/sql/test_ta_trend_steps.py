"""The trend families of schema `ta` step live from a stored state to the bits of the whole, and never look ahead."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.ta_errors import cut
from tests.sql.ta_relations import load_history
from tests.sql.ta_series import SERIES, Series, walk
from tests.sql.ta_trend_forms import (
    ARRAYS,
    FRIENDLY,
    STATES,
    SUPERTREND,
    aggregate,
    for_analysts,
    for_the_store,
    recursed,
    step,
)

CALLS = {**STATES, "supertrend_state": SUPERTREND}
KINDS = ["a random walk of 20,000 bars", "ticks and ties", "gaps", "flat closes with wicks", "tiny prices"]


def _bits(state: str, value: str) -> str:
    return f"array_send({value})" if state in ARRAYS else f"float8send({value})"


def _differing(connection: psycopg.Connection, query: str) -> dict[str, int]:
    """Columns of the query, each a boolean "differs", with the rows where they hold."""
    with connection.cursor() as cursor:
        rows = cursor.execute(query).fetchall()
        names = [column.name for column in cursor.description or ()]
    assert len(rows) >= 50
    return {name: hits for name, hits in zip(names, map(sum, zip(*rows, strict=True)), strict=True) if hits}


@pytest.mark.parametrize("kind", KINDS)
def test_a_live_step_from_the_bar_before_gives_the_bits_of_the_whole(connection: psycopg.Connection, kind: str) -> None:
    load_history(connection, [cut(SERIES[kind], 600)])
    lags = ", ".join(f"lag({state}) OVER (ORDER BY n) AS previous_{state}" for state in CALLS)
    compared = ", ".join(
        f"{_bits(state, step(state, call))} IS DISTINCT FROM {_bits(state, state)} AS {state}"
        for state, call in CALLS.items()
    )
    query = f"{recursed()}, stepped AS (SELECT composed.*, {lags} FROM composed) SELECT {compared} FROM stepped"
    assert _differing(connection, query) == {}


@pytest.mark.parametrize("start", [2, 3, 10, 11, 12, 30, 57])
def test_an_aggregate_continues_its_seed(connection: psycopg.Connection, start: int) -> None:
    load_history(connection, [walk(120, 71)])
    anchor = f"(SELECT a.{{}} FROM composed AS a WHERE a.n = {start - 1})"
    resumed = ", ".join(
        f"{aggregate(call, anchor.format(state))} OVER (ORDER BY n) AS resumed_{state}" for state, call in CALLS.items()
    )
    compared = ", ".join(
        f"{_bits(state, f'resumed_{state}')} IS DISTINCT FROM {_bits(state, state)} AS {state}" for state in CALLS
    )
    query = (
        f"{recursed()}, resumed AS (SELECT composed.*, {resumed} FROM composed WHERE n >= {start}) "
        f"SELECT {compared} FROM resumed"
    )
    assert _differing(connection, query) == {}


def test_the_comparison_of_states_can_fail(connection: psycopg.Connection) -> None:
    load_history(connection, [walk(120, 72)])
    stale = ", ".join(f"lag({state}, 2) OVER (ORDER BY n) AS previous_{state}" for state in CALLS)
    compared = ", ".join(
        f"{_bits(state, step(state, call))} IS DISTINCT FROM {_bits(state, state)} AS {state}"
        for state, call in CALLS.items()
    )
    query = f"{recursed()}, stepped AS (SELECT composed.*, {stale} FROM composed) SELECT {compared} FROM stepped"
    assert _differing(connection, query).keys() == CALLS.keys()


@pytest.mark.parametrize(
    "call",
    [
        "psar_step(NULL, 2.0, 1.0, {n}, 0.02, 0.2)",
        "supertrend_step(NULL, 2.0, 1.0, 1.5, 0.1, {n}, 3.0)",
        "pivot_step(NULL, 2.0, 1.0, 1.5, DATE '2026-01-01', {n})",
        "ha_open_step(NULL, 1.2, 1.5, 1.4, {n})",
    ],
)
def test_a_step_never_restarts_silently(connection: psycopg.Connection, call: str) -> None:
    for n, is_defined in ((-1, False), (0, False), (1, True), (2, False), (3, False), (50, False)):
        row = connection.execute(f"SELECT ta.{call.format(n=n)} IS NOT NULL").fetchone()
        assert row == (is_defined,), n


@pytest.mark.parametrize(
    "call",
    [
        "psar_step(s, NULL, 1.0, 9, 0.02, 0.2)",
        "psar_step(NULL, 2.0, NULL, 9, 0.02, 0.2, s)",
        "supertrend_step(s, 2.0, 1.0, 1.5, NULL, 9, 3.0)",
        "supertrend_step(NULL, 2.0, 1.0, NULL, 0.1, 9, 3.0, s)",
        "pivot_step(s, 2.0, 1.0, NULL, DATE '2026-01-01', 9)",
        "pivot_step(NULL, NULL, 1.0, 1.5, DATE '2026-01-01', 9, s)",
    ],
)
def test_a_null_price_leaves_the_state_as_it_is(connection: psycopg.Connection, call: str) -> None:
    row = connection.execute(f"SELECT ta.{call} = s FROM (VALUES ('{{1,2,3,4,5,6,7}}'::float8[])) AS v (s)").fetchone()
    assert row == (True,)


@pytest.mark.parametrize("length", [1, 27, 60, 101, 233])
def test_no_value_changes_when_later_bars_come(connection: psycopg.Connection, length: int) -> None:
    bars = cut(SERIES["ticks and ties"], 300)
    load_history(connection, [bars])
    whole = for_the_store(connection)
    load_history(connection, [cut(bars, length)])
    for prefix in (for_the_store(connection), for_analysts(connection)):
        assert prefix.keys() == whole.keys()
        for column, values in prefix.items():
            assert values.tobytes() == whole[column][:length].tobytes(), column


@pytest.mark.parametrize("scale", [1e-290, 1e-200, 1e150])
@pytest.mark.parametrize("kind", ["a random walk of 20,000 bars", "flat closes with wicks", "ticks and ties"])
def test_no_size_of_price_raises_or_brings_nan(connection: psycopg.Connection, kind: str, scale: float) -> None:
    bars = cut(SERIES[kind], 150)
    load_history(connection, [Series(bars.high * scale, bars.low * scale, bars.close * scale, bars.volume)])
    for_the_store(connection)
    for_analysts(connection)
    columns = ", ".join(f"{call} OVER w AS {name}" for name, call in FRIENDLY.items() if "day" not in call)
    row = connection.execute(
        f"SELECT count(*) FROM (SELECT {columns} FROM (SELECT h.*, h.close AS open FROM history AS h) AS bars "
        "WINDOW w AS (ORDER BY n)) AS v WHERE v::text LIKE '%NaN%' OR v::text LIKE '%nfinity%'"
    ).fetchone()
    assert row == (0,)


def test_a_close_on_a_band_of_supertrend_neither_releases_it_nor_turns(connection: psycopg.Connection) -> None:
    row = connection.execute(
        "SELECT (ta.supertrend_step('{10,1,20,10,10}', 9, 7, 10, 1, 9, 1.0))[1:4], "
        "(ta.supertrend_step('{20,-1,20,10,20}', 25, 23, 20, 1, 9, 1.0))[1:4]"
    ).fetchone()
    assert row == ([10.0, 1.0, 9.0, 10.0], [20.0, -1.0, 20.0, 23.0])
