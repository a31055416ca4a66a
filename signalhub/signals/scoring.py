"""Scoring: components to points, points to the score. The points stored add up to the score exactly."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate, pairwise

from signalhub.strategies.base import Component

_CENT = Decimal("0.01")


def points(components: Sequence[Component]) -> dict[str, Decimal]:
    """The points of each component, in hundredths, out of 100 for all.

    What an instrument lacks (value None) is left out and the other weights take its place.
    """
    present = [(component, component.value) for component in components if component.value is not None]
    total = sum(component.weight for component, _ in present)
    shares = [component.weight / total * 100.0 * value for component, value in present]
    # The running total is rounded, not each share: six sixths of 100 are 100.00, not 100.02.
    reached = [Decimal(repr(share)).quantize(_CENT) for share in accumulate(shares, initial=0.0)]
    parts = (after - before for before, after in pairwise(reached))
    return {component.name: part for (component, _), part in zip(present, parts, strict=True)}


def score(parts: dict[str, Decimal]) -> Decimal:
    """The score, 0 to 100: the sum of the points."""
    return sum(parts.values(), Decimal(0))


def weights(components: Sequence[Component]) -> dict[str, float]:
    """The weights, as the strategy gives them, of the components that the instrument had."""
    return {component.name: float(component.weight) for component in components if component.value is not None}


def left_out(components: Sequence[Component]) -> tuple[str, ...]:
    """The components that the instrument lacked."""
    return tuple(component.name for component in components if component.value is None)
