"""The record: evaluations, abstentions and signals stored by identity, in the caller's transaction.

Run twice it stores once; what is stored is never rewritten.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.domain.signal import Evaluation, Origin, SignalDraft
from signalhub.domain.timeframe import Timeframe
from signalhub.strategies.base import Strategy

_SQL = Queries("signals/store")


def strategy_id(connection: Connection, strategy: Strategy, now: datetime) -> int:
    """The row of this version of the strategy, made where it is missing."""
    key = {"strategy": strategy.name, "version": strategy.version}
    parameters = json.dumps(strategy.parameter_values, sort_keys=True)
    _SQL.run(connection, "register_strategy", **key, parameters=parameters, now=now)
    identifier: int = _SQL.scalar(connection, "strategy_id", **key)
    return identifier


@dataclass(frozen=True)
class Run:
    """What was evaluated: by which version of which strategy, as what, over which instruments."""

    origin: Origin
    strategy: Strategy
    timeframe: Timeframe
    instrument_ids: Sequence[int]


def store(
    connection: Connection, run: Run, evaluations: Sequence[Evaluation], *, now: datetime, milliseconds: float
) -> list[int]:
    """Stores what a run made of a block of closes; the ids of the signals that are new.

    `milliseconds` is what one close of the block took on average.
    """
    key = {
        "origin": run.origin.value,
        "strategy_id": strategy_id(connection, run.strategy, now),
        "timeframe": run.timeframe.code,
    }
    rows = json.dumps([_evaluation_row(evaluation) for evaluation in evaluations])
    _SQL.run(connection, "insert_evaluations", **key, rows=rows, milliseconds=milliseconds, now=now)
    abstentions = [row for evaluation in evaluations for row in _abstention_rows(evaluation)]
    closes = [evaluation.close_at for evaluation in evaluations]
    told = {**key, "rows": json.dumps(abstentions)}
    _SQL.run(connection, "forget_healed", **told, closes=closes, instrument_ids=list(run.instrument_ids))
    _SQL.run(connection, "insert_abstentions", **told)
    drafts = [draft for evaluation in evaluations for draft in evaluation.signals]
    if not drafts:
        return []
    given = json.dumps([_signal_row(draft) for draft in drafts])
    return [row["signal_id"] for row in _SQL.rows(connection, "insert_signals", **key, rows=given, now=now)]


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
        strategy_id=strategy_id(connection, strategy, now),
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


def _evaluation_row(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "close_at": evaluation.close_at.isoformat(),
        "instruments_seen": evaluation.instruments_seen,
        "instruments_abstained": evaluation.instruments_abstained,
        "candidates": evaluation.candidates,
        "signals": len(evaluation.signals),
    }


def _abstention_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    return [
        {
            "close_at": evaluation.close_at.isoformat(),
            "instrument_id": abstention.instrument_id,
            "direction": abstention.direction,
            "reason": abstention.reason,
            "score": None if abstention.score is None else str(abstention.score),
        }
        for abstention in evaluation.abstentions
    ]


def _signal_row(draft: SignalDraft) -> dict[str, Any]:
    return {
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
    }
