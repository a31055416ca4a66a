"""Closings: who hears how a signal ended, and what becomes of alerts that come too late."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from signalhub.db.connection import Connection
from signalhub.outbox import publish, queue
from signalhub.outbox.verdicts import Sent, Uncertain, Undeliverable
from tests.outbox_stage import NOW, add_subscriber, claim, decisions, messages, published, statuses

LATER = NOW + timedelta(minutes=10)


def test_whoever_was_alerted_hears_how_it_ended_on_the_same_channel(connection: Connection) -> None:
    add_subscriber(connection, "alerted", telegram_chat_id=7)
    add_subscriber(connection, "not_alerted", wants={"directions": ["short"]})
    signal_id = published(connection)
    queue.settle(connection, [(message, Sent()) for message in claim(connection)], NOW)
    queue.settle(connection, [(message, Uncertain("?")) for message in claim(connection, channel="telegram")], NOW)
    assert publish.publish_closings(connection, [signal_id], LATER) == 2
    closings = [row for row in messages(connection) if row["kind"] == "close"]
    assert [(row["name"], row["channel"], row["due_at"]) for row in closings] == [
        ("alerted", "email", LATER),
        ("alerted", "telegram", LATER),
    ]


def test_closings_are_published_once(connection: Connection) -> None:
    add_subscriber(connection)
    signal_id = published(connection)
    queue.settle(connection, [(message, Sent()) for message in claim(connection)], NOW)
    assert publish.publish_closings(connection, [signal_id], LATER) == 1
    assert publish.publish_closings(connection, [signal_id], LATER) == 0


def test_an_alert_nobody_has_begun_is_withheld_when_its_signal_ends(connection: Connection) -> None:
    add_subscriber(connection, "asleep", wants={"quiet_from": time(0), "quiet_until": time(7)})
    signal_id = published(connection)
    assert publish.publish_closings(connection, [signal_id], LATER) == 0
    (message,) = messages(connection)
    assert (message["status"], message["finished_at"]) == ("withheld", LATER)
    assert message["detail"] == "the signal ended before it was due"
    (decision,) = decisions(connection)
    assert (decision["decision"], decision["reason"]) == ("withhold", "no_longer_valid")
    assert decision["deferred_until"] is None


def test_an_alert_that_is_under_way_is_followed_by_its_closing(connection: Connection) -> None:
    add_subscriber(connection)
    signal_id = published(connection)
    (alert,) = claim(connection)
    assert publish.publish_closings(connection, [signal_id], NOW) == 1
    assert statuses(connection) == ["pending", "pending"]
    assert claim(connection) == []  # it must not overtake its own alert
    queue.settle(connection, [(alert, Sent())], NOW)
    (closing,) = claim(connection)
    assert (closing.kind, closing.signal_id) == ("close", signal_id)


def test_a_closing_waits_for_the_alert_of_its_own_channel_only(connection: Connection) -> None:
    add_subscriber(connection, telegram_chat_id=7)
    signal_id = published(connection)
    (mail,), (_chat,) = claim(connection), claim(connection, channel="telegram")
    publish.publish_closings(connection, [signal_id], NOW)
    queue.settle(connection, [(mail, Sent())], NOW)
    assert [message.kind for message in claim(connection)] == ["close"]
    assert claim(connection, channel="telegram") == []


@pytest.mark.parametrize("is_withheld", [False, True])
def test_a_closing_whose_alert_never_arrived_is_withheld(connection: Connection, is_withheld: bool) -> None:
    add_subscriber(connection)
    signal_id = published(connection)
    (alert,) = claim(connection)
    publish.publish_closings(connection, [signal_id], NOW)
    if is_withheld:
        queue.withhold(connection, [alert], "nothing left to say", NOW)
    else:
        queue.settle(connection, [(alert, Undeliverable("gone"))], NOW)
    assert claim(connection) == []
    assert queue.withhold_stale(connection, "email", LATER) == 1
    closing = messages(connection)[1]
    assert (closing["status"], closing["detail"]) == ("withheld", "its alert was not delivered")


def test_a_closing_is_deferred_to_the_end_of_quiet_hours(connection: Connection) -> None:
    add_subscriber(connection, time_zone="Europe/Berlin", wants={"quiet_from": time(22), "quiet_until": time(7)})
    noon = NOW.replace(hour=11)
    signal_id = published(connection, now=noon)
    queue.settle(connection, [(message, Sent()) for message in claim(connection, now=noon)], noon)
    publish.publish_closings(connection, [signal_id], NOW.replace(hour=23))
    assert messages(connection)[1]["due_at"] == NOW.replace(day=3, hour=6, minute=0)


def test_inactive_subscribers_hear_nothing_any_more(connection: Connection) -> None:
    add_subscriber(connection)
    signal_id = published(connection)
    queue.settle(connection, [(message, Sent()) for message in claim(connection)], NOW)
    connection.execute("UPDATE account.subscribers SET is_active = FALSE")
    assert publish.publish_closings(connection, [signal_id], LATER) == 0


def test_a_decision_stands_while_one_of_its_alerts_was_sent(connection: Connection) -> None:
    add_subscriber(connection, telegram_chat_id=7)
    signal_id = published(connection)
    queue.settle(connection, [(message, Sent()) for message in claim(connection)], NOW)
    publish.publish_closings(connection, [signal_id], LATER)
    assert [(row["channel"], row["status"]) for row in messages(connection) if row["kind"] == "alert"] == [
        ("email", "sent"),
        ("telegram", "withheld"),
    ]
    assert [row["decision"] for row in decisions(connection)] == ["send"]
