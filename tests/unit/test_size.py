"""Suggested size, levels from structure, and the best of a cycle: worked out by hand, and what holds for all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalhub.domain.signal import Direction, Evaluation, Levels, SignalDraft, Size
from signalhub.signals.evaluate import mark_best
from signalhub.signals.levels import size_of, structure_levels

CLOSE = datetime(2026, 1, 2, tzinfo=UTC)
LEVELS = Levels(Decimal(100), Decimal(98), Decimal(104))


def sized(stop: str, risk_pct: str = "1", most: str = "100") -> tuple[Decimal, Decimal]:
    size = size_of(Levels(Decimal(100), Decimal(stop), Decimal(110)), Decimal(risk_pct), Decimal(most))
    return size.position_pct, size.risk_pct


def test_sizes_are_those_worked_out_by_hand() -> None:
    # The stop is 2 % away: half of the equity loses 1 % of it.
    assert sized("98") == (Decimal("50.00"), Decimal("1.0000"))
    assert sized("98", risk_pct="0.5") == (Decimal("25.00"), Decimal("0.5000"))
    # A third: rounded down, and what that costs is said exactly.
    assert sized("97") == (Decimal("33.33"), Decimal("0.9999"))
    # A stop so near that the position would be five times the equity.
    assert sized("99.8") == (Decimal("100.00"), Decimal("0.2000"))
    assert sized("99.8", most="500") == (Decimal("500.00"), Decimal("1.0000"))


PRICES = st.decimals("0.01", "100000", places=2)


@given(PRICES, PRICES, st.decimals("0.01", "100", places=2), st.decimals("1", "1000", places=0))
def test_the_stop_never_costs_more_than_it_may(entry: Decimal, stop: Decimal, risk: Decimal, most: Decimal) -> None:
    if entry == stop:
        return
    size = size_of(Levels(entry, stop, 2 * entry), risk, most)
    cost = size.position_pct * abs(entry - stop) / entry
    assert 0 <= size.position_pct <= most
    assert cost <= risk
    assert abs(cost - size.risk_pct) <= Decimal("0.00005")


@pytest.mark.parametrize(
    ("direction", "found", "expected"),
    [
        (Direction.LONG, (97.128, 105.119), ("97.12", "105.11")),
        (Direction.SHORT, (103.121, 95.122), ("103.13", "95.13")),
        # The wrong way round, nowhere, or beyond zero.
        (Direction.LONG, (101.0, 105.0), None),
        (Direction.LONG, (97.0, 99.0), None),
        (Direction.SHORT, (103.0, -1.0), None),
        (Direction.LONG, (float("nan"), 105.0), None),
        (Direction.LONG, (99.999, 100.001), None),
    ],
)
def test_levels_from_structure_are_rounded_and_checked_like_all(
    direction: Direction, found: tuple[float, float], expected: tuple[str, str] | None
) -> None:
    levels = structure_levels(direction, 100.0, found, Decimal("0.01"))
    assert (levels and (str(levels.stop), str(levels.target))) == expected


def test_risk_reward_is_rounded_half_up() -> None:
    assert Levels(Decimal(100), Decimal(97), Decimal(105)).risk_reward == Decimal("1.6667")
    assert Levels(Decimal(100), Decimal(104), Decimal(92)).risk_reward == Decimal("2.0000")


def draft(instrument_id: int, score: str, direction: Direction = Direction.LONG) -> SignalDraft:
    return SignalDraft(
        *(instrument_id, CLOSE, CLOSE, direction, LEVELS, Decimal(score), {}, "up", CLOSE, "{}", "0" * 64),
        atr=1.0,
        size=Size(Decimal(1), Decimal(1)),
        weights={},
    )


def marks(by_strategy: list[list[Evaluation]]) -> list[list[bool | None]]:
    return [[one.is_best for one in evaluations[0].signals] for evaluations in by_strategy]


def cycle() -> list[list[Evaluation]]:
    return [
        [Evaluation(CLOSE, signals=[draft(1, "60"), draft(2, "80")])],
        [Evaluation(CLOSE)],
        [Evaluation(CLOSE, signals=[draft(1, "80"), draft(1, "70", Direction.SHORT)])],
    ]


@pytest.mark.parametrize(
    ("best_n", "expected"),
    [
        (0, [[None, None], [], [None, None]]),
        # Equal scores: the strategy that is named first.
        (1, [[False, True], [], [False, False]]),
        (2, [[False, True], [], [True, False]]),
        (3, [[False, True], [], [True, True]]),
        (9, [[True, True], [], [True, True]]),
    ],
)
def test_the_best_of_a_cycle_are_marked_over_all_strategies(best_n: int, expected: list[list[bool | None]]) -> None:
    found = cycle()
    mark_best(found, best_n)
    assert marks(found) == expected


def test_marking_changes_nothing_else() -> None:
    found, before = cycle(), cycle()
    mark_best(found, 2)
    for evaluations, plain in zip(found, before, strict=True):
        assert [replace(one, is_best=None) for one in evaluations[0].signals] == plain[0].signals
