"""Window features: a fixed window in, numbers of its last bar out, and nothing that is not finite."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from talib import abstract

from signalhub.indicators.window_features import PATTERNS, Floats, Window, features
from signalhub.snapshot import WINDOW_BARS

COLUMNS = ("open", "high", "low", "close", "volume")


def arrays(seed: int = 1, bars: int = WINDOW_BARS) -> dict[str, Floats]:
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, bars)))
    open_ = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(open_, close) * (1 + np.abs(rng.normal(0, 0.004, bars)))
    low = np.minimum(open_, close) * (1 - np.abs(rng.normal(0, 0.004, bars)))
    return {"open": open_, "high": high, "low": low, "close": close, "volume": rng.random(bars) * 10}


def with_bars(values: dict[str, Floats], *last: tuple[float, float, float, float]) -> Window:
    """The window whose last bars are these (open, high, low, close)."""
    count = len(last)
    ends = dict(zip(("open", "high", "low", "close"), np.array(last).T, strict=True))
    changed: dict[str, Any] = {name: np.concatenate([values[name][:-count], end]) for name, end in ends.items()}
    return Window(**changed, volume=values["volume"])


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_window_refuses_what_is_not_finite(column: str, value: float) -> None:
    values = arrays()
    values[column][7] = value
    with pytest.raises(ValueError, match="not finite"):
        Window(**values)


def test_features_are_finite_numbers_and_the_same_each_time() -> None:
    first = features(Window(**arrays()))
    assert set(first) == {"candles", "slope_20"}
    assert all(np.isfinite(value) for value in first.values())
    assert features(Window(**arrays())) == first


@pytest.mark.parametrize("seed", range(40))
def test_only_the_last_bars_matter(seed: int) -> None:
    """What lies further back than any pattern or the slope looks changes nothing.

    To 1e-9: TA-Lib's running sums carry rounding from the window's start, which is why its length is fixed.
    """
    values, others = arrays(seed), arrays(seed + 1000)
    mixed: dict[str, Any] = {
        name: np.concatenate([others[name][: WINDOW_BARS - 30], values[name][WINDOW_BARS - 30 :]]) for name in COLUMNS
    }
    assert features(Window(**mixed)) == pytest.approx(features(Window(**values)), rel=1e-9, abs=1e-9)


def test_the_last_bar_matters() -> None:
    values = arrays()
    jump = values["close"][-1] * 2
    changed = with_bars(values, (values["open"][-1], jump, values["low"][-1], jump))
    assert features(changed)["slope_20"] > features(Window(**values))["slope_20"]


def test_the_slope_is_that_of_a_straight_line() -> None:
    line = np.array([100.0 + 0.5 * number for number in range(WINDOW_BARS)])
    window = Window(line, line, line, line, np.ones(WINDOW_BARS))
    assert features(window)["slope_20"] == pytest.approx(0.5, rel=1e-9)


def test_candles_count_up_for_bulls_and_down_for_bears() -> None:
    values = arrays()
    base = values["close"][-3]
    small, large = base * 0.002, base * 0.05
    falls_then_engulfs = with_bars(
        values,
        (base, base + small / 2, base - 1.5 * small, base - small),
        (base - 2 * small, base + large, base - 2 * small, base + large),
    )
    rises_then_engulfs = with_bars(
        values,
        (base, base + 1.5 * small, base - small / 2, base + small),
        (base + 2 * small, base + 2 * small, base - large, base - large),
    )
    assert features(falls_then_engulfs)["candles"] >= 1
    assert features(rises_then_engulfs)["candles"] <= -1


def test_every_pattern_is_one_of_ta_lib_and_fits_into_the_window() -> None:
    for pattern in PATTERNS:
        # Made by TA-Lib at run time, so that no type checker knows of it.
        assert getattr(abstract, "Function")(pattern).lookback < WINDOW_BARS - 30  # noqa: B009
