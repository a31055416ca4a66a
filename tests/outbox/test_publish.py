"""Publish: who is decided on and why, what is put in the outbox for whom, and what is not."""

from __future__ import annotations

import json
from datetime import time, timedelta
from typing import Any

import psycopg
import pytest

from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.outbox import publish
from tests import outbox_stage as stage
from tests.outbox_stage import NOW, add_signal, add_subscriber, decisions, grant, messages, published, reasons

EVERYWHERE = {"telegram_chat_id": 7, "webhook_url": "https://example.org/hook", "webhook_secret": "whsec_x"}
NIGHT = {"quiet_from": time(22), "quiet_until": time(7)}  # NOW is 03:01 UTC

UNWANTED = {
    "symbol": {"symbols": ["ETH/USDT"]},
    "asset_class": {"asset_classes": ["forex"]},
    "timeframe": {"timeframes": ["4h"]},
    "direction": {"directions": ["short"]},
    "score_below_minimum": {"min_score": 71.26},
    "no_channel": {"channels": ["telegram"]},
}


def test_a_signal_of_an_entitled_strategy_is_sent_by_default(connection: Connection) -> None:
    add_subscriber(connection)
    signal_id = published(connection)
    assert decisions(connection) == [
        {
            "signal_id": signal_id,
            "name": "ann",
            "decision": "send",
            "reason": "wanted",
            "deferred_until": None,
            "channels": ["email"],
        }
    ]
    (message,) = messages(connection)
    expected = {"kind": "alert", "channel": "email", "signal_id": signal_id, "status": "pending", "due_at": NOW}
    assert message | expected == message
    assert message["valid_until"] == stage.records.CLOSE + timedelta(hours=12)


@pytest.mark.parametrize(("is_best", "reason"), [(None, "wanted"), (True, "wanted"), (False, "not_among_best")])
def test_of_a_cycle_only_the_best_are_sent_where_they_are_marked(
    connection: Connection, is_best: bool | None, reason: str
) -> None:
    add_subscriber(connection)
    published(connection, is_best=is_best)
    assert [row["reason"] for row in decisions(connection)] == [reason]
    assert len(messages(connection)) == (reason == "wanted")


@pytest.mark.parametrize(("reason", "wants"), UNWANTED.items())
def test_what_a_subscriber_does_not_want_is_withheld_with_the_reason(
    connection: Connection, reason: str, wants: dict[str, Any]
) -> None:
    add_subscriber(connection, wants=wants)
    published(connection)
    assert [(row["decision"], row["reason"], row["channels"]) for row in decisions(connection)] == [
        ("withhold", reason, [])
    ]
    assert messages(connection) == []


def test_what_a_subscriber_names_is_sent(connection: Connection) -> None:
    wants = {"symbols": ["BTC/USDT"], "asset_classes": ["crypto"], "timeframes": ["1h"], "directions": ["long"]}
    add_subscriber(connection, wants={**wants, "min_score": 71.25, "channels": ["email", "telegram"]})
    published(connection)
    assert reasons(connection) == {"ann": "wanted"}
    assert [row["channel"] for row in messages(connection)] == ["email"]


def test_nobody_without_a_valid_entitlement_is_decided_on(connection: Connection) -> None:
    add_subscriber(connection, "entitled")
    add_subscriber(connection, "inactive", is_active=False)
    for name, span in {
        "ended": {"valid_from": NOW - timedelta(days=9), "valid_until": NOW},
        "to_come": {"valid_from": NOW + timedelta(seconds=1)},
        "another": {"strategy": "breakout"},
    }.items():
        other = add_subscriber(connection, name)
        connection.execute("DELETE FROM account.entitlements WHERE subscriber_id = %s", (other,))
        grant(connection, other, **span)
    published(connection)
    assert reasons(connection) == {"entitled": "wanted"}


def test_spans_that_overlap_make_one_decision(connection: Connection) -> None:
    grant(connection, add_subscriber(connection))
    published(connection)
    assert len(decisions(connection)) == len(messages(connection)) == 1


def test_a_subscriber_without_preferences_wants_everything(connection: Connection) -> None:
    add_subscriber(connection)
    connection.execute("DELETE FROM account.preferences")
    signal_id = published(connection)
    assert reasons(connection) == {"ann": "wanted"}
    connection.execute("UPDATE outbox.messages SET status = 'sent', finished_at = %s", (NOW,))
    assert publish.publish_closings(connection, [signal_id], NOW) == 1


def test_there_is_one_message_for_each_channel_that_has_an_address_and_is_wanted(connection: Connection) -> None:
    add_subscriber(connection, "all", **EVERYWHERE)
    add_subscriber(connection, "two", wants={"channels": ["webhook", "email"]}, **EVERYWHERE)
    published(connection)
    assert [(row["name"], row["channel"]) for row in messages(connection)] == [
        ("all", "email"), ("all", "telegram"), ("all", "webhook"), ("two", "email"), ("two", "webhook")
    ]  # fmt: skip
    assert {row["name"]: row["channels"] for row in decisions(connection)} == {
        "all": ["email", "telegram", "webhook"],
        "two": ["email", "webhook"],
    }


def test_decisions_are_signals_times_entitled_active_subscribers(connection: Connection) -> None:
    for number in range(7):
        add_subscriber(connection, f"s{number}", wants=[{}, NIGHT, {"daily_cap": 1}, {"symbols": []}][number % 4])
    add_subscriber(connection, "idle", is_active=False)
    signal_ids = [add_signal(connection, symbol) for symbol in ("BTC/USDT", "ETH/USDT", "SOL/USDT")]
    done = publish.publish(connection, signal_ids, NOW)
    assert done.decisions == len(decisions(connection)) == 3 * 7
    assert done.messages == len(messages(connection))


def test_under_a_daily_cap_the_best_signals_go_first(connection: Connection) -> None:
    add_subscriber(connection, wants={"daily_cap": 2, "directions": ["long"]})
    short = {"direction": "short", "stop": 101, "target": 98, "score": 99}
    scores = {add_signal(connection, f"S{score}/USDT", score=score): score for score in (60, 90, 70, 80)}
    best_but_unwanted = add_signal(connection, "S99/USDT", **short)
    publish.publish(connection, [*scores, best_but_unwanted], NOW)
    found = {row["signal_id"]: row["reason"] for row in decisions(connection)}
    assert found.pop(best_but_unwanted) == "direction"
    assert {scores[signal_id]: reason for signal_id, reason in found.items()} == {
        90: "wanted", 80: "wanted", 70: "daily_cap", 60: "daily_cap"
    }  # fmt: skip


def test_a_daily_cap_counts_the_subscribers_local_day(connection: Connection) -> None:
    # 03:01 UTC: in Tokyo it is past noon, in New York the evening before.
    add_subscriber(connection, "tokyo", time_zone="Asia/Tokyo", wants={"daily_cap": 1})
    add_subscriber(connection, "new_york", time_zone="America/New_York", wants={"daily_cap": 1})
    published(connection)
    later = published(connection, now=NOW + timedelta(hours=1), symbol="ETH/USDT")
    next_in_new_york = published(connection, now=NOW + timedelta(hours=2), symbol="SOL/USDT")
    found = {(row["signal_id"], row["name"]): row["reason"] for row in decisions(connection)}
    assert found[later, "tokyo"] == found[later, "new_york"] == "daily_cap"
    assert found[next_in_new_york, "tokyo"] == "daily_cap"
    assert found[next_in_new_york, "new_york"] == "wanted"


def test_what_was_deferred_counts_under_the_cap_and_what_was_withheld_does_not(connection: Connection) -> None:
    add_subscriber(connection, "sleeper", wants={"daily_cap": 1, **NIGHT})
    add_subscriber(connection, "picky", wants={"daily_cap": 1, "symbols": ["ETH/USDT"]})
    published(connection)
    second = published(connection, symbol="ETH/USDT")
    found = {row["name"]: row["reason"] for row in decisions(connection) if row["signal_id"] == second}
    assert found == {"sleeper": "daily_cap", "picky": "wanted"}


def test_in_quiet_hours_a_message_is_deferred_to_their_end(connection: Connection) -> None:
    add_subscriber(connection, "london", time_zone="Europe/London", wants=NIGHT)
    add_subscriber(connection, "tokyo", time_zone="Asia/Tokyo", wants=NIGHT)
    published(connection)
    morning = NOW.replace(hour=7, minute=0)
    found = {row["name"]: row for row in decisions(connection)}
    assert (found["london"]["decision"], found["london"]["reason"]) == ("defer", "quiet_hours")
    assert found["london"]["deferred_until"] == morning
    assert (found["tokyo"]["decision"], found["tokyo"]["deferred_until"]) == ("send", None)
    assert {row["name"]: row["due_at"] for row in messages(connection)} == {"london": morning, "tokyo": NOW}


def test_replayed_signals_are_never_published(connection: Connection) -> None:
    add_subscriber(connection)
    replayed = add_signal(connection, origin="replay", published_at=None)
    live = add_signal(connection, "ETH/USDT")
    assert publish.publish(connection, [replayed], NOW) == publish.Published()
    assert publish.publish(connection, [], NOW) == publish.Published()
    assert publish.publish(connection, [replayed, live], NOW) == publish.Published(decisions=1, messages=1)
    assert {row["signal_id"] for row in messages(connection)} == {live}
    assert publish.publish_closings(connection, [replayed], NOW) == 0


def test_published_twice_is_published_once(connection: Connection) -> None:
    add_subscriber(connection)
    signal_id = published(connection)
    add_subscriber(connection, "late")
    assert publish.publish(connection, [signal_id], NOW + timedelta(days=1)) == publish.Published()
    assert reasons(connection) == {"ann": "wanted"}


def test_a_publish_that_is_rolled_back_leaves_nothing(database: Database) -> None:
    with database.transaction() as connection:
        add_subscriber(connection)
    with psycopg.connect(database.engine.url.set(drivername="postgresql").render_as_string(False)) as rolled_back:
        assert publish.publish(rolled_back, [add_signal(rolled_back)], NOW).messages == 1
        rolled_back.rollback()
    with database.transaction() as connection:
        assert decisions(connection) == messages(connection) == []
        assert connection.execute("SELECT count(*) FROM engine.signals").fetchone() == (0,)


def test_whoever_listens_hears_of_live_signals_when_they_are_committed(database: Database) -> None:
    url = database.engine.url.set(drivername="postgresql").render_as_string(False)
    with psycopg.connect(url, autocommit=True) as listener:
        listener.execute("LISTEN signalhub_signals")
        listener.execute("LISTEN signalhub_outbox")
        with database.transaction() as connection:
            add_subscriber(connection)
            live, replayed = (
                add_signal(connection),
                add_signal(connection, "ETH/USDT", origin="replay", published_at=None),
            )
            publish.publish(connection, [live, replayed], NOW)
            assert list(listener.notifies(timeout=0.1)) == []
        heard = [(item.channel, item.payload) for item in listener.notifies(timeout=10, stop_after=2)]
    assert heard[0][0] == "signalhub_signals"
    assert json.loads(heard[0][1]) == {"event": "signal", "signal_ids": [live]}
    assert heard[1] == ("signalhub_outbox", "")


def test_many_signals_are_announced_in_payloads_that_fit(connection: Connection) -> None:
    live = [add_signal(connection, f"T{number}/USDT") for number in range(1100)]
    publish.publish(connection, live, NOW)  # a payload of 8,000 bytes or more is an error of PostgreSQL's
    assert decisions(connection) == []


def test_partitions_are_made_for_days_to_come_and_dropped_after_the_retention(connection: Connection) -> None:
    add_subscriber(connection)
    old = published(connection)
    publish.ensure_partitions(connection, NOW + timedelta(days=2), days_ahead=2)
    publish.ensure_partitions(connection, NOW + timedelta(days=2), days_ahead=2)
    new = published(connection, now=NOW + timedelta(days=3), symbol="ETH/USDT")
    days = [f"decisions_202601{day:02d}" for day in (2, 4, 5, 6)]
    assert _partitions(connection) == days
    dropped = connection.execute("SELECT outbox.drop_partitions_before('2026-01-05')").fetchone()
    assert dropped == (2,)
    assert _partitions(connection) == days[2:]
    assert {row["signal_id"] for row in decisions(connection)} == {new} != {old}


def _partitions(connection: Connection) -> list[str]:
    found = connection.execute(
        "SELECT c.relname FROM pg_inherits AS h INNER JOIN pg_class AS c ON h.inhrelid = c.oid "
        "WHERE h.inhparent = 'outbox.decisions'::regclass ORDER BY c.relname"
    )
    return [row[0] for row in found]
