"""analytics.indicator_catalogue is right: each call, run as it stands there, gives what is stored in its column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from signalhub.db.engine import Database
from signalhub.domain.timeframe import H1
from signalhub.indicators import heads
from signalhub.indicators.catalogue import catalogue, facts_of
from tests.market import MONDAY, add_instrument, put, random_bars, roll_and_compute, rows, rows_of

BARS = 340
EVENTS = ("pivot", "swing_")
"""They wait for a day to end or a swing to be confirmed: the first bar is the earliest."""
CALLED = """
WITH bars AS (
    SELECT
        b.symbol, b.open_at, b.open, b.high, b.low, b.close, b.volume,
        date_trunc('day', b.open_at, 'UTC') AS session_open_at
    FROM analytics.adjusted_bars AS b WHERE b.timeframe = '1h'
),
called AS (SELECT open_at, {calls} FROM bars)
SELECT c.open_at, row_number() OVER (ORDER BY c.open_at) AS n, {pairs}
FROM called AS c
INNER JOIN analytics.indicators AS i ON i.open_at = c.open_at AND i.timeframe = '1h'
ORDER BY c.open_at
"""


def both(database: Database) -> list[dict[str, Any]]:
    """Every call of the catalogue beside the stored column, bar by bar."""
    told = rows(database, "SELECT column_name, call FROM analytics.indicator_catalogue ORDER BY place")
    calls = ", ".join(f"{row['call']} AS {row['column_name']}" for row in told)
    names = [row["column_name"] for row in told]
    pairs = ", ".join(f"ARRAY[c.{name}, i.{name}] AS {name}" for name in names)
    return rows(database, CALLED.format(calls=calls, pairs=pairs))


def differs(row: Mapping[str, Any], name: str) -> bool:
    called, stored = row[name]
    if called is None or stored is None:
        return called is not stored
    return abs(called - stored) > 1e-9 * max(1.0, abs(stored))


def test_a_call_gives_what_is_stored_from_the_first_bar_that_is_told(database: Database) -> None:
    put(database, random_bars(5, add_instrument(database), MONDAY, H1, BARS, keep=1.0), timeframe=H1)
    roll_and_compute(database)
    found = both(database)
    assert len(found) == BARS
    for item in catalogue():
        assert [row["n"] for row in found if differs(row, item.column)] == [], item.call
        defined = [row["n"] for row in found if row[item.column][1] is not None]
        if item.column.startswith(EVENTS):
            assert defined[0] >= item.first_bar, item.column
        else:
            assert defined[0] == item.first_bar, item.column


def test_the_view_says_what_the_program_says(connection: psycopg.Connection) -> None:
    connection.execute("SET LOCAL ROLE signalhub_analyst")
    found = rows_of(connection, "SELECT * FROM analytics.indicator_catalogue ORDER BY place")
    assert found == [{"place": place, **facts_of(item)} for place, item in enumerate(catalogue(), 1)]


def test_every_aggregate_of_ta_is_public_or_one_of_the_store_s(connection: psycopg.Connection) -> None:
    found = rows_of(
        connection,
        "SELECT p.proname::text AS name, p.pronargs AS arguments FROM pg_proc AS p "
        "WHERE p.pronamespace = 'ta'::regnamespace AND p.prokind = 'a' AND NOT p.proname LIKE '%%\\_state'",
    )
    aggregates = {(row["name"], row["arguments"]) for row in found}
    told = {(head.name, len(head.arguments)) for head in heads.public()}
    assert aggregates <= told
    assert {name for name, _ in told - aggregates} == {
        "typical_price", "median_price", "true_range", "volume_profile_of", "volume_profile_bins", "levels",
    }  # fmt: skip
