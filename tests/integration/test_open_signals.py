"""Open signals with where the market stands, at the present that the session is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from signalhub.domain.timeframe import H1
from tests import signals
from tests.market import MONDAY, rows_of
from tests.signals import OHLC, Plan

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def open_at(connection: psycopg.Connection, minutes: float) -> list[dict[str, Any]]:
    now = MONDAY + minutes * MINUTE
    connection.execute("SELECT set_config('signalhub.now', %s, TRUE)", (now.isoformat(),))
    return rows_of(connection, "SELECT * FROM analytics.open_signals ORDER BY signal_id")


def prices(connection: psycopg.Connection, symbol: str, *closes: float) -> int:
    identifier = signals.add_instrument(connection, symbol)
    bars = [OHLC(MONDAY + n * MINUTE, price, price + 1, price - 1, price) for n, price in enumerate(closes)]
    signals.put_bars(connection, identifier, bars)
    return identifier


def fill(connection: psycopg.Connection, signal_id: int, price: float) -> None:
    connection.execute(
        "UPDATE engine.outcomes SET fill_at = %s, fill_price = %s WHERE signal_id = %s", (MONDAY, price, signal_id)
    )


def test_the_last_price_is_the_close_of_the_latest_bar_that_closed(connection: psycopg.Connection) -> None:
    btc = prices(connection, "BTC/USDT", 100.0, 101.0, 103.0)
    signals.add_signal(connection, btc, Plan("long", MONDAY, MONDAY + HOUR, 100.0, 98.0, 106.0))
    seen = [(row["last_price"], row["last_price_at"]) for at in (0.9, 1, 2.5, 3, 90) for row in open_at(connection, at)]
    assert seen == [
        (None, None),
        (100.0, MONDAY + MINUTE),
        (101.0, MONDAY + 2 * MINUTE),
        (103.0, MONDAY + 3 * MINUTE),
        (103.0, MONDAY + 3 * MINUTE),
    ]


@pytest.mark.parametrize(("direction", "stop", "target", "sign"), [("long", 98, 106, 1), ("short", 102, 94, -1)])
def test_unrealised_r_is_the_move_from_the_fill_in_risks(
    connection: psycopg.Connection, direction: str, stop: float, target: float, sign: int
) -> None:
    btc = prices(connection, "BTC/USDT", 100.0, 103.0)
    signal_id = signals.add_signal(connection, btc, Plan(direction, MONDAY, MONDAY + HOUR, 100.0, stop, target))
    (row,) = open_at(connection, 2)
    assert (row["unrealised_r"], row["unrealised_return_pct"]) == (None, None), "not filled as far as is known"
    fill(connection, signal_id, 100.5)
    (row,) = open_at(connection, 2)
    assert row["unrealised_r"] == sign * 1.25
    assert row["unrealised_return_pct"] == pytest.approx(sign * 100 * 2.5 / 100.5)


def test_the_time_left_ends_at_zero(connection: psycopg.Connection) -> None:
    btc = prices(connection, "BTC/USDT", 100.0)
    signals.add_signal(connection, btc, Plan("long", MONDAY, MONDAY + HOUR, 100.0, 98.0, 106.0))
    assert [row["time_left"] for at in (15, 60, 61) for row in open_at(connection, at)] == [
        45 * MINUTE,
        0 * MINUTE,
        0 * MINUTE,
    ]


def test_each_signal_sees_its_own_instrument_and_closed_ones_are_gone(connection: psycopg.Connection) -> None:
    btc, eth = prices(connection, "BTC/USDT", 100.0), prices(connection, "ETH/USDT", 50.0)
    barren = signals.add_instrument(connection, "NEW/USDT")
    for minute, identifier in enumerate((btc, eth, barren, btc)):
        close_at = MONDAY + minute * MINUTE
        signals.add_signal(connection, identifier, Plan("long", close_at, MONDAY + HOUR, 100.0, 98.0, 106.0))
    assert [(row["symbol"], row["last_price"]) for row in open_at(connection, 5)] == [
        ("BTC/USDT", 100.0),
        ("ETH/USDT", 50.0),
        ("NEW/USDT", None),
        ("BTC/USDT", 100.0),
    ]
    connection.execute("UPDATE engine.outcomes SET status = 'cancelled'")
    assert open_at(connection, 5) == []


def test_the_base_that_rules_the_day_gives_the_price(connection: psycopg.Connection) -> None:
    btc = prices(connection, "BTC/USDT", 100.0, 101.0)
    signals.put_bars(connection, btc, [OHLC(MONDAY - 30 * HOUR, 80.0, 81.0, 79.0, 80.0, H1.span)], H1)
    signals.add_signal(connection, btc, Plan("long", MONDAY, MONDAY + HOUR, 100.0, 98.0, 106.0))
    assert [row["last_price"] for at in (-30 * 60, -20 * 60, 1, 600) for row in open_at(connection, at)] == [
        None,
        80.0,
        100.0,
        101.0,
    ]
