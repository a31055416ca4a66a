"""Findings: what is wrong with the stored rows of one signal, each named by relation, row and, where known, column."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from signalhub.signals.remake import remade, told

SIGNALS, INPUTS, OUTCOMES = "engine.signals", "engine.signal_inputs", "engine.outcomes"
SEALS, LEDGER = "engine.seals", "engine.ledger"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """A row that was altered or removed. `expected` is what the column must be; both are null where nobody can say."""

    relation: str
    row: str
    problem: str
    signal_id: int | None = None
    seq: int | None = None
    column: str | None = None
    stored: Any = None
    expected: Any = None

    @property
    def sentence(self) -> str:
        """In one line, for people."""
        return f"{self.relation}, {self.row}: {self.problem}."


def of_signal(row: Row, remake: Callable[[Row], Any]) -> Iterator[Finding]:
    """What is wrong with a signal, its inputs, its outcome and their seals: the most telling of each relation first.

    `remake` gives the strategy that made stored inputs, or None where its code is gone.
    """
    if not row["has_signal"]:
        yield _removed(SIGNALS, row)
        return
    found = list(_inputs_and_columns(row, remake))
    yield from found
    for finding in _seal(row, "signal", SIGNALS):
        # The column that differs says more than the seal does.
        if not found or finding.relation == SEALS:
            yield finding
    yield from _outcome(row)


def named(row: Row) -> str:
    """The row in words: `signal 12 (BTC/USDT 1h momentum long, closed 2026-01-02 03:00Z)`."""
    if not row["has_signal"]:
        return f"signal {row['signal_id']}"
    words = f"{row['public_symbol']} {row['timeframe']} {row['strategy']} {row['direction']}"
    return f"signal {row['signal_id']} ({words}, closed {row['close_at']:%Y-%m-%d %H:%M}Z)"


def _removed(relation: str, row: Row) -> Finding:
    return Finding(relation, named(row), "was removed", row["signal_id"])


def _altered(relation: str, row: Row, problem: str) -> Finding:
    return Finding(relation, named(row), problem, row["signal_id"])


def _inputs_and_columns(row: Row, remake: Callable[[Row], Any]) -> Iterator[Finding]:
    if row["inputs"] is None:
        yield _removed(INPUTS, row)
        return
    digest = hashlib.sha256(row["inputs"].encode()).hexdigest()
    if digest != row["input_hash"]:
        # The row's own seal tells whose hash is the wrong one.
        if _is_sealed(row, "signal"):
            problem = f"inputs are not those of the signal: their sha256 is {digest}, not {row['input_hash']}"
            yield _altered(INPUTS, row, problem)
        else:
            yield _column(row, "input_hash", row["input_hash"], digest)
        return
    inputs = json.loads(row["inputs"])
    yield from _columns(row, told(inputs))
    strategy = remake(inputs)
    if strategy is None:
        return
    made = remade(strategy, inputs)
    if made is None:
        yield _altered(SIGNALS, row, "its inputs give no signal")
        return
    yield from _columns(row, made)


def _columns(row: Row, expected: Mapping[str, Any]) -> Iterator[Finding]:
    for column, value in expected.items():
        if row[column] != value:
            yield _column(row, column, row[column], value)


def _column(row: Row, column: str, stored: Any, expected: Any) -> Finding:
    problem = f"{column} is {_shown(stored)}, its inputs give {_shown(expected)}"
    if _is_sealed(row, "signal"):
        problem += "; the row is as it was sealed: the code changed, and its code_version did not"
    return Finding(SIGNALS, named(row), problem, row["signal_id"], None, column, stored, expected)


def _shown(value: Any) -> str:
    return "null" if value is None else f"{value!r}" if isinstance(value, str) else str(value)


def _is_sealed(row: Row, kind: str) -> bool:
    return bool(row[f"{kind}_now"] == row[f"{kind}_seal"])


def _outcome(row: Row) -> Iterator[Finding]:
    if not row["has_outcome"]:
        yield _removed(OUTCOMES, row)
    elif row["status"] == "open" and row["outcome_seal"] is not None:
        yield _altered(OUTCOMES, row, "status is 'open', and it was closed once")
    elif row["status"] != "open":
        yield from _seal(row, "outcome", OUTCOMES)


def _seal(row: Row, kind: str, relation: str) -> Iterator[Finding]:
    """The seal was made of the row when it became final; of a live one the ledger holds a second copy."""
    if row[f"{kind}_seal"] is None:
        yield _altered(SEALS, row, f"the seal of its {kind} was removed")
    elif not _is_sealed(row, kind):
        if row[f"{kind}_entered"] == row[f"{kind}_now"]:
            yield _altered(SEALS, row, f"the seal of its {kind} was altered")
        else:
            yield _altered(relation, row, "a column was altered: the row is not the one that was sealed")
