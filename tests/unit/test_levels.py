"""Levels from ATR: in order or not at all, on the tick, and rounded so that the ratio is never flattered."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signalhub.domain.signal import Direction, Levels
from signalhub.signals.levels import atr_levels

MULTIPLES = (1.0, 2.0)
DIRECTIONS = st.sampled_from(list(Direction))
# From a meme coin in BTC to an index in yen.
PRICES = st.floats(1e-12, 1e9, allow_nan=False)
# Risk as a share of the price: from what no tick can show to more than the price itself.
SHARES = st.floats(1e-9, 1.2, allow_nan=False)
TICKS = st.sampled_from([Decimal(text) for text in ("1", "0.5", "0.25", "0.05", "0.01", "0.00001", "0.00000001")])


def exact_levels(direction: Direction, close: float, atr: float) -> tuple[Fraction, Fraction]:
    """Stop and target before rounding. The shortest text of a float is the price that the feed sent."""
    price, risk = Fraction(repr(close)), Fraction(repr(atr))
    return price - direction.sign * risk, price + direction.sign * 2 * risk


def significant_digits(price: Decimal) -> int:
    return len(price.normalize().as_tuple().digits)


@given(direction=DIRECTIONS, close=PRICES, share=SHARES, tick=st.none() | TICKS)
@example(direction=Direction.LONG, close=1e9, share=1e-9, tick=Decimal("0.00000001"))
def test_levels_are_in_order_or_there_are_none(
    direction: Direction, close: float, share: float, tick: Decimal | None
) -> None:
    levels = atr_levels(direction, close, close * share, MULTIPLES, tick)
    if levels is not None:
        sign = direction.sign
        assert sign * levels.stop < sign * levels.entry < sign * levels.target
        assert min(levels.stop, levels.target) > 0


@given(direction=DIRECTIONS, close=PRICES, share=SHARES, tick=TICKS)
def test_every_level_lies_on_the_tick(direction: Direction, close: float, share: float, tick: Decimal) -> None:
    levels = atr_levels(direction, close, close * share, MULTIPLES, tick)
    if levels is not None:
        assert all(Fraction(level) % Fraction(tick) == 0 for level in (levels.entry, levels.stop, levels.target))


@given(direction=DIRECTIONS, close=PRICES, share=SHARES, tick=TICKS)
def test_the_stop_is_rounded_away_from_entry_and_the_target_towards_it_by_less_than_a_tick(
    direction: Direction, close: float, share: float, tick: Decimal
) -> None:
    levels = atr_levels(direction, close, close * share, MULTIPLES, tick)
    if levels is not None:
        stop, target = exact_levels(direction, close, close * share)
        assert 0 <= direction.sign * (stop - Fraction(levels.stop)) < Fraction(tick)
        assert 0 <= direction.sign * (target - Fraction(levels.target)) < Fraction(tick)
        assert abs(Fraction(levels.entry) - Fraction(repr(close))) <= Fraction(tick) / 2


@given(direction=DIRECTIONS, close=PRICES, share=SHARES)
def test_without_a_tick_levels_have_the_decimals_of_an_entry_of_ten_significant_digits(
    direction: Direction, close: float, share: float
) -> None:
    levels = atr_levels(direction, close, close * share, MULTIPLES, None)
    if levels is not None:
        assert significant_digits(levels.entry) <= 10
        last_digit = Decimal(repr(close)).adjusted() - 9
        exponents = [level.normalize().as_tuple().exponent for level in (levels.entry, levels.stop, levels.target)]
        assert all(isinstance(exponent, int) and exponent >= last_digit for exponent in exponents)


@given(close=st.floats(1e-9, 1e9, allow_nan=False), share=st.floats(0.001, 0.9))
def test_a_risk_that_can_be_seen_without_a_tick_always_gives_levels_for_a_long(close: float, share: float) -> None:
    assert atr_levels(Direction.LONG, close, close * share, MULTIPLES, None) is not None


@pytest.mark.parametrize(
    ("direction", "close", "atr", "tick", "expected"),
    [
        # 100.06 − 0.7 = 99.36 → down to 99.25; 100.06 + 1.4 = 101.46 → down to 101.25; entry to the nearest.
        (Direction.LONG, 100.06, 0.7, "0.25", ("100.00", "99.25", "101.25")),
        # 100.06 + 0.7 = 100.76 → up to 101.00; 100.06 − 1.4 = 98.66 → up to 98.75.
        (Direction.SHORT, 100.06, 0.7, "0.25", ("100.00", "101.00", "98.75")),
        # What lies on the tick stays there.
        (Direction.LONG, 100.0, 1.5, "0.5", ("100.0", "98.5", "103.0")),
        (Direction.SHORT, 100.0, 1.5, "0.5", ("100.0", "101.5", "97.0")),
        # Half a tick between two: to the even one.
        (Direction.LONG, 100.25, 2.0, "0.5", ("100.0", "98.0", "104.0")),
        # Ten significant digits: 1.234567890123 has its tenth at the ninth decimal.
        (Direction.LONG, 1.234567890123, 0.1, None, ("1.234567890", "1.134567890", "1.434567890")),
        (Direction.SHORT, 1.234567890123, 0.1, None, ("1.234567890", "1.334567891", "1.034567891")),
        (Direction.LONG, 2e-11, 1e-12, None, ("2.000000000E-11", "1.900000000E-11", "2.200000000E-11")),
        (Direction.LONG, 5e14, 1e13, None, ("500000000000000", "490000000000000", "520000000000000")),
    ],
)
def test_levels_are_those_worked_out_by_hand(
    direction: Direction, close: float, atr: float, tick: str | None, expected: tuple[str, str, str]
) -> None:
    levels = atr_levels(direction, close, atr, MULTIPLES, None if tick is None else Decimal(tick))
    assert levels == Levels(*map(Decimal, expected))


@pytest.mark.parametrize("direction", Direction)
def test_a_risk_below_the_tick_gives_no_levels(direction: Direction) -> None:
    # The target, a fifth of a tick away, is rounded to the entry.
    assert atr_levels(direction, 100.0, 0.001, MULTIPLES, Decimal("0.01")) is None
    assert atr_levels(direction, 100.0, 0.0, MULTIPLES, Decimal("0.01")) is None


def test_a_level_at_or_below_zero_gives_no_levels() -> None:
    assert atr_levels(Direction.LONG, 1.0, 1.0, MULTIPLES, Decimal("0.01")) is None
    assert atr_levels(Direction.SHORT, 1.0, 0.5, MULTIPLES, Decimal("0.01")) is None


@given(close=PRICES, share=st.floats(0.001, 0.3), multiples=st.tuples(st.floats(0.5, 1.5), st.floats(1.6, 2.5)))
def test_the_multiples_set_the_distances(close: float, share: float, multiples: tuple[float, float]) -> None:
    atr = close * share
    levels = atr_levels(Direction.LONG, close, atr, multiples, None)
    assert levels is not None
    assert float(levels.entry - levels.stop) == pytest.approx(multiples[0] * atr, rel=1e-5)
    assert float(levels.target - levels.entry) == pytest.approx(multiples[1] * atr, rel=1e-5)
