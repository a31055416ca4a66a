"""analytics.indicators: the bars that the indicators are made of stand beside them, and are looked up by key."""

from __future__ import annotations

import json
from typing import Any

import pytest

from signalhub.db.engine import Database
from signalhub.domain.split import Split
from signalhub.domain.timeframe import H1, M1, M15
from tests import splits
from tests.market import MONDAY, add_instrument, at, put, random_bars, roll_and_compute, rows

BARS = ("open", "high", "low", "close", "volume")
KEY = ("symbol", "timeframe", "open_at", "close_at")
HOUR = "timeframe = '1h' AND open_at = '2024-03-05 10:00Z'"
SPAN = "symbol = 'BTC/USDT' AND timeframe = '15m' AND open_at >= '2024-03-05 00:00Z' AND open_at < '2024-03-05 06:00Z'"


def shown(database: Database, view: str) -> list[dict[str, Any]]:
    return rows(database, f"SELECT {', '.join(KEY + BARS)} FROM analytics.{view} ORDER BY 1, 2, 3")


@pytest.fixture
def two(database: Database) -> Database:
    """Bitcoin by minutes, ether by quarters of an hour and later by hours."""
    bitcoin, ether = add_instrument(database), add_instrument(database, "ETH/USDT")
    put(database, random_bars(1, bitcoin, MONDAY, M1, 3000))
    put(database, random_bars(2, ether, MONDAY, M15, 300), timeframe=M15)
    put(database, random_bars(3, ether, at("8"), H1, 60), timeframe=H1)
    roll_and_compute(database)
    return database


def test_every_row_holds_its_bar_and_every_bar_has_its_row(two: Database) -> None:
    found = shown(two, "indicators")
    assert found == shown(two, "adjusted_bars")
    assert {row["timeframe"] for row in found} == {"1m", "5m", "15m", "1h", "4h", "1d"}


def test_after_a_split_the_bars_are_in_shares_of_today(database: Database) -> None:
    apple = add_instrument(database, "AAPL")
    put(database, random_bars(4, apple, MONDAY, H1, 120), timeframe=H1)
    before = shown(database, "adjusted_bars")
    with database.transaction() as connection:
        splits.record(connection, "AAPL", Split(at("6"), 4.0))
    roll_and_compute(database)
    found = shown(database, "indicators")
    assert found == shown(database, "adjusted_bars") != before


def test_where_old_bars_were_dropped_the_indicators_stay(two: Database) -> None:
    with two.transaction() as connection:
        connection.execute("DELETE FROM market.bars WHERE open_at < '2024-03-04 12:00Z'")
    where = "symbol = 'BTC/USDT' AND timeframe = '1m'"
    found = rows(two, f"SELECT open_at, n, close FROM analytics.indicators WHERE {where} ORDER BY 1")
    assert [row["n"] for row in found] == [min(number, 1000) for number in range(1, len(found) + 1)]
    assert {row["close"] is None for row in found if row["open_at"] < at("4 12:00")} == {True}
    assert {row["close"] is None for row in found if row["open_at"] >= at("4 12:00")} == {False}


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for below in plan.get("Plans", []) for node in nodes(below))]


def planned(database: Database, columns: str, where: str) -> list[dict[str, Any]]:
    """The nodes of a query's plan that did run, with nothing read in a row that an index could find."""
    query = f"EXPLAIN (ANALYZE, VERBOSE, FORMAT JSON) SELECT {columns} FROM analytics.indicators WHERE {where}"
    with database.transaction() as connection:
        connection.execute("SET LOCAL enable_seqscan = off")
        ((answer,),) = connection.execute(query.encode()).fetchall()
    (plan,) = answer if isinstance(answer, list) else json.loads(answer)
    return [node for node in nodes(plan["Plan"]) if node["Actual Loops"]]


def rows_read(found: list[dict[str, Any]], column: str) -> int:
    """How many rows the scans gave that read this column: loops × rows."""
    scans = [
        node for node in found if node["Node Type"].endswith("Scan") and column in " ".join(node.get("Output", []))
    ]
    assert scans, column
    innermost = [node for node in scans if "Plans" not in node]
    return sum(round(node["Actual Loops"] * node["Actual Rows"]) for node in innermost)


@pytest.mark.parametrize(("where", "answers"), [(SPAN, 24), (HOUR, 2)], ids=["one series", "one hour of all"])
def test_no_more_bars_are_read_than_rows_are_answered(two: Database, where: str, answers: int) -> None:
    found = planned(two, "symbol, close, rsi_14", where)
    assert 0 < rows_read(found, ".close") <= answers
    assert 0 < rows_read(found, "rsi_14") <= answers


def test_a_query_that_reads_no_bar_looks_none_up(two: Database) -> None:
    with_bars, without = (planned(two, columns, SPAN) for columns in ("close, rsi_14", "close_at, n, rsi_14"))
    assert any(".close" in " ".join(node.get("Output", [])) for node in with_bars)
    assert not any(".close" in " ".join(node.get("Output", [])) for node in without)
