"""The state aggregates of schema ta go on from a seed as if they had never stopped, to the last bit.

How the store resumes: test_ta_store.py and tests/integration/test_indicator_store.py.
"""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.ta_relations import load_history
from tests.sql.ta_series import walk


@pytest.mark.parametrize(
    "call",
    [
        "ta.ema_state(close, n, 20, {seed})",
        "ta.wilder_state(close, n, 20, {seed})",
        "ta.wilder_sum_state(close, n, 20, {seed})",
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
