"""The ledger: live signals and their closings in one chain of hashes, so that none is altered or removed unseen.

Each entry hashes the one before it: who knows the root of a day can tell whether anything up to that day was
rewritten since, also by the owner of the database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.errors import UsageInvalid

_SQL = Queries("signals/ledger")
GENESIS = "0" * 64
"""What the first entry takes for the chain before it."""


class Kind(StrEnum):
    """What an entry says of its signal."""

    PUBLISHED = "published"
    CLOSED = "closed"


@dataclass(frozen=True)
class Entry:
    """One row of the ledger without its link: what is hashed into it."""

    seq: int
    kind: str
    signal_id: int
    entered_at: datetime
    payload_sha256: str

    @property
    def at(self) -> str:
        """`2026-01-02T03:00:00.000000Z`: the instant as it is hashed, always with microseconds."""
        return self.entered_at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

    def text(self, previous: str) -> str:
        """What chain_sha256 is the sha256 of, given that of the entry before."""
        return f"{previous}|{self.seq}|{self.kind}|{self.signal_id}|{self.at}|{self.payload_sha256}"

    def chained(self, previous: str) -> str:
        """The chain_sha256 of this entry, given that of the entry before."""
        return hashlib.sha256(self.text(previous).encode()).hexdigest()


def append(connection: Connection, kind: Kind, signal_ids: Sequence[int], now: datetime) -> int:
    """Enters live signals, or the closings of closed ones; the number of new entries.

    Guarantees: the same transaction that stores or closes a signal enters it, once. From here to its commit no other
    transaction enters anything: call it last.
    """
    if not signal_ids:
        return 0
    _SQL.run(connection, "lock")
    payloads = _SQL.rows(connection, "payloads", kind=kind.value, signal_ids=list(signal_ids))
    if not payloads:
        return 0
    last = next(iter(_SQL.made(connection, "last", _Last)), _Last(0, now, GENESIS))
    # A clock that was put back must not reopen a day whose root is known.
    at = max(now, last.entered_at)
    entries = [
        Entry(last.seq + number, kind.value, row["signal_id"], at, row["record_sha256"])
        for number, row in enumerate(payloads, start=1)
    ]
    _enter(connection, kind, entries, last.chain_sha256)
    return len(entries)


@dataclass(frozen=True)
class _Last:
    """Where the chain ends."""

    seq: int
    entered_at: datetime
    chain_sha256: str


def _enter(connection: Connection, kind: Kind, entries: Sequence[Entry], previous: str) -> None:
    chains = []
    for entry in entries:
        previous = entry.chained(previous)
        chains.append(previous)
    _SQL.run(
        connection,
        "enter",
        kind=kind.value,
        entered_at=entries[0].entered_at,
        seqs=[entry.seq for entry in entries],
        signal_ids=[entry.signal_id for entry in entries],
        payloads=[entry.payload_sha256 for entry in entries],
        chains=chains,
    )


@dataclass(frozen=True)
class Day:
    """The entries of a UTC day, and the roots that they lie between."""

    date: date
    is_over: bool
    """Whether nothing can be entered for it any more."""
    previous_root: str
    root: str
    """chain_sha256 of the last entry up to the day's end: of all that was entered so far."""
    seq: int
    """That of the root; 0 where there was nothing yet."""
    entries: Sequence[Entry]


def of_day(connection: Connection, day: date, now: datetime) -> Day:
    """The ledger of a UTC day.

    Raises: UsageInvalid for a day that has not begun.
    """
    begin = datetime.combine(day, time(), UTC)
    end = begin + timedelta(hours=24)
    if begin > now:
        raise UsageInvalid(f"{day} has not begun: its root is not known yet. Give a day that is over.")
    rows = _SQL.rows(connection, "day", begin=begin, end=end)
    before = rows.pop(0) if rows and rows[0]["entered_at"] < begin else None
    chain = [row.pop("chain_sha256") for row in rows]
    previous = before["chain_sha256"] if before else GENESIS
    seq = rows[-1]["seq"] if rows else before["seq"] if before else 0
    return Day(day, end <= now, previous, chain[-1] if chain else previous, seq, [Entry(**row) for row in rows])
