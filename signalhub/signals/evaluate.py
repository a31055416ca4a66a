"""Evaluate: one snapshot, one strategy → candidates, signals and abstentions. No database, no clock.

Step one runs vectorised over the whole snapshot; step two looks at candidates one by one. A block of closes
gives exactly what its closes would give one by one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from signalhub.bars.instruments import Instrument
from signalhub.domain.session import Calendar
from signalhub.domain.signal import Abstention, Direction, Evaluation, Levels, Reason, SignalDraft
from signalhub.errors import DataUnusable
from signalhub.indicators.window_features import Window, features
from signalhub.signals.gate import with_gate
from signalhub.signals.levels import atr_levels
from signalhub.signals.scoring import points, score
from signalhub.snapshot import WINDOW_BARS, Snapshot
from signalhub.strategies.base import Assessment, Candidate, Strategy, previous

_WINDOW_COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Universe:
    """What evaluation knows besides the snapshot: instruments by id and their calendars by name."""

    instruments: Mapping[int, Instrument]
    calendars: Mapping[str, Calendar]


def evaluate(
    snapshot: Snapshot,
    strategy: Strategy,
    universe: Universe,
    min_score: Decimal,
    unsettled: frozenset[int] = frozenset(),
) -> list[Evaluation]:
    """One evaluation per close of the snapshot, ascending.

    `unsettled` instruments should have a bar at the closes and have none yet: they abstain.
    Guarantees: a function of its arguments; each instrument with a bar at a close is seen or abstained there.
    """
    served = _served(strategy, universe)
    frame = _proposed(with_gate(_of(snapshot, served), strategy), strategy, snapshot)
    late = [Abstention(instrument_id, Reason.NOT_SETTLED) for instrument_id in sorted(unsettled & served)]
    evaluations = {close: Evaluation(close, abstentions=list(late)) for close in snapshot.closes}
    block = frame.filter(pl.col("close_at").is_in(list(evaluations)))
    for close, seen in block.filter(pl.col("abstains").is_null()).group_by("close_at").len().iter_rows():
        evaluations[close].instruments_seen = seen
    abstaining = block.filter(pl.col("abstains").is_not_null()).select("close_at", "instrument_id", "abstains")
    for close, instrument_id, reason in abstaining.iter_rows():
        evaluations[close].abstentions.append(Abstention(instrument_id, Reason(reason)))
    scorer = _Scorer(snapshot, strategy, universe, min_score, frame)
    proposed = block.filter(pl.col("abstains").is_null() & (pl.col("long") | pl.col("short")))
    for row in proposed.iter_rows(named=True):
        for direction in Direction:
            if row[direction.value]:
                _record(evaluations[row["close_at"]], scorer.judge(row, direction))
    return list(evaluations.values())


def _served(strategy: Strategy, universe: Universe) -> frozenset[int]:
    known = universe.instruments.items()
    return frozenset(key for key, instrument in known if instrument.asset_class in strategy.asset_classes)


def _of(snapshot: Snapshot, instrument_ids: frozenset[int]) -> Snapshot:
    frame = snapshot.frame.filter(pl.col("instrument_id").is_in(list(instrument_ids)))
    # The row's place in the frame finds the candidate's window again after filtering.
    return Snapshot(snapshot.timeframe, snapshot.closes, frame.with_row_index("place"), snapshot.dirty)


def _proposed(frame: pl.DataFrame, strategy: Strategy, snapshot: Snapshot) -> pl.DataFrame:
    proposal = strategy.propose()
    frame = frame.with_columns(long=proposal.long.fill_null(value=False), short=proposal.short.fill_null(value=False))
    bars = strategy.cooldown_bars(snapshot.timeframe)
    return frame.with_columns(
        pl.any_horizontal(*(previous(name, k).fill_null(value=False) for k in range(1, bars + 1))).alias(
            f"{name}_cools"
        )
        for name in ("long", "short")
    )


def _record(evaluation: Evaluation, judged: SignalDraft | Abstention) -> None:
    evaluation.candidates += 1
    if isinstance(judged, SignalDraft):
        evaluation.signals.append(judged)
    else:
        evaluation.abstentions.append(judged)


class _Scorer:
    """Step two for the candidates of one snapshot."""

    def __init__(
        self, snapshot: Snapshot, strategy: Strategy, universe: Universe, min_score: Decimal, frame: pl.DataFrame
    ) -> None:
        self.timeframe = snapshot.timeframe
        self.strategy = strategy
        self.universe = universe
        self.min_score = min_score
        self.stored_columns = [name for name, dtype in snapshot.frame.schema.items() if dtype == pl.Float64]
        self.columns = {name: frame[name].to_numpy() for name in self.stored_columns}

    def judge(self, row: Mapping[str, Any], direction: Direction) -> SignalDraft | Abstention:
        """A signal, or why the candidate is held back."""
        instrument_id = row["instrument_id"]
        if row[f"{direction.value}_cools"]:
            return Abstention(instrument_id, Reason.COOLDOWN, direction)
        candidate = self._candidate(row, direction)
        assessment = self.strategy.assess(candidate)
        parts = points(assessment.components)
        total = score(parts)
        if total < self.min_score:
            return Abstention(instrument_id, Reason.SCORE_BELOW_THRESHOLD, direction, total)
        instrument = self.universe.instruments[instrument_id]
        multiples = (self.strategy.stop_atr, self.strategy.target_atr)
        levels = atr_levels(direction, row["close"], row["atr_14"], multiples, instrument.tick_size)
        if levels is None:
            return Abstention(instrument_id, Reason.RISK_BELOW_TICK, direction, total)
        return self._draft(row, candidate, assessment, parts, levels)

    def _candidate(self, row: Mapping[str, Any], direction: Direction) -> Candidate:
        place = row["place"]
        window = Window(*(self.columns[name][place - WINDOW_BARS + 1 : place + 1] for name in _WINDOW_COLUMNS))
        before = {name: float(self.columns[name][place - 1]) for name in self.stored_columns}
        stored = {name: row[name] for name in self.stored_columns}
        return Candidate(direction, stored, before, window, features(window))

    def _draft(
        self,
        row: Mapping[str, Any],
        candidate: Candidate,
        assessment: Assessment,
        parts: dict[str, Decimal],
        levels: Levels,
    ) -> SignalDraft:
        instrument = self.universe.instruments[row["instrument_id"]]
        close_at = row["close_at"]
        inputs = self._inputs(candidate, instrument, close_at)
        return SignalDraft(
            instrument_id=instrument.instrument_id,
            open_at=row["open_at"],
            close_at=close_at,
            direction=candidate.direction,
            levels=levels,
            score=score(parts),
            components={name: float(value) for name, value in parts.items()},
            reason=assessment.reason,
            valid_until=self._valid_until(instrument, close_at),
            inputs=inputs,
            input_hash=hashlib.sha256(inputs.encode()).hexdigest(),
        )

    def _valid_until(self, instrument: Instrument, close_at: datetime) -> datetime:
        calendar = self.universe.calendars[instrument.calendar]
        until = calendar.nth_close(close_at, self.timeframe, self.strategy.valid_bars)
        if until is None:
            raise DataUnusable(
                f"The calendar {calendar.name} of {instrument.public_symbol} knows no sessions long enough after "
                f"{close_at:%Y-%m-%d %H:%M}Z. Update the package exchange_calendars."
            )
        return until

    def _inputs(self, candidate: Candidate, instrument: Instrument, close_at: datetime) -> str:
        """Everything the score and levels are a function of, as canonical JSON."""
        window = candidate.window
        return json.dumps(
            {
                "strategy": self.strategy.name,
                "version": self.strategy.version,
                "parameters": self.strategy.parameter_values,
                "venue": instrument.venue,
                "symbol": instrument.symbol,
                "tick_size": str(instrument.tick_size) if instrument.tick_size is not None else None,
                "timeframe": self.timeframe.code,
                "close_at": close_at.astimezone(UTC).isoformat(),
                "direction": candidate.direction.value,
                "row": dict(candidate.row),
                "previous": dict(candidate.previous),
                "window": {name: getattr(window, name).tolist() for name in _WINDOW_COLUMNS},
            },
            sort_keys=True,
            separators=(",", ":"),
            allow_nan=False,
        )
