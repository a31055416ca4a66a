"""The record: evaluations, abstentions and signals stored by identity, in the caller's transaction.

Run twice it stores once; what is stored is never rewritten.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.domain.signal import Evaluation, Origin, SignalDraft
from signalhub.domain.timeframe import Timeframe
from signalhub.strategies.base import Strategy

_SQL = Queries("signals/store")


def strategy_ids(connection: Connection, strategies: Sequence[Strategy], now: datetime) -> list[int]:
    """The rows of these versions of strategies, made where they are missing."""
    keys = {"strategies": [item.name for item in strategies], "versions": [item.version for item in strategies]}
    found = [row["strategy_id"] for row in _SQL.rows(connection, "strategy_ids", **keys)]
    if None not in found:
        return found
    rows = [
        {"strategy": item.name, "version": item.version, "parameters": item.parameter_values} for item in strategies
    ]
    _SQL.run(connection, "register_strategies", rows=json.dumps(rows, sort_keys=True), now=now)
    return [row["strategy_id"] for row in _SQL.rows(connection, "strategy_ids", **keys)]


@dataclass(frozen=True)
class Run:
    """What was evaluated: as what, of which timeframe and instruments, and what the snapshot and the steps took."""

    origin: Origin
    timeframe: Timeframe
    instrument_ids: Sequence[int]
    snapshot_hits: int = 0
    snapshot_misses: int = 0
    steps: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds by step, of all strategies together, for one close on average."""


@dataclass(frozen=True)
class Evaluated:
    """What a strategy made of a block of closes, and the milliseconds that one of them took on average."""

    strategy: Strategy
    evaluations: Sequence[Evaluation]
    milliseconds: float


def store(connection: Connection, run: Run, evaluated: Sequence[Evaluated], now: datetime) -> list[int]:
    """Stores what strategies made of a block of closes; the ids of the signals that are new."""
    if not evaluated:
        return []
    ids = strategy_ids(connection, [item.strategy for item in evaluated], now)
    key = {"origin": run.origin.value, "timeframe": run.timeframe.code}
    by_id = dict(zip(ids, evaluated, strict=True))
    rows = [_evaluation_row(one, key, item) for key, item in by_id.items() for one in item.evaluations]
    counted = {"snapshot_hits": run.snapshot_hits, "snapshot_misses": run.snapshot_misses}
    timed = {"steps": json.dumps({name: round(value, 3) for name, value in run.steps.items()})}
    _SQL.run(connection, "insert_evaluations", **key, **counted, **timed, rows=json.dumps(rows), now=now)
    each = [(key, one) for key, item in by_id.items() for one in item.evaluations]
    _store_abstentions(connection, run, key, ids, each)
    drafts = [_signal_row(draft, key) for key, one in each for draft in one.signals]
    if not drafts:
        return []
    made = _SQL.rows(connection, "insert_signals", **key, rows=json.dumps(drafts), now=now)
    return [row["signal_id"] for row in made]


def _store_abstentions(
    connection: Connection,
    run: Run,
    key: Mapping[str, str],
    strategy_ids: Sequence[int],
    each: Sequence[tuple[int, Evaluation]],
) -> None:
    rows = json.dumps([row for key, one in each for row in _abstention_rows(one, key)])
    if run.origin is Origin.REPLAY:
        closes = sorted({one.close_at for _, one in each})
        told = {"strategy_ids": strategy_ids, "closes": closes, "instrument_ids": list(run.instrument_ids)}
        _SQL.run(connection, "forget_healed", timeframe=run.timeframe.code, rows=rows, **told)
    if rows != "[]":
        _SQL.run(connection, "insert_abstentions", **key, rows=rows)


def unevaluated_closes(
    connection: Connection,
    strategy: Strategy,
    timeframe: Timeframe,
    span: tuple[datetime, datetime],
    origins: Sequence[Origin],
    now: datetime,
) -> list[datetime]:
    """Closes in `span` (after, until] that this version has not evaluated for every instrument with a bar there.

    Evaluations of the given origins count; among replays alone an abstention does not: its cause may be gone.
    """
    rows = _SQL.rows(
        connection,
        "unevaluated_closes",
        strategy_id=strategy_ids(connection, [strategy], now)[0],
        timeframe=timeframe.code,
        after=span[0],
        until=span[1],
        origins=[origin.value for origin in origins],
        abstained_is_final=Origin.LIVE in origins,
        asset_classes=list(strategy.asset_classes),
    )
    return [row["close_at"] for row in rows]


def late_instruments(connection: Connection, timeframe: Timeframe, close: datetime) -> list[int]:
    """The instruments that were not settled in time for a close: they are never scored live for it later."""
    rows = _SQL.rows(connection, "late_instruments", timeframe=timeframe.code, close=close)
    return [row["instrument_id"] for row in rows]


def _evaluation_row(evaluation: Evaluation, strategy_id: int, item: Evaluated) -> dict[str, Any]:
    return {
        "strategy_id": strategy_id,
        "close_at": evaluation.close_at.isoformat(),
        "instruments_seen": evaluation.instruments_seen,
        "instruments_abstained": evaluation.instruments_abstained,
        "candidates": evaluation.candidates,
        "signals": len(evaluation.signals),
        "milliseconds": item.milliseconds,
    }


def _abstention_rows(evaluation: Evaluation, strategy_id: int) -> list[dict[str, Any]]:
    return [
        {
            "strategy_id": strategy_id,
            "close_at": evaluation.close_at.isoformat(),
            "instrument_id": abstention.instrument_id,
            "direction": abstention.direction,
            "reason": abstention.reason,
            "score": None if abstention.score is None else str(abstention.score),
        }
        for abstention in evaluation.abstentions
    ]


def _signal_row(draft: SignalDraft, strategy_id: int) -> dict[str, Any]:
    return {
        "strategy_id": strategy_id,
        "instrument_id": draft.instrument_id,
        "open_at": draft.open_at.isoformat(),
        "close_at": draft.close_at.isoformat(),
        "direction": draft.direction,
        "entry": str(draft.levels.entry),
        "stop": str(draft.levels.stop),
        "target": str(draft.levels.target),
        "score": str(draft.score),
        "components": draft.components,
        "reason": draft.reason,
        "valid_until": draft.valid_until.isoformat(),
        "inputs": draft.inputs,
        "input_hash": draft.input_hash,
        "atr": draft.atr,
        "risk_reward": str(draft.levels.risk_reward),
        "position_size_pct": str(draft.size.position_pct),
        "max_risk_pct": str(draft.size.risk_pct),
        "weights": draft.weights,
        "left_out": list(draft.left_out),
        "is_best": draft.is_best,
    }
