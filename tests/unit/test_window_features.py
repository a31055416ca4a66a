"""Window features: a fixed window in, numbers of its last bar out, and nothing that is not finite."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as drawn_arrays
from talib import abstract

from signalhub.indicators.window_features import FEATURES, PATTERNS, SUMMED, Floats, Window, features
from signalhub.snapshot import WINDOW_BARS

COLUMNS = ("open", "high", "low", "close", "volume")
BOUNDS = {"angle_20": (-90, 90), "correl_20": (-1, 1), "imi_14": (0, 100), "bop": (-1, 1)}
NEUTRAL = {name: 50.0 if name == "imi_14" else 0.0 for name in FEATURES}
MARKET_BARS = 400_000
"""So many that each of the 61 patterns occurs."""


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


def test_a_window_refuses_arrays_that_are_empty_or_differ_in_length() -> None:
    values = arrays()
    with pytest.raises(ValueError, match="differ in length"):
        Window(**{**values, "volume": values["volume"][1:]})
    with pytest.raises(ValueError, match="empty"):
        Window(**{name: array[:0] for name, array in values.items()})


def test_features_are_finite_numbers_and_the_same_each_time() -> None:
    first = features(Window(**arrays()))
    assert set(first) == set(FEATURES) == {"candles", "slope_20", *BOUNDS, *PATTERNS}
    assert len(first) == len(FEATURES) == 67
    assert all(np.isfinite(value) for value in first.values())
    assert features(Window(**arrays())) == first


def test_what_is_no_feature_is_not_there() -> None:
    assert "HT_TRENDMODE" not in features(Window(**arrays()))
    with pytest.raises(KeyError, match="HT_TRENDMODE"):
        features(Window(**arrays()))["HT_TRENDMODE"]


@st.composite
def odd_windows(draw: st.DrawFn) -> Window:
    """Any finite numbers, far too large and far too small ones among them; flats; gaps; no order of high and low."""
    scale = draw(st.sampled_from([1e-320, 1e-150, 1e-9, 1.0, 1e9, 1e150, 1e307]))
    values = st.one_of(
        st.sampled_from([0.0, 1.0, -1.0, 5e-324, 2.0, 1.7e308 / max(scale, 1.0)]), st.floats(0.5, 2), st.floats(-10, 10)
    )
    bars = draw(st.sampled_from([WINDOW_BARS, WINDOW_BARS, 1, 2, 13, 14, 15, 19, 20, 21]))
    columns = {name: draw(drawn_arrays(float, bars, elements=values, fill=st.just(1.0))) * scale for name in COLUMNS}
    if draw(st.booleans()):
        prices = np.array([columns[name] for name in ("open", "high", "low", "close")])
        columns |= {"high": prices.max(axis=0), "low": prices.min(axis=0)}
    return Window(**columns)


@given(odd_windows())
def test_nothing_that_is_not_finite_comes_out_of_any_window(window: Window) -> None:
    found = features(window)
    assert all(isinstance(value, float) and math.isfinite(value) for value in found.values())
    assert all(low <= found[name] <= high for name, (low, high) in BOUNDS.items())
    assert {found[pattern] for pattern in PATTERNS} <= {-2.0, -1.0, -0.8, 0.0, 0.8, 1.0, 2.0}


@pytest.mark.parametrize("bars", [1, 2])
def test_a_window_too_short_is_neutral_but_for_where_its_last_body_lies(bars: int) -> None:
    found = dict(features(Window(**{name: array[:bars] for name, array in arrays().items()})))
    assert found.pop("bop") != 0.0
    assert found == {name: value for name, value in NEUTRAL.items() if name != "bop"}


def test_a_flat_window_is_neutral_but_for_dojis_of_four_equal_prices() -> None:
    flat = np.full(WINDOW_BARS, 100.0)
    found = features(Window(flat, flat, flat, flat, np.zeros(WINDOW_BARS)))
    differing = {name for name, value in found.items() if value != NEUTRAL[name]}
    assert "CDLDOJI" in differing
    assert all("DOJI" in name or name == "CDLRICKSHAWMAN" for name in differing), differing


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


def test_the_patterns_are_all_that_ta_lib_has() -> None:
    # Without types, as all of it.
    groups: dict[str, list[str]] = getattr(talib, "get_function_groups")()  # noqa: B009
    assert sorted(PATTERNS) == sorted(groups["Pattern Recognition"])
    assert len(PATTERNS) == 61
    assert set(SUMMED) < set(PATTERNS)


def test_the_sum_of_candles_is_that_of_its_patterns() -> None:
    for seed in range(20):
        found = features(Window(**arrays(seed)))
        assert found["candles"] == pytest.approx(sum(found[name] for name in SUMMED), abs=1e-12)


def market() -> dict[str, Floats]:
    """Bars in eighths, so that sums are exact: dojis, long bodies, missing shadows, gaps and runs, each kind often."""
    rng = np.random.default_rng(0)
    body = rng.choice([0, 1, 2, 5, 12, 30], MARKET_BARS) * rng.choice([-1, 1], MARKET_BARS)
    runs = np.repeat(rng.choice([-1, 1], MARKET_BARS // 3 + 1), 3)[:MARKET_BARS]
    body = np.where(rng.random(MARKET_BARS) < 0.6, np.abs(body) * runs, body)
    gap = rng.choice([0, 0, 0, 1, -1, 3, -3, 8, -8], MARKET_BARS)
    against = -np.sign(body) * rng.choice([1, 2, 3, 6, 12], MARKET_BARS)
    step = body + np.where(rng.random(MARKET_BARS) < 0.4, against, gap)
    close = 1_000_000 + np.cumsum(step)
    shadows = [rng.choice([0, 0, 0, 1, 3, 8, 20], MARKET_BARS) for _ in range(2)]
    high, low = np.maximum(close - body, close) + shadows[0], np.minimum(close - body, close) - shadows[1]
    values = {"open": close - body, "high": high, "low": low, "close": close}
    return {name: array / 8.0 for name, array in values.items()} | {"volume": np.ones(MARKET_BARS)}


@cache
def found_in_the_market() -> tuple[dict[str, Floats], dict[str, Floats]]:
    """The market, and each pattern over all of it in one go."""
    values = market()
    ohlc = [values[name] for name in ("open", "high", "low", "close")]
    return values, {pattern: getattr(talib, pattern)(*ohlc) / 100.0 for pattern in PATTERNS}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_of_the_window_is_that_of_the_whole_history(pattern: str) -> None:
    """Nothing before the window is looked at: what TA-Lib finds over 400,000 bars, the last 60 of them show."""
    values, found = found_in_the_market()
    places = np.flatnonzero(found[pattern][WINDOW_BARS:])[:20] + WINDOW_BARS
    assert places.size, "the market never shows it"
    for place in (*places, *np.random.default_rng(1).integers(WINDOW_BARS, MARKET_BARS, 20)):
        window = Window(**{name: array[place - WINDOW_BARS + 1 : place + 1] for name, array in values.items()})
        assert features(window)[pattern] == found[pattern][place]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_looks_back_fifteen_bars_at_most(pattern: str) -> None:
    # Made by TA-Lib at run time, so that no type checker knows of it.
    assert getattr(abstract, "Function")(pattern).lookback <= 14  # noqa: B009
