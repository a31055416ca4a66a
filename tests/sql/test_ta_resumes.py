"""Computing resumes from stored states and 49 context rows as if it had never stopped, to the last bit."""

from __future__ import annotations

from itertools import pairwise

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sql.ta_relations import COMPUTED, SEEDS, STATES, load_history, load_input
from tests.sql.ta_series import SERIES, Series, walk

LENGTH = 400
CONTEXT = 49

# Every kind of market, cut to the same length, so that one run resumes many instruments at different bars.
KINDS = [
    "a random walk of 20,000 bars",
    "a calm walk",
    "flat at a price that binary cannot hold",
    "flat closes with wicks",
    "only down",
    "huge prices",
    "tiny prices",
    "ticks and ties",
    "gaps",
]


def _cut(bars: Series) -> Series:
    return Series(bars.high[:LENGTH], bars.low[:LENGTH], bars.close[:LENGTH], bars.volume[:LENGTH])


def _prepare(connection: psycopg.Connection, instruments: list[Series]) -> list[str]:
    """Makes `whole`, everything computed in one go; its columns of values."""
    load_history(connection, instruments)
    load_input(connection)
    connection.execute(f"CREATE TEMPORARY TABLE whole AS {COMPUTED}")
    connection.execute("CREATE INDEX ON whole (instrument_id, n)")
    connection.execute("CREATE TEMPORARY TABLE resumed AS SELECT * FROM whole LIMIT 0")
    names = [column.name for column in connection.execute("SELECT * FROM whole LIMIT 0").description or ()]
    return [name for name in names if name not in ("instrument_id", "open_at", "n")]


def _resume(connection: psycopg.Connection, source: str, starts: list[int], ends: list[int]) -> None:
    """Appends the bars start <= n < end of each instrument to `resumed`, going on from states in `source`."""
    seeds = ", ".join(f"stored.{state}_state AS {seed}" for state, seed in zip(STATES, SEEDS, strict=True))
    connection.execute("DROP TABLE input")
    connection.execute(
        f"""
        CREATE TEMPORARY TABLE input AS
        SELECT history.*, history.n >= part.start AS is_new, {seeds}
        FROM unnest(%(starts)s::bigint[], %(ends)s::bigint[]) WITH ORDINALITY AS part (start, stop, number)
        JOIN history ON history.instrument_id = part.number - 1
            AND history.n >= part.start - {CONTEXT} AND history.n < part.stop
        LEFT JOIN {source} AS stored
            ON stored.instrument_id = history.instrument_id AND stored.n = part.start - 1
        ORDER BY random()
        """,
        {"starts": starts, "ends": ends},
    )
    connection.execute(f"INSERT INTO resumed {COMPUTED}")


def _differing(connection: psycopg.Connection, columns: list[str]) -> dict[str, int]:
    """Columns with the number of rows of `resumed` that are not, bit for bit, those of `whole`."""
    counts = ", ".join(
        f"count(*) FILTER (WHERE float8send(resumed.{c}) IS DISTINCT FROM float8send(whole.{c}))" for c in columns
    )
    row = connection.execute(f"SELECT {counts} FROM resumed LEFT JOIN whole USING (instrument_id, n)").fetchone()
    assert row is not None
    return {column: count for column, count in zip(columns, row, strict=True) if count}


def _count(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT count(*) FROM resumed").fetchone()
    assert row is not None
    return int(row[0])


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(starts=st.lists(st.integers(1, LENGTH), min_size=len(KINDS), max_size=len(KINDS)))
def test_resuming_anywhere_gives_the_bits_of_the_whole(connection: psycopg.Connection, starts: list[int]) -> None:
    connection.execute("DROP TABLE IF EXISTS whole, resumed")
    columns = _prepare(connection, [_cut(SERIES[kind]) for kind in KINDS])
    _resume(connection, "whole", starts, [LENGTH + 1] * len(KINDS))
    assert _count(connection) == sum(LENGTH + 1 - start for start in starts)
    assert _differing(connection, columns) == {}


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(cuts=st.sets(st.integers(2, LENGTH), max_size=8))
def test_any_chain_of_batches_gives_the_bits_of_the_whole(connection: psycopg.Connection, cuts: set[int]) -> None:
    connection.execute("DROP TABLE IF EXISTS whole, resumed")
    columns = _prepare(connection, [_cut(SERIES[kind]) for kind in KINDS])
    bounds = [1, *sorted(cuts), LENGTH + 1]
    for start, end in pairwise(bounds):
        # Each batch resumes from what the batch before has written, not from the whole.
        _resume(connection, "resumed", [start] * len(KINDS), [end] * len(KINDS))
    assert _count(connection) == LENGTH * len(KINDS)
    assert _differing(connection, columns) == {}


def test_bar_by_bar_gives_the_bits_of_the_whole(connection: psycopg.Connection) -> None:
    columns = _prepare(connection, [walk(80, 41), walk(80, 42, start=1e9)])
    for n in range(1, 81):
        _resume(connection, "resumed", [n, n], [n + 1, n + 1])
    assert _count(connection) == 160
    assert _differing(connection, columns) == {}


def test_a_context_that_is_too_short_is_noticed(connection: psycopg.Connection) -> None:
    """The comparison can fail: with one context row less, the longest window is wrong."""
    columns = _prepare(connection, [walk(100, 43)])
    connection.execute("DELETE FROM history WHERE n = 11")
    _resume(connection, "whole", [60], [61])
    assert set(_differing(connection, columns)) == {"sma_50"}


@pytest.mark.parametrize(
    "call",
    [
        "ta.ema_state(close, n, 20, {seed})",
        "ta.wilder_state(close, n, 20, {seed})",
        "ta.wilder_sum_state(close, n, 20, {seed})",
        "ta.obv_state(close, previous_close, volume, {seed})",
    ],
)
@pytest.mark.parametrize("start", [2, 10, 20, 21, 57])
def test_a_filtered_window_aggregate_continues_its_seed(connection: psycopg.Connection, call: str, start: int) -> None:
    load_history(connection, [walk(100, 44)])
    row = connection.execute(
        f"""
        WITH bars AS (SELECT *, lag(close) OVER (ORDER BY open_at) AS previous_close FROM history),
        whole AS (SELECT *, {call.format(seed="NULL::float8")} OVER (ORDER BY open_at) AS state FROM bars),
        seeded AS (SELECT *, (SELECT state FROM whole WHERE n = {start - 1}) AS seed FROM whole),
        resumed AS (
            SELECT *, {call.format(seed="seed")} FILTER (WHERE n >= {start}) OVER (ORDER BY open_at) AS again
            FROM seeded
        )
        SELECT
            count(*) FILTER (WHERE n >= {start} AND float8send(again) = float8send(state)),
            count(*) FILTER (WHERE n < {start} AND again IS NULL)
        FROM resumed
        """
    ).fetchone()
    assert row == (101 - start, start - 1)
