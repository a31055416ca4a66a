"""The queue: messages are claimed under a lease, begun, settled with a verdict, given back or withheld.

Every function works in the caller's transaction. A lease is known by its end (`leased_until`): a verdict counts only
while nobody else has claimed the message since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.db.queries import Queries
from signalhub.errors import NotFound, UsageInvalid
from signalhub.outbox.verdicts import PutOff, RetryAt, Sent, Uncertain, Undeliverable, Verdict

_SQL = Queries("outbox/queue")
_DELAYS = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600, 10800))
"""What to wait after the first, second, … try. Some five hours in all: longer than most outages of a receiver."""
_JITTER = 0.2
"""Messages that failed together do not come back together: up to so much longer, by a hash of the message."""
_LONGEST_WAIT = timedelta(days=1)
"""A receiver that asks for more is asked again after this, so that nobody can park a message for ever."""
_LONGEST_DETAIL = 500
_FORGOTTEN_AT_ONCE = 5_000
_LAST_ID = 2**63 - 1
MAX_ATTEMPTS = len(_DELAYS) + 1


class Claimed(NamedTuple):
    """One message that is ours until `leased_until`, with where its subscriber is reached."""

    message_id: int
    kind: str
    channel: str
    subscriber_id: int
    signal_id: int | None
    period_on: date | None
    attempts: int
    created_at: datetime
    leased_until: datetime
    name: str
    email: str | None
    telegram_chat_id: int | None
    webhook_url: str | None
    webhook_secret: str | None
    time_zone: str


def claim(connection: Connection, channel: str, limit: int, now: datetime, lease: timedelta) -> list[Claimed]:
    """Takes up to `limit` due messages of a channel, the longest due first.

    Guarantees: no two callers share a message while its lease lasts; a closing comes after its alert was settled.
    """
    parameters = {"channel": channel, "limit": limit, "now": now, "leased_until": now + lease}
    return _SQL.made(connection, "claim", Claimed, **parameters)


def begin(connection: Connection, messages: Sequence[Claimed], now: datetime) -> set[int]:
    """Records that bytes may leave from now on; the ids of those that are still ours, which alone may be sent.

    Committed before the send on a channel without keys, so that nobody ever sends such a message again blindly.
    """
    return {row["message_id"] for row in _SQL.rows(connection, "begin", **_leases(messages), now=now)}


def settle(connection: Connection, verdicts: Sequence[tuple[Claimed, Verdict]], now: datetime) -> int:
    """Writes what became of messages, with one attempt each; the number of those that were still ours."""
    if not verdicts:
        return 0
    # One document: six arrays of parameters take longer to write than the database takes to settle.
    verdicts_json = json.dumps([_outcome(message, verdict, now) for message, verdict in verdicts])
    return _SQL.run(connection, "settle", verdicts=verdicts_json, now=now)


def give_back(connection: Connection, messages: Sequence[Claimed]) -> int:
    """Ends the leases of messages that nobody tried to send."""
    return _SQL.run(connection, "give_back", **_leases(messages))


def put_off(connection: Connection, messages: Sequence[tuple[Claimed, PutOff]], now: datetime) -> int:
    """Ends the leases of messages whose receiver's turn comes later; it costs them no try."""
    due_ats = [now + put_off.after for _, put_off in messages]
    return _SQL.run(connection, "put_off", **_leases(message for message, _ in messages), due_ats=due_ats)


def withhold(connection: Connection, messages: Sequence[Claimed], detail: str, now: datetime) -> int:
    """Finishes messages that have nothing to say any more."""
    return _SQL.run(connection, "withhold", **_leases(messages), detail=detail, now=now)


def release_overdue(connection: Connection, channel: str, now: datetime) -> int:
    """Makes begun messages whose lease is over `uncertain`: their sender died, and they may have arrived."""
    return _SQL.run(connection, "release_overdue", channel=channel, now=now)


def withhold_stale(connection: Connection, channel: str, now: datetime) -> int:
    """Withholds what has lost its point: no longer valid, its alert never delivered, its subscriber inactive.

    Does nothing while another transaction withholds; the next call does.
    """
    if not _SQL.scalar(connection, "may_withhold"):
        return 0
    withheld: int = _SQL.scalar(connection, "withhold_stale", channel=channel, now=now)
    return withheld


def next_due(connection: Connection, channel: str, now: datetime) -> datetime | None:
    """When, after `now`, the next message of the channel falls due; None where none waits."""
    due_at: datetime | None = _SQL.scalar(connection, "next_due", channel=channel, now=now)
    return due_at


def retry_at(attempt: int, now: datetime, message_id: int) -> datetime | None:
    """When to try again after so many tries; None after the last one. Pure: the same arguments, the same instant."""
    if attempt > len(_DELAYS):
        return None
    digest = hashlib.blake2b(f"{message_id}/{attempt}".encode(), digest_size=4).digest()
    share = int.from_bytes(digest) / 2**32
    return now + _DELAYS[attempt - 1] * (1 + _JITTER * share)


def listed(connection: Connection, *, only_failed: bool, limit: int) -> list[dict[str, Any]]:
    """Messages, newest first, instants in UTC; with `only_failed` those that failed or are uncertain."""
    name = "listed_failed" if only_failed else "listed"
    return _SQL.rows(connection, name, limit=limit)


def retry_now(connection: Connection, message_id: int, now: datetime) -> None:
    """Puts a failed or uncertain message back, for one more try at once.

    Raises: NotFound; UsageInvalid where there is nothing to try again.
    """
    rows = _SQL.rows(connection, "message", message_id=message_id, now=now) if 0 <= message_id <= _LAST_ID else []
    if not rows:
        raise NotFound(f"There is no message {message_id}. `signalhub deliveries` lists them.")
    message = rows[0]
    if message["status"] not in ("failed", "uncertain"):
        raise UsageInvalid(f"Message {message_id} is {message['status']}: only failed and uncertain ones are retried.")
    if message["is_over"]:
        raise UsageInvalid(f"Message {message_id} is about a signal that is no longer valid: it is not sent any more.")
    _SQL.run(connection, "retry", message_id=message_id, now=now)
    _SQL.run(connection, "wake")


def forget_old(connection: Connection, before: datetime, limit: int = _FORGOTTEN_AT_ONCE) -> int:
    """Deletes a slice of the messages that were finished before an instant, attempts too; how many."""
    return _SQL.run(connection, "forget_old", before=before, limit=limit)


def sweep(database: Database, keep: timedelta, now: datetime) -> int:
    """Forgets messages and decisions older than the retention, slice by slice; the number of messages."""
    first_kept = now - keep
    forgotten, slice_size = 0, _FORGOTTEN_AT_ONCE
    while slice_size == _FORGOTTEN_AT_ONCE:
        with database.transaction() as connection:
            slice_size = forget_old(connection, first_kept)
        forgotten += slice_size
    with database.transaction() as connection:
        _SQL.run(connection, "drop_partitions", first_kept_day=first_kept.astimezone(UTC).date())
    return forgotten


_VERDICTS: dict[type[Verdict], str] = {
    Sent: "sent",
    RetryAt: "retry_at",
    Undeliverable: "undeliverable",
    Uncertain: "uncertain",
}
_FINAL = {Sent: "sent", Undeliverable: "failed", Uncertain: "uncertain"}


def _outcome(message: Claimed, verdict: Verdict, now: datetime) -> dict[str, Any]:
    """What `settle` writes of one message; a due time where the verdict leads to another try."""
    outcome = {
        "message_id": message.message_id,
        "leased_until": message.leased_until.isoformat(),
        "verdict": _VERDICTS[type(verdict)],
        "detail": _told(verdict.detail),
    }
    if not isinstance(verdict, RetryAt):
        return outcome | {"status": _FINAL[type(verdict)]}
    due_at = retry_at(message.attempts + 1, now, message.message_id)
    if due_at is None:
        return outcome | {"status": "failed"}
    due_at = max(due_at, now + min(verdict.after or timedelta(0), _LONGEST_WAIT))
    return outcome | {"status": "pending", "due_at": due_at.isoformat()}


def _told(detail: str | None) -> str | None:
    """What a receiver answered, as text that the database takes."""
    if detail is None:
        return None
    return detail.replace("\0", "").encode("utf-8", "replace").decode()[:_LONGEST_DETAIL]


def _leases(messages: Iterable[Claimed]) -> dict[str, list[Any]]:
    held = [(message.message_id, message.leased_until) for message in messages]
    return {"message_ids": [key for key, _ in held], "leases": [until for _, until in held]}
