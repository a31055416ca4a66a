"""Splits that are learnt after old bars were dropped: what cannot be computed again follows all the same."""

from __future__ import annotations

from typing import Any

from signalhub.bars.retention import Keeping, drop_expired
from signalhub.db.engine import Database
from signalhub.domain.split import Split
from signalhub.domain.timeframe import M15
from tests.evaluation_market import add
from tests.lively import lively_bars
from tests.market import MONDAY, at, put, roll_and_compute, rows
from tests.splits import as_raw, record

# Four for one: a power of two, so that scaling leaves every bit of the rest alone.
SPLIT = Split(at("16"), 4.0)
BARS = 1200
TABLES = ("market.indicators", "market.indicator_state")


def contents(database: Database) -> list[list[dict[str, Any]]]:
    """Every row as text, which is exact for floats."""
    return [rows(database, f"SELECT x::text AS content FROM {table} AS x ORDER BY 1") for table in TABLES]


def test_indicators_and_anchors_of_dropped_bars_follow_a_split(database: Database) -> None:
    share = add(database, "SHARE", tick=None)
    put(database, as_raw(lively_bars(1, share, MONDAY, M15, BARS), [SPLIT], share), M15)
    computed = {}
    for made in ([SPLIT], []):
        with database.transaction() as connection:
            record(connection, "SHARE", *made)
        roll_and_compute(database)
        computed[len(made)] = contents(database)
    drop_expired(database, Keeping({M15: 1}), at("16 12:00"))
    assert rows(database, "SELECT min(open_at) AS first FROM market.bars")[0]["first"] > at("10")
    assert contents(database) == computed[0]
    for made in ([SPLIT], []):
        with database.transaction() as connection:
            record(connection, "SHARE", *made)
        roll_and_compute(database)
        assert contents(database) == computed[len(made)]
