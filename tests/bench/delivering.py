"""Fan-out of one signal to 10,000 subscribers against a bare INSERT … SELECT; claim and settle in batches.

The floor writes the messages alone, to a table like theirs with its indexes, and chooses nothing.
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
    with database.transaction() as connection:
        connection.execute("UPDATE outbox.messages SET due_at = %s", (NOW,))
    with database.autocommit() as connection:
        connection.execute("VACUUM ANALYZE outbox.messages")
    for size in (BATCH, 50):
        done, took = 0, 0.0
        for _ in range(10_000 // size):
            took += seconds(lambda size=size: _claim_and_settle(database, size))
            done += size
        yield Measurement(f"claim + settle, batches of {size}", database.edition, "messages", done / took)


def _bare(database: Database, signal_id: int) -> None:
    with database.transaction() as connection:
        connection.execute(_BARE.encode(), {"signal_id": signal_id, "now": NOW})


def _publish(database: Database, signal_id: int) -> None:
    with database.transaction() as connection:
        assert publish.publish(connection, [signal_id], NOW).decisions == SUBSCRIBERS


def _claim_and_settle(database: Database, size: int) -> None:
    with database.transaction() as connection:
        claimed = queue.claim(connection, "email", size, NOW, timedelta(minutes=1))
    assert len(claimed) == size
    with database.transaction() as connection:
        _settle(connection, claimed)


def _settle(connection: Connection, claimed: list[queue.Claimed]) -> None:
    assert queue.settle(connection, [(message, Sent()) for message in claimed], NOW) == len(claimed)
