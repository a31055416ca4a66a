"""Judging: one candidate → score, levels and size, or why it is held back. A function of what it is given, and no more.

Evaluation judges candidates of the snapshot; verification judges the same ones again from their stored inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from signalhub.domain.signal import Levels, Reason, Size
from signalhub.settings import Settings
from signalhub.signals.levels import atr_levels, size_of, structure_levels
from signalhub.signals.scoring import left_out, points, score, weights
from signalhub.strategies.base import Candidate, Strategy


@dataclass(frozen=True)
class Terms:
    """The settings that a signal is a function of."""

    min_score: Decimal = Decimal(50)
    """A candidate that scores less is held back."""
    risk_pct: Decimal = Decimal(1)
    """What the stop may cost, in percent of the equity."""
    max_position_pct: Decimal = Decimal(100)
    """The largest position, in percent of the equity."""

    @classmethod
    def of(cls, settings: Settings) -> Terms:
        """Those that are set."""
        return cls.told({name: repr(getattr(settings, name)) for name in cls.__dataclass_fields__})

    @classmethod
    def told(cls, values: Mapping[str, str]) -> Terms:
        """From `plain`."""
        return cls(**{name: Decimal(values[name]) for name in cls.__dataclass_fields__})

    @property
    def plain(self) -> dict[str, Any]:
        """As text, exactly."""
        return {name: str(getattr(self, name)) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class Judged:
    """What a candidate is worth."""

    points: dict[str, Decimal]
    weights: dict[str, float]
    left_out: tuple[str, ...]
    reason: str
    levels: Levels
    size: Size
    atr: float

    @property
    def score(self) -> Decimal:
        """The sum of the points, 0 to 100."""
        return score(self.points)

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of a signal that it gives, as they are stored; those that came with revision 0007 last."""
        return {
            "entry": self.levels.entry,
            "stop": self.levels.stop,
            "target": self.levels.target,
            "score": self.score,
            "components": {name: float(value) for name, value in self.points.items()},
            "reason": self.reason,
            "weights": self.weights,
            "left_out": list(self.left_out),
            "atr": self.atr,
            "risk_reward": self.levels.risk_reward,
            "position_size_pct": self.size.position_pct,
            "max_risk_pct": self.size.risk_pct,
        }


@dataclass(frozen=True)
class HeldBack:
    """Why a candidate is no signal."""

    reason: Reason
    score: Decimal


def judge(strategy: Strategy, candidate: Candidate, tick: Decimal | None, terms: Terms) -> Judged | HeldBack:
    """What a candidate is worth under the terms, or why it is held back.

    Guarantees: the same arguments give the same answer.
    """
    assessment = strategy.assess(candidate)
    parts = points(assessment.components)
    total = score(parts)
    if total < terms.min_score:
        return HeldBack(Reason.SCORE_BELOW_THRESHOLD, total)
    levels = levels_of(strategy, candidate, tick)
    if levels is None:
        return HeldBack(Reason.RISK_BELOW_TICK, total)
    return Judged(
        parts,
        weights(assessment.components),
        left_out(assessment.components),
        assessment.words,
        levels,
        size_of(levels, terms.risk_pct, terms.max_position_pct),
        candidate.row["atr_14"],
    )


def levels_of(strategy: Strategy, candidate: Candidate, tick: Decimal | None) -> Levels | None:
    """Levels from structure where the strategy finds one, else from ATR; None where rounding leaves no risk."""
    close, found = candidate.row["close"], strategy.structure(candidate)
    if found is not None:
        return structure_levels(candidate.direction, close, found, tick)
    multiples = (strategy.stop_atr, strategy.target_atr)
    return atr_levels(candidate.direction, close, candidate.row["atr_14"], multiples, tick)
