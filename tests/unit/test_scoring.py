"""Points and score: what is stored adds up, and what an instrument lacks is carried by the other components."""

from __future__ import annotations

from decimal import Decimal
from math import fsum

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signalhub.signals.scoring import points, score
from signalhub.strategies.base import Component

SHARES = st.floats(0.0, 1.0)
WEIGHTS = st.floats(0.5, 60.0)
CENT = Decimal("0.01")


@st.composite
def some_components(draw: st.DrawFn, *, may_lack: bool = True) -> list[Component]:
    values = st.none() | SHARES if may_lack else SHARES
    pairs = draw(st.lists(st.tuples(WEIGHTS, values), min_size=1, max_size=9))
    return [Component(f"part {number}", weight, value) for number, (weight, value) in enumerate(pairs)]


@given(some_components())
@example([Component(str(number), 1.0, 1.0) for number in range(6)])
@example([Component(str(number), 1.0, 1.0) for number in range(3)])
def test_the_points_add_up_to_the_score_exactly_and_the_score_is_from_0_to_100(parts: list[Component]) -> None:
    given_points = points(parts)
    assert sum(given_points.values(), Decimal(0)) == score(given_points)
    assert 0 <= score(given_points) <= 100


@given(some_components())
def test_points_are_whole_hundredths_and_never_negative(parts: list[Component]) -> None:
    for value in points(parts).values():
        assert value >= 0
        assert value == value.quantize(CENT)


@given(some_components())
def test_the_score_is_the_weighted_mean_of_what_is_there(parts: list[Component]) -> None:
    there = [(part.weight, part.value) for part in parts if part.value is not None]
    weight = fsum(weight for weight, _ in there)
    mean = 100 * fsum(weight * value for weight, value in there) / weight if there else 0.0
    # A hundredth is what rounding the total may cost, whatever the number of components.
    assert float(score(points(parts))) == pytest.approx(mean, abs=0.01)


@given(some_components(may_lack=False), WEIGHTS)
def test_a_component_that_is_missing_changes_nothing(parts: list[Component], weight: float) -> None:
    assert points([*parts, Component("missing", weight, None)]) == points(parts)


@given(some_components(may_lack=False), st.integers(1, 6))
def test_only_the_ratio_of_weights_matters(parts: list[Component], doublings: int) -> None:
    # A power of two, so that the shares are the same to the last bit.
    heavier = [Component(part.name, part.weight * 2**doublings, part.value) for part in parts]
    assert points(heavier) == points(parts)


def test_points_are_those_worked_out_by_hand() -> None:
    parts = [
        Component("trend", 30, 0.5),
        Component("momentum", 25, 1.0),
        Component("strength", 20, 0.25),
        Component("volume", 15, None),
        Component("candles", 10, 0.0),
    ]
    # Of 85 weights: 15 / 85 = 17.647 %, 25 / 85 = 29.412 %, 5 / 85 = 5.882 %, 45 / 85 = 52.941 % in all.
    by_name = points(parts)
    assert list(by_name) == ["trend", "momentum", "strength", "candles"]
    assert [float(value) for value in by_name.values()] == pytest.approx([17.647, 29.412, 5.882, 0.0], abs=0.01)
    assert score(by_name) == Decimal("52.94")


def test_nothing_at_all_scores_nothing() -> None:
    assert points([Component("volume", 25, None)]) == {}
    assert score({}) == 0
