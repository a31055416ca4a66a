"""Splits: one old share becomes `ratio` new ones, and what that makes of prices before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from fractions import Fraction
from itertools import accumulate, pairwise

_CLOSENESS = 1e-5
"""How far a ratio in a file may be from the true one: factors are printed with six digits or so."""
_SMALLER_SIDE = 20
"""7:1, 3:2, 21:20, 1:1000: the smaller side of a split is a small number."""


@dataclass(frozen=True, order=True)
class SplitDay:
    """A split as a file tells it: after the close of `last_day` one share became `ratio` ones."""

    last_day: date
    ratio: float


@dataclass(frozen=True, order=True)
class Split:
    """A split as it is stored: bars from `effective_at` on, a UTC midnight, are in new shares."""

    effective_at: datetime
    ratio: float


@dataclass(frozen=True)
class Adjustment:
    """By what raw prices of [from_at, to_at) are multiplied to be in today's shares; None is for ever."""

    from_at: datetime | None
    to_at: datetime | None
    price_factor: float


def adjustments(splits: Iterable[Split]) -> list[Adjustment]:
    """The spans between splits, ascending, without a hole; none where there is no split.

    Guarantees: a factor hangs on the splits after its span only, and is exactly 1 after the last one.
    """
    ordered = sorted(splits)
    if not ordered:
        return []
    shares = [*accumulate((split.ratio for split in reversed(ordered)), lambda so_far, ratio: so_far * ratio)]
    edges = [None, *(split.effective_at for split in ordered), None]
    factors = [*(1.0 / share for share in reversed(shares)), 1.0]
    return [Adjustment(begin, end, factor) for (begin, end), factor in zip(pairwise(edges), factors, strict=True)]


def plain_ratio(ratio: float) -> float:
    """The ratio of small whole numbers that a rounded one stands for: 6.9999972 is 7; itself where there is none."""
    for side in range(1, _SMALLER_SIDE + 1):
        plain = Fraction(round(ratio * side), side) if ratio >= 1 else Fraction(side, round(side / ratio))
        if abs(float(plain) / ratio - 1.0) <= _CLOSENESS:
            return float(plain)
    return ratio


def midnight(day: date) -> datetime:
    """00:00 UTC of a day."""
    return datetime.combine(day, time(), UTC)
