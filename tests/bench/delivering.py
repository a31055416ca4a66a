"""Fan-out of one signal to 10,000 subscribers against a bare INSERT … SELECT; claim and settle in batches.

The floor writes the messages alone, to a table like theirs with its indexes, and chooses nothing; then it updates
batches of them twice by their keys, as a lease and a verdict do, locks and chooses nothing and keeps no attempts.
Ours also judges preferences, quiet hours, caps and entitlements, and writes one decision per subscriber. Of the
subscribers a third sleeps and a fifth has a cap; each round takes a signal of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.outbox import publish, queue
from signalhub.outbox.verdicts import Sent
from tests.bench.measure import Measurement, seconds
from tests.outbox_stage import NOW, add_signal

SUBSCRIBERS = 10_000
ROUNDS = 10
BATCH = 500
AWAKE = NOW + timedelta(hours=10)
"""When everybody's quiet hours are over and the signals still hold."""
_PEOPLE = f"""
INSERT INTO account.subscribers (name, email, telegram_chat_id, time_zone, created_at)
SELECT 's' || n, 's' || n || '@example.org', CASE WHEN n % 2 = 0 THEN n END,
    (ARRAY['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Tokyo'])[1 + n % 4], '2026-01-01 00:00:00+00'
FROM generate_series(1, {SUBSCRIBERS}) AS n;
INSERT INTO account.preferences (subscriber_id, quiet_from, quiet_until, daily_cap, channels, updated_at)
SELECT n, CASE WHEN n % 3 = 0 THEN '22:00'::time END, CASE WHEN n % 3 = 0 THEN '07:00'::time END,
    CASE WHEN n % 5 = 0 THEN 20 END, '{{email}}', a.created_at
FROM (SELECT a.subscriber_id AS n, a.created_at FROM account.subscribers AS a) AS a;
INSERT INTO account.entitlements (subscriber_id, strategy, valid_from, granted_at)
SELECT a.subscriber_id, s, a.created_at, a.created_at
FROM account.subscribers AS a CROSS JOIN unnest(ARRAY['momentum', 'breakout']) AS s;
CREATE TABLE bare (LIKE outbox.messages INCLUDING ALL);
"""
_BARE = """
INSERT INTO bare (kind, channel, subscriber_id, signal_id, due_at, valid_until, created_at)
SELECT 'alert', 'email', a.subscriber_id, %(signal_id)s, %(now)s, %(now)s, %(now)s FROM account.subscribers AS a
"""
_BARE_CLAIM = "UPDATE bare SET leased_until = %(now)s WHERE message_id = ANY(%(ids)s)"
_BARE_SETTLE = """
UPDATE bare SET leased_until = NULL, status = 'sent', attempts = attempts + 1, finished_at = %(now)s
WHERE message_id = ANY(%(ids)s)
"""


def measure(database: Database) -> Iterator[Measurement]:
    with database.transaction() as connection:
        connection.execute(_PEOPLE.encode())
        signal_ids = [add_signal(connection, f"S{number}/USDT") for number in range(ROUNDS)]
        publish.ensure_partitions(connection, NOW)
    with database.autocommit() as connection:
        connection.execute("VACUUM ANALYZE")
    floor = min(seconds(lambda key=key: _bare(database, key)) for key in signal_ids)
    ours = min(seconds(lambda key=key: _publish(database, key)) for key in signal_ids)
    note = f"{ours * 1000:.0f} ms against {floor * 1000:.0f} ms"
    yield Measurement(
        "fan-out to 10,000 subscribers", database.edition, "subscribers", SUBSCRIBERS / ours, SUBSCRIBERS / floor, note
    )
    with database.autocommit() as connection:
        connection.execute("VACUUM ANALYZE outbox.messages, bare")
    for size in (BATCH, 50):
        firsts = range(1, 10_001, size)
        floor = sum(seconds(lambda first=first, size=size: _bare_updates(database, first, size)) for first in firsts)
        ours = sum(seconds(lambda size=size: _claim_and_settle(database, size)) for _ in firsts)
        name = f"claim + settle, batches of {size}"
        yield Measurement(name, database.edition, "messages", 10_000 / ours, 10_000 / floor)


def _bare(database: Database, signal_id: int) -> None:
    with database.transaction() as connection:
        connection.execute(_BARE.encode(), {"signal_id": signal_id, "now": NOW})


def _publish(database: Database, signal_id: int) -> None:
    with database.transaction() as connection:
        assert publish.publish(connection, [signal_id], NOW).decisions == SUBSCRIBERS


def _bare_updates(database: Database, first: int, size: int) -> None:
    ids = list(range(first, first + size))
    for statement in (_BARE_CLAIM, _BARE_SETTLE):
        with database.transaction() as connection:
            assert connection.execute(statement.encode(), {"ids": ids, "now": NOW}).rowcount == size


def _claim_and_settle(database: Database, size: int) -> None:
    with database.transaction() as connection:
        claimed = queue.claim(connection, "email", size, AWAKE, timedelta(minutes=1))
    assert len(claimed) == size
    with database.transaction() as connection:
        _settle(connection, claimed)


def _settle(connection: Connection, claimed: list[queue.Claimed]) -> None:
    assert queue.settle(connection, [(message, Sent()) for message in claimed], AWAKE) == len(claimed)
