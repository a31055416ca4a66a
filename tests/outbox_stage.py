"""People, live signals and messages for tests of the outbox, put in by SQL on one connection."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from signalhub.db.connection import Connection
from signalhub.outbox import publish, queue
from signalhub.outbox.queue import Claimed
from tests import records
from tests.market import rows_of

NOW = records.CLOSE + timedelta(minutes=1)
"""When the signals of these tests are published."""
LEASE = timedelta(minutes=1)


def insert(connection: Connection, table: str, row: dict[str, Any], key: str) -> int:
    """One row; its key."""
    names, places = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    found = connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING {key}".encode(), row)
    stored = found.fetchone()
    assert stored is not None
    return int(stored[0])


def add_subscriber(
    connection: Connection, name: str = "ann", *, wants: dict[str, Any] | None = None, **own: Any
) -> int:
    """An active subscriber with an e-mail address, entitled to momentum; `wants` are preferences."""
    row = {"name": name, "email": f"{name}@example.org", "created_at": NOW} | own
    subscriber_id = insert(connection, "account.subscribers", row, "subscriber_id")
    preferences = {"subscriber_id": subscriber_id, "updated_at": NOW} | (wants or {})
    insert(connection, "account.preferences", preferences, "subscriber_id")
    grant(connection, subscriber_id)
    return subscriber_id


def grant(connection: Connection, subscriber_id: int, strategy: str = "momentum", **changes: Any) -> None:
    """Entitles a subscriber to a strategy, since a day ago unless said otherwise."""
    since = NOW - timedelta(days=1)
    row = {"subscriber_id": subscriber_id, "strategy": strategy, "valid_from": since, "granted_at": since} | changes
    insert(connection, "account.entitlements", row, "entitlement_id")


def add_signal(connection: Connection, symbol: str = "BTC/USDT", strategy: str = "momentum", **changes: Any) -> int:
    """A live signal of BTC/USDT 1h."""
    found = connection.execute(
        "SELECT i.instrument_id FROM market.instruments AS i WHERE i.public_symbol = %s", (symbol,)
    ).fetchone()
    instrument_id = found[0] if found else records.add_instrument(connection, symbol)
    found = connection.execute(
        "SELECT v.strategy_id FROM engine.strategies AS v WHERE v.strategy = %s", (strategy,)
    ).fetchone()
    strategy_id = found[0] if found else records.add_strategy(connection, strategy)
    given = {"origin": "live", "published_at": NOW} | changes
    return records.add_signal(connection, instrument_id, strategy_id, **given)


def published(connection: Connection, now: datetime = NOW, **changes: Any) -> int:
    """A live signal, published."""
    signal_id = add_signal(connection, **changes)
    publish.publish(connection, [signal_id], now)
    return signal_id


def decisions(connection: Connection) -> list[dict[str, Any]]:
    """Every decision, by signal and subscriber's name."""
    return rows_of(
        connection,
        "SELECT d.signal_id, a.name, d.decision, d.reason, d.deferred_until, d.channels FROM outbox.decisions AS d "
        "INNER JOIN account.subscribers AS a ON d.subscriber_id = a.subscriber_id ORDER BY d.signal_id, a.name",
    )


def reasons(connection: Connection) -> dict[str, str]:
    """The reason of the only decision of each subscriber, by name."""
    found = decisions(connection)
    assert len({row["name"] for row in found}) == len(found)
    return {row["name"]: row["reason"] for row in found}


def messages(connection: Connection) -> list[dict[str, Any]]:
    """Every message, oldest first, with its subscriber's name."""
    return rows_of(
        connection,
        "SELECT m.message_id, m.kind, m.channel, m.signal_id, m.period_on, m.status, m.due_at, "
        "NULLIF(m.valid_until, 'infinity') AS valid_until, m.leased_until, m.begun_at, m.attempts, m.created_at, "
        "m.finished_at, m.detail, a.name FROM outbox.messages AS m "
        "INNER JOIN account.subscribers AS a ON m.subscriber_id = a.subscriber_id ORDER BY m.message_id",
    )


def attempts(connection: Connection) -> list[tuple[int, str, str | None]]:
    """Number, verdict and detail of every attempt, by message."""
    return connection.execute(
        "SELECT t.attempt, t.verdict, t.detail FROM outbox.attempts AS t ORDER BY t.message_id, t.attempt"
    ).fetchall()


def add_messages(connection: Connection, count: int, channel: str = "email", **changes: Any) -> list[int]:
    """Test messages, due now, to a subscriber of their own."""
    subscriber_id = add_subscriber(connection, f"reader{len(messages(connection))}")
    row = {"kind": "test", "channel": channel, "subscriber_id": subscriber_id, "due_at": NOW, "created_at": NOW}
    return [insert(connection, "outbox.messages", row | changes, "message_id") for _ in range(count)]


def claim(connection: Connection, limit: int = 100, now: datetime = NOW, channel: str = "email") -> list[Claimed]:
    """Claims under the lease of these tests."""
    return queue.claim(connection, channel, limit, now, LEASE)


def ids(claimed: Sequence[Claimed]) -> list[int]:
    return [message.message_id for message in claimed]


def statuses(connection: Connection) -> list[str]:
    """The status of every message, oldest first."""
    return [row["status"] for row in messages(connection)]
