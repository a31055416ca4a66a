"""Verify: every signal made once more from its stored inputs, every seal compared, the ledger walked.

It changes nothing, and reads everything as of one instant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.db.queries import Queries
from signalhub.signals import findings
from signalhub.signals.chain import Chain
from signalhub.signals.findings import Finding
from signalhub.signals.ledger import GENESIS
from signalhub.signals.remake import strategy_of
from signalhub.strategies.base import Strategy

_SQL, _LEDGER_SQL = Queries("signals/verify"), Queries("signals/ledger")
NEWEST = 10_000
_PAGE = 500
_ENTRIES_PAGE = 5_000
_KEPT = 1_000
"""Findings that are told; the others are counted."""

Report = Callable[[str, int, int], None]
"""What is looked at, how much of it is done, and of how much."""


def _silent(_what: str, _done: int, _of: int) -> None:
    return None


@dataclass
class Verified:
    """What became of it. The first finding is the first row, by signal and then by entry, that is not as it was."""

    signals: int = 0
    """All there are."""
    verified: int = 0
    not_remade: Counter[str] = field(default_factory=Counter)
    """Signals by strategy and version whose code is not here any more: their seals are compared, no more."""
    entries: int = 0
    root: str = GENESIS
    """chain_sha256 of the last entry."""
    count: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_intact(self) -> bool:
        """Whether nothing was found."""
        return self.count == 0

    def add(self, found: Iterable[Finding]) -> None:
        """More findings."""
        for finding in found:
            self.count += 1
            if len(self.findings) < _KEPT:
                self.findings.append(finding)


def verify(
    database: Database, strategies: Sequence[Strategy], newest: int | None = None, report: Report = _silent
) -> Verified:
    """Verifies all signals, or the newest so many, and in any case the whole ledger.

    Guarantees: a single cell of engine.signals, signal_inputs, seals and ledger, or of a closed outcome, that is not
    as it was when it was stored is found, and so is a row that is gone.
    """
    with database.reading() as connection:
        return verify_record(connection, strategies, newest, report)


def verify_record(
    connection: Connection, strategies: Sequence[Strategy], newest: int | None = None, report: Report = _silent
) -> Verified:
    """The same on a connection whose statements see one instant."""
    found = Verified()
    _SQL.run(connection, "as_sealed")
    _signals(connection, {item.name: item for item in strategies}, newest, found, report)
    _ledger(connection, found, report)
    return found


def verify_ledger(connection: Connection, report: Report = _silent) -> Verified:
    """Walks the ledger alone, and compares the rows that its entries tell of."""
    found = Verified()
    _SQL.run(connection, "as_sealed")
    _ledger(connection, found, report)
    return found


def _signals(
    connection: Connection, known: Mapping[str, Strategy], newest: int | None, found: Verified, report: Report
) -> None:
    extent = _SQL.rows(connection, "extent", newest=newest or 0)[0]
    found.signals = extent["signals"]
    of = min(found.signals, newest or found.signals)
    after = extent["after"] if newest else 0
    remake = _Remake(known, found.not_remade)
    report("signals", 0, of)
    while rows := _SQL.rows(connection, "recorded", after=after, limit=_PAGE):
        for row in rows:
            found.add(findings.of_signal(row, remake))
        found.verified += sum(1 for row in rows if row["has_signal"])
        after = rows[-1]["signal_id"]
        report("signals", min(found.verified, of), of)


class _Remake:
    """The strategy of each version that signals name, looked up once."""

    def __init__(self, known: Mapping[str, Strategy], not_remade: Counter[str]) -> None:
        self._known = known
        self._not_remade = not_remade
        self._found: dict[tuple[str, str], Strategy | None] = {}

    def __call__(self, inputs: Mapping[str, Any]) -> Strategy | None:
        key = inputs["strategy"], inputs["version"]
        if key not in self._found:
            self._found[key] = strategy_of(inputs, self._known)
        if self._found[key] is None:
            self._not_remade[" ".join(key)] += 1
        return self._found[key]


def _ledger(connection: Connection, found: Verified, report: Report) -> None:
    told_already = {finding.signal_id for finding in found.findings}
    of = _LEDGER_SQL.scalar(connection, "size")
    chain, after = Chain(), 0
    report("entries", 0, of)
    while rows := _LEDGER_SQL.rows(connection, "entries", after=after, limit=_ENTRIES_PAGE):
        for row in rows:
            found.add(item for item in chain.next(**row) if item.signal_id not in told_already or item.seq is None)
        after = rows[-1]["seq"]
        report("entries", chain.entries, of)
    found.entries, found.root = chain.entries, chain.root
    for row in _LEDGER_SQL.rows(connection, "missing"):
        found.add([_not_entered(**row)])


def _not_entered(signal_id: int, kind: str) -> Finding:
    what = "the entry of its publication" if kind == "published" else "the entry of its closing"
    return Finding(findings.LEDGER, f"signal {signal_id}", f"{what} is missing", signal_id)
