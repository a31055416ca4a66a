"""The record, narrowed: each filter alone and together, and what none of them takes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from signalhub.errors import NotFound, UsageInvalid
from signalhub.signals.read import MAX_LIMIT, STATUSES, SignalFilter, page
from signalhub.strategies.declared import declared
from tests import records
from tests.records import CLOSE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("status", status) for status in STATUSES),
        *(("direction", direction) for direction in ("long", "short")),
        *(("origin", origin) for origin in ("live", "replay")),
        *(("strategy", strategy) for strategy in ("momentum", "breakout")),
        ("symbol", "T1/USDT"),
        ("timeframe", "4h"),
    ],
)
def test_a_filter_keeps_exactly_what_it_says(
    connection: psycopg.Connection, variety: list[dict[str, Any]], name: str, value: str
) -> None:
    kept = [row for row in variety if row[name] == value]
    assert 0 < len(kept) < len(variety)
    assert page(connection, SignalFilter(**{name: value, "limit": MAX_LIMIT})).items == kept  # type: ignore[arg-type]


@pytest.mark.parametrize("is_open", [True, False])
def test_open_and_closed_part_the_record(
    connection: psycopg.Connection, variety: list[dict[str, Any]], is_open: bool
) -> None:
    kept = [row for row in variety if (row["status"] == "open") == is_open]
    assert 0 < len(kept) < len(variety)
    assert page(connection, SignalFilter(is_open=is_open, limit=MAX_LIMIT)).items == kept


def test_since_keeps_closes_at_and_after_it(connection: psycopg.Connection, variety: list[dict[str, Any]]) -> None:
    since = CLOSE + timedelta(hours=4)
    kept = [row for row in variety if row["close_at"] >= since]
    assert any(row["close_at"] == since for row in kept)
    assert len(kept) < len(variety)
    assert page(connection, SignalFilter(since=since, limit=MAX_LIMIT)).items == kept


def test_a_strategy_with_no_signals_yet_is_known_by_its_file(connection: psycopg.Connection) -> None:
    assert page(connection, SignalFilter(strategy="breakout")).items == []


def test_a_strategy_whose_file_is_gone_is_known_by_its_record(connection: psycopg.Connection) -> None:
    strategy = records.add_strategy(connection, "retired")
    signal_id = records.add_signal(connection, records.add_instrument(connection), strategy)
    found = page(connection, SignalFilter(strategy="retired")).items
    assert [row["signal_id"] for row in found] == [signal_id]


@pytest.mark.usefixtures("variety")
def test_a_symbol_with_its_venue_finds_the_same(connection: psycopg.Connection) -> None:
    assert page(connection, SignalFilter(symbol="T1/USDT@test")) == page(connection, SignalFilter(symbol="T1/USDT"))


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (SignalFilter(timeframe="2h"), ("'2h'", "1m, 5m, 15m, 1h, 4h, 1d")),
        (SignalFilter(direction="up"), ("'up'", "long, short")),
        (SignalFilter(status="won"), ("'won'", "open, target_hit, stop_hit, expired, cancelled")),
        (SignalFilter(origin="dream"), ("'dream'", "live, replay")),
        (SignalFilter(strategy="nope"), ("'nope'", ", ".join(sorted(item.name for item in declared())))),
        (SignalFilter(limit=0), ("limit 0", "1 to 500")),
        (SignalFilter(limit=501), ("limit 501", "1 to 500")),
        (SignalFilter(since=datetime(2026, 1, 2)), ("since 2026-01-02", "no time zone")),
    ],
)
def test_a_wrong_filter_is_refused_with_what_is_allowed(
    connection: psycopg.Connection, chosen: SignalFilter, words: tuple[str, ...]
) -> None:
    with pytest.raises(UsageInvalid) as refused:
        page(connection, chosen)
    assert all(word in str(refused.value) for word in words)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("symbol", ["NOPE/USDT", "", "a\0b"])
def test_an_unknown_symbol_is_not_found(connection: psycopg.Connection, symbol: str) -> None:
    with pytest.raises(NotFound):
        page(connection, SignalFilter(symbol=symbol))
