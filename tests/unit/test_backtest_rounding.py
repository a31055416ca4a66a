"""Rounding without decimals gives what the decimal rules of scores and levels give, to the bit."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalhub.domain.signal import Direction
from signalhub.performance.rounding import hundredths, rounded_levels
from signalhub.signals.levels import atr_levels

TICKS = (None, *(Decimal(text) for text in ("0.01", "0.05", "0.25", "1", "2.5", "1e-8", "0.00000001", "5E+1", "1e-25")))
PRICES = st.one_of(
    st.integers(1, 10**9).map(lambda ticks: ticks / 100),
    st.floats(1e-6, 1e7),
    st.sampled_from([1.0, 10.0, 100.0, 0.1, 0.01, 99999.99999999999, 0.9999999999999999, 1e-5, 1e6]),
)
SHARES = st.one_of(
    st.floats(0, 100),
    st.integers(0, 200_000).map(lambda halves: halves / 2000),
    st.integers(0, 10_000).map(lambda n: n / 100),
)


@given(values=st.lists(SHARES, min_size=1, max_size=30))
def test_hundredths_are_those_of_the_shortest_text_rounded_half_to_even(values: list[float]) -> None:
    expected = [Decimal(repr(value)).quantize(Decimal("0.01")) * 100 for value in values]
    assert hundredths(np.array(values)).tolist() == [int(one) for one in expected]


@given(
    rows=st.lists(
        st.tuples(PRICES, st.floats(1e-5, 0.5), st.sampled_from([1, -1]), st.integers(0, len(TICKS) - 1)),
        min_size=1,
        max_size=40,
    ),
    multiples=st.tuples(st.sampled_from([0.5, 1.0, 1.1, 1.5, 3.0]), st.sampled_from([0.3, 1.0, 2.0, 2.2, 7.0])),
)
def test_levels_are_those_of_the_rule_wherever_floats_are_sure(
    rows: list[tuple[float, float, int, int]], multiples: tuple[float, float]
) -> None:
    close = np.array([price for price, *_ in rows])
    atr = np.array([price * share for price, share, *_ in rows])
    signs, ids = np.array([sign for *_, sign, _ in rows]), np.array([tick for *_, tick in rows], dtype=np.int32)
    found = rounded_levels(signs, close, atr, multiples, ids, dict(enumerate(TICKS)))
    for index in range(len(rows)):
        if found.is_unsure[index]:
            continue
        direction = Direction.LONG if signs[index] > 0 else Direction.SHORT
        levels = atr_levels(direction, float(close[index]), float(atr[index]), multiples, TICKS[ids[index]])
        assert bool(found.is_in_order[index]) == (levels is not None)
        if levels is not None:
            assert (found.entry[index], found.stop[index], found.target[index]) == (
                *(float(level) for level in (levels.entry, levels.stop, levels.target)),
            )
            assert found.risk[index] == float(abs(levels.entry - levels.stop))


@pytest.mark.parametrize("tick", [Decimal("0.01"), None])
def test_floats_are_sure_of_nearly_all(tick: Decimal | None) -> None:
    random = np.random.default_rng(5)
    close = np.round(random.lognormal(4, 2, 20_000), 4)
    atr, signs = close * random.uniform(0.001, 0.05, len(close)), random.choice([-1, 1], len(close))
    found = rounded_levels(signs, close, atr, (1.0, 2.0), np.zeros(len(close), dtype=np.int32), {0: tick})
    assert found.is_unsure.mean() < 0.02


def test_a_tie_is_left_to_the_decimal_rule() -> None:
    # 0.125 is half of a hundredth away from both, and 1.005 as a float lies below its text.
    assert hundredths(np.array([0.125, 1.005, 2.675, 99.995])).tolist() == [12, 100, 268, 10000]
    found = rounded_levels(
        np.array([1]),
        np.array([100.125]),
        np.array([1.0]),
        (1.0, 2.0),
        np.array([0], dtype=np.int32),
        {0: Decimal("0.25")},
    )
    assert found.is_unsure[0]
