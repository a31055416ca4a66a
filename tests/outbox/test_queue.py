"""The queue: claimed under a lease by one at a time, begun, settled; what dies under way is never sent blindly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import psycopg
import pytest

from signalhub.db.connection import Connection
from signalhub.db.engine import SESSION_OPTIONS, Database
from signalhub.errors import NotFound, UsageInvalid
from signalhub.outbox import publish, queue
from signalhub.outbox.verdicts import RetryAt, Sent, Uncertain, Undeliverable
from tests.outbox_stage import (
    LEASE,
    NOW,
    add_messages,
    add_subscriber,
    attempts,
    claim,
    decisions,
    ids,
    messages,
    published,
    statuses,
)

OVER = NOW + LEASE
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def workers(database: Database) -> Iterator[tuple[Connection, Connection]]:
    """Two connections, each in a transaction, over ten messages."""
    with database.transaction() as connection:
        add_messages(connection, 10)
    url = database.engine.url.set(drivername="postgresql").render_as_string(False)
    with ExitStack() as stack:
        first, second = (stack.enter_context(psycopg.connect(url, options=SESSION_OPTIONS)) for _ in range(2))
        yield first, second
        first.rollback()
        second.rollback()


def test_two_workers_never_share_a_message(workers: tuple[Connection, Connection]) -> None:
    first, second = workers
    ours, theirs = claim(first, 6), claim(second, 6)  # neither has committed
    assert (len(ours), len(theirs)) == (6, 4)
    assert not set(ids(ours)) & set(ids(theirs))
    first.commit()
    second.commit()
    assert claim(first) == claim(second) == []


def test_what_is_due_longest_comes_first_and_what_is_not_due_waits(connection: Connection) -> None:
    (second,) = add_messages(connection, 1, due_at=NOW - timedelta(minutes=1))
    (first,) = add_messages(connection, 1, due_at=NOW - timedelta(minutes=2))
    (to_come,) = add_messages(connection, 1, due_at=NOW + timedelta(minutes=1))
    assert queue.next_due(connection, "email", NOW) == NOW + timedelta(minutes=1)
    assert ids(claim(connection)) == [first, second]
    assert ids(claim(connection, now=NOW + timedelta(minutes=1))) == [first, second, to_come]
    assert queue.next_due(connection, "email", NOW + timedelta(minutes=1)) is None


def test_a_claim_takes_one_channel_and_so_many(connection: Connection) -> None:
    add_messages(connection, 3)
    add_messages(connection, 2, "telegram")
    assert len(claim(connection, 2)) == 2
    assert {message.channel for message in claim(connection, channel="telegram")} == {"telegram"}


def test_a_lease_that_is_over_frees_what_was_not_begun(connection: Connection) -> None:
    add_messages(connection, 1)
    (lost,) = claim(connection)
    assert claim(connection, now=OVER - MOMENT) == []
    (found,) = claim(connection, now=OVER)
    assert found.message_id == lost.message_id
    assert found.leased_until > lost.leased_until


def test_a_verdict_counts_only_under_the_lease_of_the_one_who_gives_it(connection: Connection) -> None:
    add_messages(connection, 1)
    (late,) = claim(connection)
    (current,) = claim(connection, now=OVER)
    assert queue.settle(connection, [(late, Undeliverable("late"))], OVER) == 0
    assert statuses(connection) == ["pending"]
    assert queue.begin(connection, [late], OVER) == set()
    assert queue.give_back(connection, [late]) == queue.withhold(connection, [late], "x", OVER) == 0
    assert queue.settle(connection, [(current, Sent())], OVER) == 1
    assert queue.settle(connection, [(current, Sent())], OVER) == 0
    assert statuses(connection) == ["sent"]


def test_what_was_begun_by_one_who_died_is_uncertain_and_never_claimed_again(connection: Connection) -> None:
    add_messages(connection, 2)
    begun, not_begun = claim(connection)
    assert queue.begin(connection, [begun], NOW) == {begun.message_id}
    assert queue.begin(connection, [begun], NOW) == set()
    assert queue.release_overdue(connection, "email", OVER - MOMENT) == 0
    assert ids(claim(connection, now=OVER)) == [not_begun.message_id]
    assert queue.release_overdue(connection, "telegram", OVER) == 0
    assert queue.release_overdue(connection, "email", OVER) == 1
    assert statuses(connection) == ["uncertain", "pending"]
    ((number, verdict, _),) = attempts(connection)
    assert (number, verdict) == (1, "uncertain")


def test_nothing_is_begun_after_the_lease(connection: Connection) -> None:
    add_messages(connection, 1)
    assert queue.begin(connection, claim(connection), OVER) == set()


def test_a_sender_that_was_thought_dead_may_still_say_what_became_of_it(connection: Connection) -> None:
    add_messages(connection, 1)
    claimed = claim(connection)
    queue.begin(connection, claimed, NOW)
    queue.release_overdue(connection, "email", OVER)
    assert queue.settle(connection, [(claimed[0], Sent("id 5"))], OVER) == 1
    assert statuses(connection) == ["sent"]
    assert [verdict for _, verdict, _ in attempts(connection)] == ["uncertain", "sent"]


def test_every_verdict_leaves_its_status_and_an_attempt(connection: Connection) -> None:
    add_messages(connection, 4)
    verdicts = [Sent("id 5"), RetryAt("busy"), Undeliverable("no such mailbox"), Uncertain("timed out")]
    queue.settle(connection, list(zip(claim(connection), verdicts, strict=True)), NOW)
    stored = messages(connection)
    assert [row["status"] for row in stored] == ["sent", "pending", "failed", "uncertain"]
    assert [row["finished_at"] for row in stored] == [NOW, None, NOW, NOW]
    assert {row["leased_until"] for row in stored} == {row["begun_at"] for row in stored} == {None}
    assert attempts(connection) == [
        (1, "sent", "id 5"), (1, "retry_at", "busy"), (1, "undeliverable", "no such mailbox"),
        (1, "uncertain", "timed out")
    ]  # fmt: skip


def test_a_retry_comes_when_retry_at_says_or_the_receiver_asked_for(connection: Connection) -> None:
    add_messages(connection, 2)
    by_us, by_them = claim(connection)
    asked = timedelta(minutes=17)
    queue.settle(connection, [(by_us, RetryAt("busy")), (by_them, RetryAt("429", after=asked))], NOW)
    dues = [row["due_at"] for row in messages(connection)]
    assert dues == [queue.retry_at(1, NOW, by_us.message_id), NOW + asked]
    assert ids(claim(connection, now=NOW + asked - MOMENT)) == [by_us.message_id]
    assert by_them.message_id in ids(claim(connection, now=NOW + asked))


def test_nobody_can_park_a_message_for_ever(connection: Connection) -> None:
    add_messages(connection, 1)
    queue.settle(connection, [(claim(connection)[0], RetryAt("429", after=timedelta.max))], NOW)
    assert messages(connection)[0]["due_at"] == NOW + timedelta(days=1)


def test_after_the_last_attempt_a_message_is_a_dead_letter(connection: Connection) -> None:
    add_messages(connection, 1)
    now = NOW
    for number in range(1, queue.MAX_ATTEMPTS + 1):
        assert statuses(connection) == ["pending"]
        (message,) = claim(connection, now=now)
        queue.settle(connection, [(message, RetryAt(f"try {number}", after=timedelta(hours=1)))], now)
        now = messages(connection)[0]["due_at"]
    (dead,) = messages(connection)
    assert (dead["status"], dead["attempts"], dead["detail"]) == ("failed", 8, "try 8")
    assert [number for number, _, _ in attempts(connection)] == list(range(1, 9))


def test_what_a_receiver_answers_is_kept_as_text_the_database_takes(connection: Connection) -> None:
    add_messages(connection, 1)
    queue.settle(connection, [(claim(connection)[0], Undeliverable("a\0b\udcff" + "x" * 9000))], NOW)
    assert messages(connection)[0]["detail"].startswith("ab?xxx")
    assert len(messages(connection)[0]["detail"]) == 500


def test_what_nobody_tried_is_given_back_at_once_and_unharmed(connection: Connection) -> None:
    add_messages(connection, 1)
    claimed = claim(connection)
    queue.begin(connection, claimed, NOW)
    assert queue.give_back(connection, claimed) == 1
    (again,) = claim(connection)
    assert (again.message_id, again.attempts) == (claimed[0].message_id, 0)


def test_an_alert_no_longer_valid_is_withheld_and_the_decision_says_so(connection: Connection) -> None:
    add_subscriber(connection)
    published(connection, valid_until=NOW + timedelta(minutes=5))
    in_time, too_late = NOW + timedelta(minutes=5) - MOMENT, NOW + timedelta(minutes=5)
    assert queue.withhold_stale(connection, "email", in_time) == 0
    assert claim(connection, now=too_late) == []
    assert queue.withhold_stale(connection, "telegram", too_late) == 0
    assert queue.withhold_stale(connection, "email", too_late) == 1
    assert statuses(connection) == ["withheld"]
    (decision,) = decisions(connection)
    assert (decision["decision"], decision["reason"]) == ("withhold", "no_longer_valid")


def test_an_alert_under_way_is_not_withheld(connection: Connection) -> None:
    add_subscriber(connection)
    published(connection, valid_until=NOW + timedelta(seconds=1))
    (message,) = claim(connection)
    assert queue.withhold_stale(connection, "email", NOW + timedelta(seconds=2)) == 0
    assert queue.settle(connection, [(message, Sent())], NOW + timedelta(seconds=2)) == 1


def test_a_decision_stands_until_the_last_of_its_alerts_is_withheld(connection: Connection) -> None:
    add_subscriber(connection, telegram_chat_id=7)
    published(connection, valid_until=NOW + timedelta(minutes=5))
    seen = []
    for channel in ("email", "telegram"):
        queue.withhold_stale(connection, channel, OVER + timedelta(hours=1))
        seen.append(decisions(connection)[0]["decision"])
    assert seen == ["send", "withhold"]


def test_the_messages_of_an_inactive_subscriber_are_withheld(connection: Connection) -> None:
    add_messages(connection, 1)
    connection.execute("UPDATE account.subscribers SET is_active = FALSE")
    assert claim(connection) == []
    assert queue.withhold_stale(connection, "email", NOW) == 1
    assert messages(connection)[0]["detail"] == "the subscriber is not active any more"


def test_workers_do_not_wait_for_a_transaction_that_ends_signals(database: Database) -> None:
    with database.transaction() as connection:
        add_subscriber(connection)
        signal_id = published(connection, valid_until=NOW + timedelta(minutes=5))
    late = NOW + timedelta(minutes=6)
    with database.transaction() as pipeline:
        publish.publish_closings(pipeline, [signal_id], late)
        with database.transaction() as worker:
            assert queue.withhold_stale(worker, "email", late) == 0
    with database.transaction() as connection:
        assert messages(connection)[0]["detail"] == "the signal ended before it was due"


@pytest.mark.parametrize("verdict", [Undeliverable("gone"), Uncertain("?")])
def test_a_person_may_have_a_failed_or_uncertain_message_tried_again(
    connection: Connection, verdict: Undeliverable | Uncertain
) -> None:
    (message_id,) = add_messages(connection, 1)
    queue.settle(connection, [(claim(connection)[0], verdict)], NOW)
    queue.retry_now(connection, message_id, OVER)
    (again,) = claim(connection, now=OVER)
    queue.settle(connection, [(again, Sent())], OVER)
    assert statuses(connection) == ["sent"]
    assert [number for number, _, _ in attempts(connection)] == [1, 2]


def test_what_cannot_be_tried_again_is_said(connection: Connection) -> None:
    (message_id,) = add_messages(connection, 1)
    with pytest.raises(UsageInvalid, match="is pending"):
        queue.retry_now(connection, message_id, NOW)
    for unknown in (message_id + 1, -1, 2**70):
        with pytest.raises(NotFound, match="signalhub deliveries"):
            queue.retry_now(connection, unknown, NOW)
    add_subscriber(connection)
    published(connection, valid_until=NOW + timedelta(minutes=5))
    alert = claim(connection)[-1]
    queue.settle(connection, [(alert, Undeliverable("gone"))], NOW)
    with pytest.raises(UsageInvalid, match="no longer valid"):
        queue.retry_now(connection, alert.message_id, NOW + timedelta(minutes=5))


def test_what_is_old_and_finished_is_forgotten_with_its_attempts_and_decisions(database: Database) -> None:
    with database.transaction() as connection:
        add_subscriber(connection)
        published(connection)
        add_messages(connection, 4)
        claimed = claim(connection, 3)
        queue.settle(connection, [(message, Sent()) for message in claimed], NOW)
        assert queue.forget_old(connection, NOW) == 0
        assert queue.forget_old(connection, NOW + MOMENT, limit=1) == 1
    later = NOW + timedelta(days=10)
    assert queue.sweep(database, timedelta(days=10), later) == 0
    assert queue.sweep(database, timedelta(days=9), later) == 2
    with database.transaction() as connection:
        assert statuses(connection) == ["pending", "pending"]
        assert attempts(connection) == decisions(connection) == []


def test_lists_are_newest_first_and_can_be_narrowed_to_what_went_wrong(connection: Connection) -> None:
    message_ids = add_messages(connection, 3)
    queue.settle(connection, [(claim(connection)[1], Undeliverable("gone"))], NOW)
    assert [row["message_id"] for row in queue.listed(connection, only_failed=False, limit=2)] == message_ids[:0:-1]
    (failed,) = queue.listed(connection, only_failed=True, limit=9)
    assert (failed["message_id"], failed["status"], failed["detail"]) == (message_ids[1], "failed", "gone")
