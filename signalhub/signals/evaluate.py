"""Evaluate: one snapshot, one strategy → candidates, signals and abstentions. No database, no clock.

Step one runs vectorised over the whole snapshot; step two looks at candidates one by one. A block of closes
gives exactly what its closes would give one by one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from signalhub.bars.instruments import Instrument
from signalhub.domain.signal import Abstention, Direction, Evaluation, Reason, SignalDraft
from signalhub.errors import DataUnusable
from signalhub.indicators.window_features import features
from signalhub.signals.gate import GateRules
from signalhub.signals.inputs import BarInputs, Rule, as_text, inputs
from signalhub.signals.judge import Judged, Terms, judge
from signalhub.signals.scene import Proposed, Scene, Universe
from signalhub.snapshot import Snapshot
from signalhub.strategies.base import Candidate, Strategy

__all__ = ["Universe", "evaluate", "evaluate_scene"]

_NONE_LATE: Mapping[int, Reason] = {}
_RULES = GateRules()


def evaluate(
    snapshot: Snapshot,
    strategy: Strategy,
    universe: Universe,
    min_score: Decimal,
    late: Mapping[int, Reason] = _NONE_LATE,
    rules: GateRules = _RULES,
) -> list[Evaluation]:
    """One evaluation per close of the snapshot, ascending: `evaluate_scene` for a single strategy."""
    return evaluate_scene(Scene(snapshot, universe, rules), strategy, Terms(min_score), late)


def evaluate_scene(
    scene: Scene, strategy: Strategy, terms: Terms, late: Mapping[int, Reason] = _NONE_LATE
) -> list[Evaluation]:
    """One evaluation per close of the scene's snapshot, ascending.

    `late` instruments should have a bar at the closes and have none yet: they abstain, with the reason given.
    Guarantees: a function of its arguments; each instrument with a bar at a close is seen or abstained there, unless it
    was delisted by then: it is no part of that universe.
    """
    served = scene.served(strategy)
    missing = [Abstention(key, reason) for key, reason in sorted(late.items()) if key in served]
    evaluations = [Evaluation(close, abstentions=list(missing)) for close in scene.snapshot.closes]
    asked = scene.asked(strategy)
    for evaluation, seen in zip(evaluations, asked.seen_by_close, strict=True):
        evaluation.instruments_seen = seen
    for number, instrument_id, reason in asked.abstaining:
        evaluations[number].abstentions.append(Abstention(instrument_id, reason))
    judging = _Judging(scene, strategy, terms)
    for proposed in asked.proposed:
        _record(evaluations[proposed.close_number], judging.judged(proposed))
    return evaluations


def _record(evaluation: Evaluation, judged: SignalDraft | Abstention) -> None:
    evaluation.candidates += 1
    if isinstance(judged, SignalDraft):
        evaluation.signals.append(judged)
    else:
        evaluation.abstentions.append(judged)


class _Judging:
    """Step two for the candidates of one scene."""

    def __init__(self, scene: Scene, strategy: Strategy, terms: Terms) -> None:
        self.scene = scene
        self.strategy = strategy
        self.terms = terms
        # Asked once: each look puts them together anew.
        self.version, self.parameters = strategy.version, strategy.parameter_values
        self.columns = strategy.columns

    def judged(self, proposed: Proposed) -> SignalDraft | Abstention:
        """A signal, or why the candidate is held back."""
        if proposed.cools:
            return Abstention(proposed.instrument_id, Reason.COOLDOWN, proposed.direction)
        bar = self.scene.columns.at(proposed.place, self.columns)
        timeframe = self.scene.snapshot.timeframe
        candidate = Candidate(proposed.direction, bar.row, bar.previous, bar.window, features(bar.window), timeframe)
        instrument = self.scene.universe.instruments[proposed.instrument_id]
        found = judge(self.strategy, candidate, instrument.tick_size, self.terms)
        if isinstance(found, Judged):
            return self._draft(proposed.direction, proposed.close_at, instrument, bar, found)
        return Abstention(proposed.instrument_id, found.reason, proposed.direction, found.score)

    def _draft(
        self, direction: Direction, close_at: datetime, instrument: Instrument, bar: BarInputs, found: Judged
    ) -> SignalDraft:
        timeframe = self.scene.snapshot.timeframe
        rule = Rule(self.strategy.name, self.version, self.parameters, direction.value, self.terms.plain)
        text = as_text(inputs(rule, instrument, timeframe, close_at, bar))
        return SignalDraft(
            instrument_id=instrument.instrument_id,
            open_at=close_at - timeframe.span,
            close_at=close_at,
            direction=direction,
            levels=found.levels,
            score=found.score,
            components={name: float(value) for name, value in found.points.items()},
            reason=found.reason,
            valid_until=self._valid_until(instrument, close_at),
            inputs=text,
            input_hash=hashlib.sha256(text.encode()).hexdigest(),
            atr=found.atr,
            size=found.size,
            weights=found.weights,
            left_out=found.left_out,
        )

    def _valid_until(self, instrument: Instrument, close_at: datetime) -> datetime:
        calendar = self.scene.universe.calendars[instrument.calendar]
        until = calendar.nth_close(close_at, self.scene.snapshot.timeframe, self.strategy.valid_bars)
        if until is None:
            raise DataUnusable(
                f"The calendar {calendar.name} of {instrument.public_symbol} knows no sessions long enough after "
                f"{close_at:%Y-%m-%d %H:%M}Z. Update the package exchange_calendars."
            )
        return until


def mark_best(by_strategy: Sequence[Sequence[Evaluation]], best_n: int) -> None:
    """Marks the signals of each close that are among its best `best_n`, of all strategies; 0: marks none.

    The better score comes first; of equal ones the strategy that is named first, then the lower instrument.
    """
    if not best_n:
        return
    for cycle in zip(*by_strategy, strict=True):
        ranked = sorted(
            ((-draft.score, place, draft.instrument_id, draft.direction)
             for place, evaluation in enumerate(cycle) for draft in evaluation.signals),
        )  # fmt: skip
        best = {key[1:] for key in ranked[:best_n]}
        for place, evaluation in enumerate(cycle):
            evaluation.signals = [
                replace(draft, is_best=(place, draft.instrument_id, draft.direction) in best)
                for draft in evaluation.signals
            ]
