"""The chain of the ledger, walked entry by entry: which is altered or gone, and whose row is not the one it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from signalhub.signals.findings import LEDGER, OUTCOMES, SIGNALS, Finding
from signalhub.signals.ledger import GENESIS, Entry, Kind

_RELATIONS = {Kind.PUBLISHED.value: SIGNALS, Kind.CLOSED.value: OUTCOMES}


class Chain:
    """The state of the walk; `next` takes the entries by seq."""

    def __init__(self) -> None:
        self.entries = 0
        self.seq = 0
        self.root = GENESIS
        self._roots = {GENESIS}
        """What the next entry may hang on: of an altered link both what is stored and what it should be."""

    def next(
        self,
        seq: int,
        kind: str,
        signal_id: int,
        entered_at: datetime,
        payload_sha256: str,
        chain_sha256: str,
        record_sha256: str | None,
    ) -> Iterator[Finding]:
        """What is wrong with the next entry, and with the row that it tells of."""
        entry = Entry(seq, kind, signal_id, entered_at, payload_sha256)
        links = {entry.chained(root) for root in self._roots}
        is_gap = seq != self.seq + 1
        if is_gap:
            yield _removed(self.seq + 1, seq - 1)
        elif chain_sha256 not in links:
            yield Finding(LEDGER, f"seq {seq}", "the entry was altered: its chain_sha256 is not its own", seq=seq)
        elif record_sha256 != payload_sha256:
            yield _other_row(entry, is_gone=record_sha256 is None)
        self.entries, self.seq, self.root = self.entries + 1, seq, chain_sha256
        self._roots = {chain_sha256, *(() if is_gap else links)}


def _removed(first: int, last: int) -> Finding:
    if last < first:
        return Finding(LEDGER, f"seq {first}", "the entry was removed, or its seq was altered", seq=first)
    many = f"seq {first} to {last}" if last > first else f"seq {first}"
    return Finding(LEDGER, many, "removed from the ledger", seq=first)


def _other_row(entry: Entry, *, is_gone: bool) -> Finding:
    problem = "was removed" if is_gone else "was altered"
    words = f"{problem}: the ledger has it as it was, seq {entry.seq}"
    return Finding(_RELATIONS[entry.kind], f"signal {entry.signal_id}", words, entry.signal_id, entry.seq)
