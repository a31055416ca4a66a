"""Publish: signals to decisions and messages, and their ends to closing messages, in the caller's transaction.

The transaction is the one that stores the signal or its outcome: rolled back, it leaves no message behind. What is
published or closed is entered in the ledger by it too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.signals import ledger
from signalhub.signals.ledger import Kind

_SQL = Queries("outbox/publish")
_NOTIFIED_AT_ONCE = 500
"""Signals per NOTIFY, whose payload must stay under 8,000 bytes."""


@dataclass(frozen=True)
class Published:
    """How many decisions and messages came of it."""

    decisions: int = 0
    messages: int = 0


def publish(connection: Connection, signal_ids: Sequence[int], now: datetime) -> Published:
    """Fans live signals out to every entitled active subscriber; replayed ones among them are left out.

    Guarantees: one decision per (signal, entitled active subscriber), one message per channel of those that want
    it; whoever listens to the live feed hears of the signals when the transaction commits.
    """
    live_ids = _live_ones(connection, signal_ids)
    if not live_ids:
        return Published()
    ensure_partitions(connection, now)
    # One at a time: who counts towards a daily cap must see what others decided just before.
    _SQL.scalar(connection, "begin_publishing")
    done = Published(**_SQL.rows(connection, "publish", signal_ids=live_ids, now=now)[0])
    _announce(connection, "signal", live_ids)
    if done.messages:
        _SQL.run(connection, "wake")
    ledger.append(connection, Kind.PUBLISHED, live_ids, now)
    return done


def publish_closings(connection: Connection, signal_ids: Sequence[int], now: datetime) -> int:
    """Tells those who were alerted how their live signals ended; the number of closing messages.

    Alerts that nobody has begun to send are withheld, with the reason in their decision.
    """
    live_ids = _live_ones(connection, signal_ids)
    if not live_ids:
        return 0
    parameters = {"signal_ids": live_ids, "now": now}
    _SQL.scalar(connection, "begin_withholding")
    _SQL.run(connection, "withhold_alerts_of", **parameters)
    messages = _SQL.run(connection, "publish_closings", **parameters)
    _announce(connection, "signal_closed", live_ids)
    if messages:
        _SQL.run(connection, "wake")
    ledger.append(connection, Kind.CLOSED, live_ids, now)
    return messages


def queue_test(connection: Connection, subscriber_id: int, channels: Sequence[str], now: datetime) -> list[int]:
    """Queues one test message on each of these channels; the ids of the messages."""
    rows = _SQL.rows(connection, "queue_test", subscriber_id=subscriber_id, channels=list(channels), now=now)
    if rows:
        _SQL.run(connection, "wake")
    return [row["message_id"] for row in rows]


def ensure_partitions(connection: Connection, now: datetime, days_ahead: int = 0) -> None:
    """Makes sure that decisions of today, and of some days to come, have their partition."""
    today = now.astimezone(UTC).date()
    _SQL.run(connection, "ensure_partitions", first=today, last=today + timedelta(days=days_ahead))


def _announce(connection: Connection, event: str, signal_ids: Sequence[int]) -> None:
    for start in range(0, len(signal_ids), _NOTIFIED_AT_ONCE):
        ids = list(signal_ids[start : start + _NOTIFIED_AT_ONCE])
        _SQL.run(connection, "announce", payload=json.dumps({"event": event, "signal_ids": ids}))


def _live_ones(connection: Connection, signal_ids: Sequence[int]) -> list[int]:
    rows = _SQL.rows(connection, "live_ones", signal_ids=list(signal_ids)) if signal_ids else []
    return [row["signal_id"] for row in rows]
