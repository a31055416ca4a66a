"""What can still be done with live signals: checked against the newest base bars, stored as changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from signalhub import outcomes
from signalhub.signals import validity
from tests import signals
from tests.market import MONDAY, rows_of
from tests.signals import OHLC, Plan

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
LONG = Plan("long", MONDAY, MONDAY + HOUR, 100.0, 98.0, 104.0)
SHORT = Plan("short", MONDAY, MONDAY + HOUR, 100.0, 102.0, 96.0)


def live(connection: psycopg.Connection, instrument_id: int, plan: Plan = LONG) -> int:
    signal_id = signals.add_signal(connection, instrument_id, plan)
    connection.execute("ALTER TABLE engine.signals DISABLE TRIGGER ALL")
    connection.execute("UPDATE engine.signals SET origin = 'live' WHERE signal_id = %s", (signal_id,))
    connection.execute("ALTER TABLE engine.signals ENABLE TRIGGER ALL")
    return signal_id


def goes(connection: psycopg.Connection, instrument_id: int, *closes: float, first: int = 0) -> None:
    """One-minute bars that open where the one before closed; the first opens at 100."""
    opens = (100.0, *closes[:-1])
    bars = [
        OHLC(MONDAY + (first + k) * MINUTE, begin, max(begin, end), min(begin, end), end)
        for k, (begin, end) in enumerate(zip(opens, closes, strict=True))
    ]
    signals.put_bars(connection, instrument_id, bars)


def checked(connection: psycopg.Connection, minutes: float, settled: float | None = None) -> int:
    """What the pipeline does: outcomes up to the watermark, then validity; the changes."""
    if settled is not None:
        for row in rows_of(connection, "SELECT instrument_id FROM market.instruments"):
            signals.settle(connection, row["instrument_id"], MONDAY + settled * MINUTE)
    now = MONDAY + minutes * MINUTE
    ended = outcomes.track(connection, now, 0.0).ended
    return validity.check(connection, ended, now)


def changes(connection: psycopg.Connection) -> list[tuple[str, datetime, float]]:
    found = rows_of(connection, "SELECT * FROM engine.signal_validity ORDER BY change_id")
    return [(row["state"], row["since"], row["price"]) for row in found]


def test_a_signal_is_valid_then_its_entry_is_missed_and_it_may_come_back(connection: psycopg.Connection) -> None:
    btc = signals.add_instrument(connection)
    live(connection, btc)
    goes(connection, btc, 100.5, 101.5, 100.2)
    assert [checked(connection, at) for at in (1, 1.5, 2, 2, 3)] == [1, 0, 1, 0, 1]
    assert changes(connection) == [
        ("valid", MONDAY + MINUTE, 100.5),
        # 2.5 are left to win and 3.5 would be risked.
        ("entry_missed", MONDAY + 2 * MINUTE, 101.5),
        ("valid", MONDAY + 3 * MINUTE, 100.2),
    ]


@pytest.mark.parametrize(
    ("plan", "close", "state"),
    [(LONG, 97.0, "invalidated"), (LONG, 104.5, "target_reached"), (SHORT, 102.5, "invalidated"),
     (SHORT, 95.0, "target_reached"), (LONG, 98.5, "valid"), (SHORT, 101.5, "valid")],
)  # fmt: skip
def test_a_touch_is_seen_before_the_watermark_passes_it_and_is_final(
    connection: psycopg.Connection, plan: Plan, close: float, state: str
) -> None:
    btc = signals.add_instrument(connection)
    live(connection, btc, plan)
    goes(connection, btc, close)
    checked(connection, 1)
    assert changes(connection) == [(state, MONDAY + MINUTE, close)]
    assert rows_of(connection, "SELECT status FROM engine.outcomes") == [{"status": "open"}]
    if state != "valid":
        signals.put_bars(connection, btc, [OHLC(MONDAY + MINUTE, 100.0, 100.0, 100.0, 100.0)])
        assert checked(connection, 2) == 0


def test_when_the_outcome_is_known_its_word_is_the_last(connection: psycopg.Connection) -> None:
    btc = signals.add_instrument(connection)
    live(connection, btc)
    goes(connection, btc, 100.5, 104.5)
    assert checked(connection, 1, settled=1) == 1
    assert checked(connection, 2, settled=2) == 1
    assert [state for state, _, _ in changes(connection)] == ["valid", "target_reached"]
    assert checked(connection, 3) == 0


def test_a_signal_whose_time_is_over_has_expired(connection: psycopg.Connection) -> None:
    btc = signals.add_instrument(connection)
    live(connection, btc)
    goes(connection, btc, 100.5)
    checked(connection, 1)
    checked(connection, 61)
    assert changes(connection)[-1][:2] == ("expired", MONDAY + HOUR)


def test_no_bar_that_closes_later_is_looked_at(connection: psycopg.Connection) -> None:
    btc = signals.add_instrument(connection)
    live(connection, btc)
    goes(connection, btc, 100.5, 97.0)
    checked(connection, 1.9)
    assert changes(connection) == [("valid", MONDAY + MINUTE, 100.5)]


def test_replays_are_left_alone(connection: psycopg.Connection) -> None:
    btc = signals.add_instrument(connection)
    signals.add_signal(connection, btc, LONG)
    goes(connection, btc, 97.0)
    assert checked(connection, 1, settled=1) == 0


def test_views_show_the_last_change(connection: psycopg.Connection) -> None:
    btc = signals.add_instrument(connection)
    live(connection, btc)
    goes(connection, btc, 100.5, 101.5)
    for at in (1, 2):
        checked(connection, at)
    expected: dict[str, Any] = {"validity": "entry_missed", "validity_since": MONDAY + 2 * MINUTE}
    for view in ("signals", "open_signals"):
        assert rows_of(connection, f"SELECT validity, validity_since FROM analytics.{view}") == [expected]
