"""The auditor finds each value that is not what the base bars say, by its exact key, and makes it right."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from signalhub.bars.audit import Finding
from signalhub.db.edition import TIMESCALE
from signalhub.db.engine import Database
from signalhub.domain.timeframe import M1, M15, ROLLED_UP, TIMEFRAMES
from signalhub.jobs import audit_windows, auditing
from signalhub.jobs.progress import Progress
from tests.market import MONDAY, NEXT_YEAR, add_instrument, at, bar, frame, put, random_bars, roll_and_compute, rows

LEVELS = [item.code for item in ROLLED_UP]


@pytest.fixture
def btc(database: Database) -> int:
    """Bitcoin with 13 days of 15m bars, 1,200 of them, and ether beside it."""
    btc, eth = add_instrument(database), add_instrument(database, "ETH/USDT")
    for seed, instrument_id in ((1, btc), (2, eth)):
        put(database, random_bars(seed, instrument_id, MONDAY, M15, 1300, keep=0.95), timeframe=M15)
    roll_and_compute(database)
    return btc


def every_window(database: Database, since: datetime | None = None) -> list[audit_windows.Window]:
    ids = [row["instrument_id"] for row in rows(database, "SELECT instrument_id FROM market.instruments")]
    return audit_windows.in_full(database, ids, TIMEFRAMES, since)


def found(database: Database, now: datetime = NEXT_YEAR) -> list[Finding]:
    return auditing.audit(database, every_window(database), now, Progress()).findings


def keys(findings: list[Finding]) -> list[tuple[Any, ...]]:
    return [(item.relation, item.instrument_id, item.open_at, item.column_name) for item in findings]


def repaired(database: Database, findings: list[Finding]) -> list[Finding]:
    return auditing.repair(database, every_window(database), findings, NEXT_YEAR, Progress())


def where_rollups_lie(database: Database, level: str) -> str:
    """The table that holds a level's rows: a continuous aggregate is a view of it."""
    if database.edition != TIMESCALE:
        return f"market.bars_{level}"
    (row,) = rows(
        database,
        "SELECT materialization_hypertable_schema || '.' || materialization_hypertable_name AS name "
        "FROM timescaledb_information.continuous_aggregates WHERE view_schema = 'market' AND view_name = %s",
        (f"bars_{level}",),
    )
    return str(row["name"])


def tamper(database: Database, statement: str, *parameters: object) -> None:
    with database.transaction() as connection:
        assert connection.execute(statement.encode(), parameters).rowcount > 0


def keep_from(database: Database, relation: str, instant: datetime) -> None:
    statement = "INSERT INTO market.retention (relation, timeframe, kept_from, dropped_at) VALUES (%s, '15m', %s, %s)"
    tamper(database, statement, relation, instant, NEXT_YEAR)


def contents(database: Database) -> list[list[dict[str, Any]]]:
    relations = [*(f"market.bars_{level}" for level in LEVELS), "market.indicators", "market.indicator_state"]
    return [rows(database, f"SELECT x::text AS content FROM {relation} AS x ORDER BY 1") for relation in relations]


@pytest.mark.usefixtures("btc")
def test_what_was_refreshed_is_found_to_be_right(database: Database) -> None:
    audited = auditing.audit(database, every_window(database), NEXT_YEAR, Progress())
    stored = sum(len(relation) for relation in contents(database))
    assert audited.findings == []
    assert audited.rows == stored


@pytest.mark.parametrize("level", LEVELS)
def test_a_wrong_rollup_is_found_by_its_key_and_made_right(database: Database, btc: int, level: str) -> None:
    before = contents(database)
    table = where_rollups_lie(database, level)
    tamper(
        database,
        f"UPDATE {table} SET volume = volume + 1, bar_count = 7 WHERE instrument_id = %s AND open_at = %s",
        *(btc, at("6")),
    )
    findings = found(database)
    relation = f"market.bars_{level}"
    assert keys(findings) == [(relation, btc, at("6"), "bar_count"), (relation, btc, at("6"), "volume")]
    assert (findings[0].stored, findings[0].base_timeframe) == ("7", "15m")
    assert float(findings[1].stored or 0) == float(findings[1].expected or 0) + 1
    assert repaired(database, findings) == []
    assert contents(database) == before


@pytest.mark.parametrize("level", ["5m", "1h", "1d"])
def test_a_missing_and_a_stray_rollup_differ_in_open_at(database: Database, btc: int, level: str) -> None:
    before = contents(database)
    table = where_rollups_lie(database, level)
    tamper(database, f"DELETE FROM {table} WHERE instrument_id = %s AND open_at = %s", btc, at("6"))
    tamper(
        database,
        f"INSERT INTO {table} SELECT instrument_id, base_timeframe, %s, open, high, low, close, volume, turnover, "
        f"bar_count, filled_count, high_at, low_at, known_at FROM {table} WHERE instrument_id = %s AND open_at = %s",
        *(at("20"), btc, at("8")),
    )
    findings = found(database)
    assert keys(findings) == [(f"market.bars_{level}", btc, at(day), "open_at") for day in ("6", "20")]
    assert [item.stored is None for item in findings] == [True, False]
    assert [item.expected is None for item in findings] == [False, True]
    assert repaired(database, findings) == []
    assert contents(database) == before


def test_wrong_missing_and_stray_indicators_and_anchors_are_found_by_their_keys(database: Database, btc: int) -> None:
    before = contents(database)
    where = "WHERE instrument_id = %s AND timeframe = '15m' AND open_at = "
    of = opens(database, btc)
    last = max(of)
    anchor = anchor_after(database, btc, of[300])
    tamper(database, f"UPDATE market.indicators SET rsi_14 = 50, n = 77 {where} %s", btc, of[600])
    tamper(database, f"DELETE FROM market.indicators {where} %s", btc, of[480])
    tamper(
        database,
        "INSERT INTO market.indicators (instrument_id, timeframe, open_at, n) VALUES (%s, '15m', %s, 1)",
        *(btc, at("4") - timedelta(minutes=30)),
    )
    tamper(database, f"UPDATE market.indicator_state SET memory[1] = 1 {where} %s", btc, anchor)
    tamper(database, f"DELETE FROM market.indicator_state {where} %s", btc, of[last])
    findings = found(database)
    assert keys(findings) == [
        ("market.indicator_state", btc, anchor, "memory"),
        ("market.indicator_state", btc, of[last], "open_at"),
        ("market.indicators", btc, at("4") - timedelta(minutes=30), "open_at"),
        ("market.indicators", btc, of[480], "open_at"),
        ("market.indicators", btc, of[600], "n"),
        ("market.indicators", btc, of[600], "rsi_14"),
    ]
    assert repaired(database, findings) == []
    assert contents(database) == before


def test_what_hangs_on_a_wrong_rollup_is_judged_when_that_is_right(database: Database, btc: int) -> None:
    before = contents(database)
    table = where_rollups_lie(database, "1h")
    tamper(database, f"UPDATE {table} SET close = high WHERE instrument_id = %s AND open_at = %s", btc, at("6"))
    tamper(
        database,
        "UPDATE market.indicators SET ema_9 = 1 WHERE instrument_id = %s AND timeframe = '1h' AND open_at = %s",
        *(btc, at("8")),
    )
    findings = found(database)
    assert keys(findings) == [("market.bars_1h", btc, at("6"), "close")]
    assert repaired(database, findings) == []
    assert contents(database) == before


def test_findings_are_on_record_with_the_instant_at_which_they_were_right_again(database: Database, btc: int) -> None:
    table = where_rollups_lie(database, "4h")
    tamper(database, f"UPDATE {table} SET low = 1 WHERE instrument_id = %s AND open_at = %s", btc, at("6"))
    record = (
        "SELECT relation, timeframe, open_at, column_name, stored, found_at, repaired_at FROM market.audit_findings"
    )
    first = {"relation": "market.bars_4h", "timeframe": "4h", "open_at": at("6"), "column_name": "low", "stored": "1"}
    for _ in range(2):
        findings = found(database)
        assert rows(database, record) == [first | {"found_at": NEXT_YEAR, "repaired_at": None}]
    assert repaired(database, findings) == []
    assert rows(database, record) == [first | {"found_at": NEXT_YEAR, "repaired_at": NEXT_YEAR}]


def test_what_waits_for_a_refresh_or_is_still_forming_is_no_finding(database: Database, btc: int) -> None:
    put(database, frame([bar(btc, at("6 10:00"), price=300), bar(btc, at("7 01:00"), price=300)]), timeframe=M15)
    assert found(database) == []
    roll_and_compute(database)
    assert found(database) == []
    sol = add_instrument(database, "SOL/USDT")
    put(database, random_bars(3, sol, at("4"), M1, 200), now=at("4 03:20"))
    roll_and_compute(database, at("4 03:20"))
    assert found(database, at("4 03:20")) == []
    # Closed, but dirty still: nobody has rolled it up.
    assert found(database, at("4 04:00")) == []


def test_nothing_is_expected_before_the_bars_that_are_kept(database: Database, btc: int) -> None:
    keep_from(database, "market.bars", at("9 06:00"))
    with database.transaction() as connection:
        connection.execute("DELETE FROM market.bars WHERE open_at < %s", (at("9 06:00"),))
    assert found(database) == []
    table = where_rollups_lie(database, "4h")
    tamper(database, f"UPDATE {table} SET low = 1 WHERE instrument_id = %s AND open_at = ANY(%s)", btc,
           [at("9 04:00"), at("9 08:00")])  # fmt: skip
    rollups = [item for item in found(database) if item.base_timeframe]
    assert keys(rollups) == [("market.bars_4h", btc, at("9 08:00"), "low")]


def test_indicators_are_judged_from_the_first_anchor_that_the_kept_bars_go_on_from(
    database: Database, btc: int
) -> None:
    keep_from(database, "market.bars", at("6"))
    keep_from(database, "market.bars_15m", at("6"))
    with database.transaction() as connection:
        connection.execute("DELETE FROM market.bars WHERE open_at < %s", (at("6"),))
        table = where_rollups_lie(database, "15m")
        connection.execute(f"DELETE FROM {table} WHERE open_at < %s".encode(), (at("6"),))
    assert found(database) == []
    of = opens(database, btc)
    # The first anchor whose 220 bars of context are kept: 15m bars from the 6th on reach so far at seven on the 8th.
    anchor = anchor_after(database, btc, at("8 07:00"))
    number = next(number for number, open_at in of.items() if open_at == anchor)
    wrong = [of[number - 100], anchor, of[number + 1], of[number + 300]]
    where = "WHERE instrument_id = %s AND timeframe = '15m' AND open_at = ANY(%s)"
    tamper(database, f"UPDATE market.indicators SET sma_20 = 1 {where}", btc, wrong)
    assert [(item.column_name, item.open_at) for item in found(database)] == [
        ("sma_20", open_at) for open_at in wrong[2:]
    ]


def test_a_sample_finds_what_lies_in_it_and_the_slices_come_to_everything(database: Database, btc: int) -> None:
    windows = audit_windows.sample(database, [btc], TIMEFRAMES[2:], None, 10, random.Random(1))
    assert len(windows) == 10
    assert auditing.audit(database, windows, NEXT_YEAR, Progress()).findings == []
    where = "WHERE instrument_id = %s AND timeframe = '15m' AND open_at = %s"
    tamper(database, f"UPDATE market.indicators SET sma_20 = 1 {where}", btc, opens(database, btc)[1100])
    per_round = [
        keys(auditing.audit_slices(database, NEXT_YEAR + timedelta(hours=hour), 8).findings) for hour in range(3)
    ]
    (row,) = rows(database, "SELECT open_at FROM market.indicators WHERE sma_20 = 1")
    assert [item for slices in per_round for item in slices] == [("market.indicators", btc, row["open_at"], "sma_20")]
    progress = (
        "SELECT count(*) AS n, count(*) FILTER (WHERE audited_through = '-infinity') AS over FROM market.audit_progress"
    )
    assert rows(database, progress) == [{"n": 8, "over": 8}]


def opens(database: Database, instrument_id: int) -> dict[int, datetime]:
    """Number → open of the 15m rows, from 1."""
    query = "SELECT open_at FROM market.indicators WHERE instrument_id = %s AND timeframe = '15m' ORDER BY open_at"
    return {number: row["open_at"] for number, row in enumerate(rows(database, query, (instrument_id,)), 1)}


def anchor_after(database: Database, instrument_id: int, instant: datetime) -> datetime:
    query = (
        "SELECT min(open_at) AS open_at FROM market.indicator_state "
        "WHERE instrument_id = %s AND timeframe = '15m' AND is_anchor AND open_at > %s"
    )
    (row,) = rows(database, query, (instrument_id, instant))
    found: datetime = row["open_at"]
    return found
