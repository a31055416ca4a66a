"""Why: plain sentences about a signal and a subscriber, from decisions, messages, attempts and the grant history."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest

from signalhub.cli.delivery_words import sentences
from signalhub.db.connection import Connection
from signalhub.errors import NotFound
from signalhub.outbox import publish, queue
from signalhub.outbox.explain import explain
from signalhub.outbox.verdicts import RetryAt, Sent, Uncertain
from tests.outbox_stage import NOW, add_signal, add_subscriber, claim, grant, published

NIGHT = {"quiet_from": time(22), "quiet_until": time(7)}


def told(connection: Connection, signal_id: int, name: str = "ann") -> list[str]:
    return list(sentences(explain(connection, signal_id, name)))


def test_a_sent_signal_is_told_with_every_message_and_try(connection: Connection) -> None:
    add_subscriber(connection, telegram_chat_id=7)
    signal_id = published(connection)
    (mail,) = claim(connection)
    queue.settle(connection, [(mail, RetryAt("450 busy"))], NOW)
    later = NOW + timedelta(minutes=1)
    queue.settle(connection, [(claim(connection, now=later)[0], Sent("250 ok"))], later)
    number = mail.message_id
    assert told(connection, signal_id) == [
        f"Signal {signal_id}: long BTC/USDT 1h by momentum, score 71.25, published 2026-01-02 03:01:00 UTC.",
        "To be sent to ann by email and telegram: wanted.",
        f"  Alert by email, message {number}: sent 2026-01-02 03:02:00 UTC (250 ok).",
        "    try 1, 2026-01-02 03:01:00 UTC: not sent, to be tried again: 450 busy",
        "    try 2, 2026-01-02 03:02:00 UTC: sent: 250 ok",
        f"  Alert by telegram, message {number + 1}: pending, due 2026-01-02 03:01:00 UTC.",
    ]


def test_what_is_under_way_or_uncertain_is_told(connection: Connection) -> None:
    add_subscriber(connection, email=None, telegram_chat_id=7)
    signal_id = published(connection)
    claimed = claim(connection, channel="telegram")
    queue.begin(connection, claimed, NOW)
    assert told(connection, signal_id)[2] == f"  Alert by telegram, message {claimed[0].message_id}: under way."
    queue.settle(connection, [(claimed[0], Uncertain("no answer"))], NOW)
    assert told(connection, signal_id)[2].endswith("uncertain 2026-01-02 03:01:00 UTC (no answer).")
    assert told(connection, signal_id)[3].endswith("uncertain, it may have arrived: no answer")


def test_a_deferred_signal_is_told_with_its_time(connection: Connection) -> None:
    add_subscriber(connection, wants=NIGHT)
    assert told(connection, published(connection))[1] == (
        "Deferred for ann to the end of their quiet hours, 2026-01-02 07:00:00 UTC, then by email."
    )


@pytest.mark.parametrize(
    ("wants", "words"),
    [
        ({"symbols": []}, "its symbol is not among those they want"),
        ({"min_score": 99}, "its score is below their minimum"),
        ({"channels": []}, "they have no address on a channel they want"),
    ],
)
def test_a_withheld_signal_is_told_with_the_reason(connection: Connection, wants: dict[str, Any], words: str) -> None:
    add_subscriber(connection, wants=wants)
    assert told(connection, published(connection))[1] == f"Withheld from ann: {words}."


def test_a_signal_that_ended_first_is_told(connection: Connection) -> None:
    add_subscriber(connection, wants=NIGHT)
    signal_id = published(connection)
    publish.publish_closings(connection, [signal_id], NOW)
    lines = told(connection, signal_id)
    assert lines[1] == "Withheld from ann: it was no longer valid before it could be sent."
    assert lines[2].endswith("withheld 2026-01-02 03:01:00 UTC (the signal ended before it was due).")


def test_whoever_was_not_entitled_is_told_the_history_of_their_grants(connection: Connection) -> None:
    ann = add_subscriber(connection)
    begin, end = NOW - timedelta(days=3), NOW - timedelta(days=2)
    connection.execute("DELETE FROM account.entitlements")
    signal_id = published(connection)
    assert told(connection, signal_id)[1] == (
        f"Not sent to ann: not entitled to momentum when signal {signal_id} was published (never granted)."
    )
    grant(connection, ann, granted_at=begin, valid_from=begin, valid_until=end)
    grant(connection, ann, granted_at=begin, valid_from=NOW + timedelta(days=1))
    grant(connection, ann, "breakout")
    assert told(connection, signal_id)[1] == (
        f"Not sent to ann: not entitled to momentum when signal {signal_id} was published "
        "(granted 2025-12-30 03:01:00 UTC, ended 2025-12-31 03:01:00 UTC; "
        "granted 2025-12-30 03:01:00 UTC, beginning 2026-01-03 03:01:00 UTC, without end)."
    )


def test_a_grant_that_was_made_later_for_then_did_not_entitle_then(connection: Connection) -> None:
    ann = add_subscriber(connection)
    connection.execute("DELETE FROM account.entitlements")
    signal_id = published(connection)
    grant(connection, ann, granted_at=NOW + timedelta(days=1), valid_from=NOW - timedelta(days=1))
    assert "not entitled to momentum" in told(connection, signal_id)[1]


@pytest.mark.parametrize(("is_active", "now"), [(False, " and still is not"), (True, ", but is now")])
def test_whoever_was_not_active_is_told_so(connection: Connection, is_active: bool, now: str) -> None:
    add_subscriber(connection, is_active=False)
    signal_id = published(connection)
    connection.execute("UPDATE account.subscribers SET is_active = %s", (is_active,))
    assert told(connection, signal_id)[1] == (
        f"Not sent to ann: they were entitled, but not active when it was published{now}."
    )


def test_replayed_signals_are_never_delivered(connection: Connection) -> None:
    add_subscriber(connection)
    signal_id = add_signal(connection, origin="replay", published_at=None)
    lines = told(connection, signal_id)
    assert lines[0].endswith("recorded 2026-01-02 03:00:01 UTC.")
    assert lines[1] == "Not sent to ann: it is a replay, and replayed signals are never delivered."


def test_what_is_forgotten_is_told_so(connection: Connection) -> None:
    add_subscriber(connection)
    signal_id = published(connection)
    connection.execute("DELETE FROM outbox.messages")
    connection.execute("SELECT outbox.drop_partitions_before('2026-01-03')")
    assert told(connection, signal_id)[1].endswith("what was decided that day is forgotten (SIGNALHUB_RETENTION_DAYS).")


def test_unknown_signals_and_subscribers_are_said_in_one_line(connection: Connection) -> None:
    add_subscriber(connection)
    signal_id = published(connection)
    for unknown in (signal_id + 1, 2**70):
        with pytest.raises(NotFound, match=f"There is no signal {unknown}"):
            explain(connection, unknown, "ann")
    with pytest.raises(NotFound, match="'bob'"):
        explain(connection, signal_id, "bob")
