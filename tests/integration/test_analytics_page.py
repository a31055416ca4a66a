"""docs/analytics.md: its queries print what the page says over a made-up record, and every column is explained."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests import records, signals
from tests.records import closed
from tests.signals import OHLC
from tests.worked import as_table, worked

PAGE = (Path(__file__).parents[2] / "docs/analytics.md").read_text(encoding="utf-8")
WORKED = worked(PAGE)
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOMENTUM = ((0, 2.0, 80), (1, -1.0, 60), (2, 2.0, 75), (3, -1.0, 65), (72, -1.0, 71), (73, 2.0, 90), (74, -1.0, 62),
            (75, -1.0, 78), (76, 2.0, 72), (96, -1.0, 55))  # fmt: skip
BREAKOUT = ((5, 0.5, 66), (6, 0.5, 82), (7, -1.0, 61), (30, 0.5, 70), (31, 0.5, 64), (32, -1.0, 69))
"""(hours from Monday to the exit, net R, score), all long and replayed."""


@pytest.fixture
def record(connection: psycopg.Connection) -> psycopg.Connection:
    """Two strategies' decided signals of one week, one that was never filled, two open live ones, and others' noise."""
    bitcoin, ether = (signals.add_instrument(connection, symbol) for symbol in ("BTC/USDT", "ETH/USDT"))
    simulated = records.add_instrument(connection, "SIM:BTC/USDT", is_simulated=True)
    momentum, breakout = (records.add_strategy(connection, name) for name in ("momentum", "breakout"))
    for strategy, exits in ((momentum, MOMENTUM), (breakout, BREAKOUT)):
        for hours, net_r, score in exits:
            exit_at = MONDAY + hours * HOUR
            outcome = closed("target_hit" if net_r > 0 else "stop_hit", net_r, fill_at=exit_at - HOUR, exit_at=exit_at)
            records.add_signal(connection, bitcoin, strategy, exit_at - HOUR, outcome, score=score)
            records.add_signal(connection, simulated, strategy, exit_at - HOUR, outcome, score=score)
    unfilled = {"status": "expired", "exit_at": MONDAY + 54 * HOUR}
    records.add_signal(connection, ether, momentum, MONDAY + 42 * HOUR, unfilled)
    now = MONDAY + 4 * 24 * HOUR + 12 * HOUR
    for instrument_id, filled in ((bitcoin, {"fill_at": now - HOUR, "fill_price": 100.0}), (ether, {})):
        times = {"valid_until": now + (3 if filled else 5) * HOUR, "published_at": now - HOUR}
        records.add_signal(connection, instrument_id, momentum, now - HOUR, filled, origin="live", **times)
        price = 101.5 if filled else 99.0
        signals.put_bars(connection, instrument_id, [OHLC(now - HOUR / 60, 100.0, 102.0, 99.0, price)], now=now)
    connection.execute("SELECT set_config('signalhub.now', %s, TRUE)", (now.isoformat(),))
    return connection


def test_the_page_has_five_worked_queries() -> None:
    assert len(WORKED) == 5


@pytest.mark.parametrize("number", range(5))
def test_a_worked_query_prints_what_the_page_says_to_an_analyst(record: psycopg.Connection, number: int) -> None:
    query, result = WORKED[number]
    record.execute("SET LOCAL ROLE signalhub_analyst")
    assert as_table(record.execute(query.encode())) == result


def test_every_view_and_every_statistic_has_a_line(connection: psycopg.Connection) -> None:
    listed = "SELECT viewname::text FROM pg_views WHERE schemaname = 'analytics'"
    views = {name for (name,) in connection.execute(listed)}
    assert views == set(re.findall(r"^\| `(\w+)` \| ", PAGE.partition("## The statistics")[0], re.MULTILINE))
    statistics = PAGE.partition("## The statistics")[2].partition("**A day**")[0]
    cells = re.findall(r"^\| (`.*?) \| ", statistics, re.MULTILINE)
    explained = {name for cell in cells for name in re.findall(r"\w+", cell)}
    columns = {
        column.name
        for column in connection.execute("SELECT * FROM analytics.performance_by_strategy").description or ()
    }
    assert columns - explained == {"strategy", "strategy_version", "origin", "is_simulated"}
    assert explained <= columns
