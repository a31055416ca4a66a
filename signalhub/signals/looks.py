"""Looks: what a strategy makes of a frame of bars, bar by bar, so that what it makes of another can be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

from signalhub.bars.instruments import Instrument
from signalhub.domain.session import ALWAYS, Calendar
from signalhub.domain.signal import SignalDraft
from signalhub.domain.timeframe import Timeframe
from signalhub.errors import PluginInvalid
from signalhub.indicators.columns import INDICATOR_COLUMNS
from signalhub.signals.evaluate import evaluate_scene
from signalhub.signals.gate import GateRules
from signalhub.signals.judge import Terms
from signalhub.signals.scene import Scene, Universe
from signalhub.snapshot import PRICE_FACTOR, Snapshot, is_joined
from signalhub.strategies.base import Strategy

SIDES = ("long", "short")
KEY = ("instrument_id", "close_at")
_BARS = ("open_at", "open", "high", "low", "close", "volume", "filled_count", "is_complete", PRICE_FACTOR, "n")
_EVERY_SCORE = Terms(min_score=Decimal(0))
_NO_RULES = GateRules(complete_pct=0.0)
"""Gaps of a history are nothing that a strategy can help."""

Verdicts = Mapping[tuple[int, datetime, str], Mapping[str, Any]]
"""By instrument, close and direction: every column of what step two made of a candidate."""


@dataclass(frozen=True)
class Looks:
    """A strategy and the instruments that it is tried on."""

    strategy: Strategy
    timeframe: Timeframe
    universe: Universe

    @classmethod
    def at(cls, strategy: Strategy, timeframe: Timeframe, instruments: Sequence[Instrument]) -> Looks:
        """On these instruments, whose calendars do not matter here."""
        always = {item.instrument_id: replace(item, calendar=ALWAYS) for item in instruments}
        return cls(strategy, timeframe, Universe(always, {ALWAYS: Calendar(ALWAYS)}))

    def columns(self) -> list[str]:
        """What a frame must hold, and what the strategy may read: as evaluation loads it."""
        return [*KEY, *_BARS, *self.strategy.columns]

    def proposed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Step one on every row: the keys with `long` and `short`, never null.

        Raises: PluginInvalid where it fails, or reads what it does not declare.
        """
        try:
            proposal = self.strategy.propose()
            if lacking := sorted(proposal.reads.difference(frame.columns)):
                raise PluginInvalid(self._undeclared(lacking[0]))
            return frame.select(KEY).hstack(proposal.over(frame))
        except PluginInvalid:
            raise
        except Exception as error:
            raise PluginInvalid(f"propose() of {self.strategy.name} fails: {type(error).__name__}: {error}") from error

    def judged(self, frame: pl.DataFrame, closes: Sequence[datetime]) -> Verdicts:
        """Step two on what is proposed at some closes.

        Raises: PluginInvalid where it fails, or reads what it does not declare.
        """
        try:
            scene = Scene(Snapshot(self.timeframe, closes, frame, {}), self.universe, _NO_RULES)
            evaluations = evaluate_scene(scene, self.strategy, _EVERY_SCORE)
        except Exception as error:
            name = str(error.args[0]) if isinstance(error, KeyError) else ""
            if name in INDICATOR_COLUMNS or is_joined(name):
                raise PluginInvalid(self._undeclared(name)) from error
            raise PluginInvalid(f"assess() of {self.strategy.name} fails: {type(error).__name__}: {error}") from error
        return {
            (draft.instrument_id, draft.close_at, draft.direction.value): _columns(draft)
            for evaluation in evaluations
            for draft in evaluation.signals
        }

    def _undeclared(self, column: str) -> str:
        return (
            f"{self.strategy.name} reads {column}, which it does not declare: name it in needs, wants, context or "
            "observations, or see whether it is spelt as in docs/indicators.md."
        )


def _columns(draft: SignalDraft) -> dict[str, Any]:
    return {
        "score": draft.score,
        **{f"component {name}": value for name, value in draft.components.items()},
        "left_out": draft.left_out,
        "stop": draft.levels.stop,
        "target": draft.levels.target,
        "reason": draft.reason,
    }
