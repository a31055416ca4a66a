"""Scoring: components to points, points to the score. The points stored add up to the score exactly."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from signalhub.strategies.base import Component

_CENT = Decimal("0.01")


def points(components: Sequence[Component]) -> dict[str, Decimal]:
    """The points of each component, in hundredths, out of 100 for all.

    What an instrument lacks (value None) is left out and the other weights take its place.
    """
    present = [(component, component.value) for component in components if component.value is not None]
    total = sum(component.weight for component, _ in present)
    return {
        component.name: Decimal(repr(component.weight / total * 100.0 * value)).quantize(_CENT)
        for component, value in present
    }


def score(parts: dict[str, Decimal]) -> Decimal:
    """The score, 0 to 100: the sum of the points."""
    return min(sum(parts.values(), Decimal(0)), Decimal(100))
