"""Evaluate: one snapshot, one strategy → candidates, signals and abstentions. No database, no clock.

Step one runs vectorised over the whole snapshot; step two looks at candidates one by one. A block of closes
gives exactly what its closes would give one by one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

from signalhub.bars.instruments import Instrument
from signalhub.domain.session import Calendar
from signalhub.domain.signal import Abstention, Direction, Evaluation, Levels, Reason, SignalDraft
from signalhub.errors import DataUnusable
from signalhub.indicators.window_features import features
from signalhub.signals.gate import GateRules, with_gate
from signalhub.signals.inputs import BarInputs, InputColumns, Rule, as_text, inputs
from signalhub.signals.levels import atr_levels
from signalhub.signals.scoring import points, score
from signalhub.snapshot import Snapshot
from signalhub.strategies.base import Assessment, Candidate, Strategy, previous

_NONE_LATE: Mapping[int, Reason] = {}
_RULES = GateRules()


@dataclass(frozen=True)
class Universe:
    """What evaluation knows besides the snapshot: instruments by id and their calendars by name."""

    instruments: Mapping[int, Instrument]
    calendars: Mapping[str, Calendar]

    def calendar_by_instrument(self, instrument_ids: Iterable[int]) -> dict[int, Calendar]:
        """The calendars of some of the instruments."""
        return {key: self.calendars[self.instruments[key].calendar] for key in instrument_ids}


def evaluate(
    snapshot: Snapshot,
    strategy: Strategy,
    universe: Universe,
    min_score: Decimal,
    late: Mapping[int, Reason] = _NONE_LATE,
    rules: GateRules = _RULES,
) -> list[Evaluation]:
    """One evaluation per close of the snapshot, ascending.

    `late` instruments should have a bar at the closes and have none yet: they abstain, with the reason given.
    Guarantees: a function of its arguments; each instrument with a bar at a close is seen or abstained there, unless it
    was delisted by then: it is no part of that universe.
    """
    served = _served(strategy, universe)
    frame = with_gate(_of(snapshot, served), strategy, rules, universe.calendar_by_instrument(served))
    frame = _proposed(frame, strategy, snapshot)
    missing = [
        Abstention(instrument_id, reason) for instrument_id, reason in sorted(late.items()) if instrument_id in served
    ]
    evaluations = {close: Evaluation(close, abstentions=list(missing)) for close in snapshot.closes}
    block = frame.filter(pl.col("close_at").is_in(list(evaluations)) & ~pl.col("is_delisted"))
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
    return Snapshot(
        snapshot.timeframe,
        snapshot.closes,
        frame.with_row_index("place"),
        snapshot.dirty,
        snapshot.unlisted,
        snapshot.outliers,
    )


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
        self.columns = InputColumns(frame, strategy.stored)

    def judge(self, row: Mapping[str, Any], direction: Direction) -> SignalDraft | Abstention:
        """A signal, or why the candidate is held back."""
        instrument_id = row["instrument_id"]
        if row[f"{direction.value}_cools"]:
            return Abstention(instrument_id, Reason.COOLDOWN, direction)
        bar = self.columns.at(row["place"])
        candidate = Candidate(direction, bar.row, bar.previous, bar.window, features(bar.window))
        assessment = self.strategy.assess(candidate)
        parts = points(assessment.components)
        total = score(parts)
        if total < self.min_score:
            return Abstention(instrument_id, Reason.SCORE_BELOW_THRESHOLD, direction, total)
        instrument = self.universe.instruments[instrument_id]
        multiples = (self.strategy.stop_atr, self.strategy.target_atr)
        stored = candidate.row
        levels = atr_levels(direction, stored["close"], stored["atr_14"], multiples, instrument.tick_size)
        if levels is None:
            return Abstention(instrument_id, Reason.RISK_BELOW_TICK, direction, total)
        return self._draft(row, bar, direction, assessment, parts, levels)

    def _draft(
        self,
        row: Mapping[str, Any],
        bar: BarInputs,
        direction: Direction,
        assessment: Assessment,
        parts: dict[str, Decimal],
        levels: Levels,
    ) -> SignalDraft:
        instrument = self.universe.instruments[row["instrument_id"]]
        close_at = row["close_at"]
        rule = Rule(self.strategy.name, self.strategy.version, self.strategy.parameter_values, direction.value)
        text = as_text(inputs(rule, instrument, self.timeframe, close_at, bar))
        return SignalDraft(
            instrument_id=instrument.instrument_id,
            open_at=row["open_at"],
            close_at=close_at,
            direction=direction,
            levels=levels,
            score=score(parts),
            components={name: float(value) for name, value in parts.items()},
            reason=assessment.reason,
            valid_until=self._valid_until(instrument, close_at),
            inputs=text,
            input_hash=hashlib.sha256(text.encode()).hexdigest(),
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
