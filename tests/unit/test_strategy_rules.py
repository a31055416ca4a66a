"""What each strategy proposes, bar by bar: every condition of its rule is needed, and a short mirrors a long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from signalhub.strategies.declared import declared
from tests.unit.strategy_rows import Rows, proposed, turned

STRATEGIES = {strategy.name: strategy for strategy in declared()}
Breaks = dict[str, tuple[float | None, ...]]

LONGS: dict[str, tuple[Rows, Breaks]] = {
    "momentum": (
        {"macd_hist_12_26_9": [-0.1, 0.1], "ema_9": [101, 102], "ema_21": [101, 101], "ema_50": [100, 100],
         "close": [101, 103], "rsi_14": [50, 60], "adx_14": [20, 20]},
        {"macd_hist_12_26_9": (0.1, -0.1), "ema_9": (None, 100.5), "close": (None, 99), "rsi_14": (None, 76),
         "adx_14": (None, 17)},
    ),
    "breakout": (
        {"close": [100, 100, 103], "donchian_upper_20": [102, 102, 103], "donchian_lower_20": [98, 98, 98],
         "volume": [10, 10, 12], "volume_sma_20": [10, 10, 10]},
        {"close": (102.5, 102), "volume": (None, 11.9), "donchian_upper_20": (103.5, None)},
    ),
    "mean_reversion": (
        {"close": [95, 96], "zscore_20": [-2, -1.5], "adx_14": [20, 20], "bb_middle_20_2": [99, 98],
         "atr_14": [2, 2]},
        {"close": (96, 96.5), "zscore_20": (-1.9, None), "adx_14": (None, 25), "bb_middle_20_2": (None, 97.5)},
    ),
    "scalping": (
        {"ema_9": [101, 101], "ema_21": [100, 100], "close": [101, 102], "stoch_k_14_3": [20, 40],
         "stoch_d_14_3_3": [25, 30], "vwap_session": [100, 101], "natr_14": [0.1, 0.1]},
        {"ema_9": (None, 99), "close": (None, 100.5), "stoch_k_14_3": (36, 29), "stoch_d_14_3_3": (19, None),
         "vwap_session": (None, 103), "natr_14": (None, 0.04)},
    ),
    "ma_crossover": (
        {"ema_21": [99, 101], "ema_50": [100, 100], "close": [101, 102], "adx_14": [20, 20]},
        {"ema_21": (100.5, 99.5), "close": (None, 100.5), "adx_14": (None, 14)},
    ),
    "rsi_reversal": (
        {"rsi_14": [25, 31], "close": [98, 99]},
        {"rsi_14": (30, 29), "close": (99, 98)},
    ),
    "bollinger_squeeze": (
        {"bb_upper_20_2": [101, 101, 101.5], "bb_lower_20_2": [99, 99, 99],
         "keltner_upper_20_10_2": [102, 102, 102], "keltner_lower_20_10_2": [98, 98, 98],
         "close": [100, 100, 102], "mom_10": [1, 1, 1]},
        {"close": (101.2, 101), "mom_10": (None, 0), "bb_upper_20_2": (None, 101)},
    ),
    "macd_trend": (
        {"macd_12_26_9": [0, 1], "supertrend_direction_10_3": [1, 1]},
        {"macd_12_26_9": (0.5, 0), "supertrend_direction_10_3": (None, -1)},
    ),
    "volume_breakout": (
        {"close": [100, 104], "keltner_upper_20_10_2": [103, 103], "keltner_lower_20_10_2": [97, 97],
         "high": [101, 105], "low": [99, 100], "volume": [10, 20], "volume_sma_20": [10, 10]},
        {"close": (103.5, 102.5), "volume": (None, 19), "volume_sma_20": (0, None), "high": (None, 107)},
    ),
    "trend_pullback": (
        {"close": [100, 103], "ema_20": [101, 102], "ema_50": [100, 100], "adx_14": [20, 20], "rsi_14": [50, 55]},
        {"close": (101.5, 101.5), "ema_50": (None, 102.5), "adx_14": (None, 17), "rsi_14": (None, 66)},
    ),
    "composite": (
        {"close": [100, 103], "swing_high_5": [102, 102], "swing_low_5": [98, 98]},
        {"close": (102.5, 102), "swing_high_5": (103.5, None)},
    ),
}  # fmt: skip
"""Strategy → bars whose last one is a long, and values of the bar before and of the last one that prevent it each."""


def broken() -> Iterator[tuple[str, str, int, float]]:
    for name, (_, breaks) in LONGS.items():
        for column, values in breaks.items():
            for bars_before, value in zip((1, 0), values, strict=True):
                if value is not None:
                    yield name, column, bars_before, value


def test_every_strategy_but_the_one_that_votes_is_looked_at() -> None:
    assert set(STRATEGIES) - set(LONGS) == {"confluence"}


@pytest.mark.parametrize("name", LONGS)
def test_where_all_conditions_hold_it_is_a_long_and_turned_round_a_short(name: str) -> None:
    rows, _ = LONGS[name]
    assert proposed(STRATEGIES[name], rows) == (True, False)
    assert proposed(STRATEGIES[name], turned(rows)) == (False, True)


@pytest.mark.parametrize(("name", "column", "bars_before", "value"), list(broken()))
def test_where_one_condition_fails_there_is_nothing(name: str, column: str, bars_before: int, value: float) -> None:
    rows = dict(LONGS[name][0])
    values = list(rows[column])
    values[-1 - bars_before] = value
    rows[column] = values
    assert proposed(STRATEGIES[name], rows) == (False, False)
    assert proposed(STRATEGIES[name], turned(rows)) == (False, False)


def test_a_squeeze_is_remembered_for_five_bars_and_no_longer() -> None:
    rows = dict(LONGS["bollinger_squeeze"][0])
    for bars, expected in ((5, True), (6, False)):
        # Squeezed once, then wide for all but the last bars.
        count = bars + 1
        upper = [101.0] + [103.0] * (bars - 1) + [103.5]
        long = {name: [values[-1]] * count for name, values in rows.items()}
        long |= {"bb_upper_20_2": upper, "bb_lower_20_2": [99.0] + [97.0] * bars, "close": [100.0] * bars + [104.0]}
        assert proposed(STRATEGIES["bollinger_squeeze"], long) == (expected, False)


def test_a_scalp_without_a_session_price_is_one_all_the_same() -> None:
    rows = dict(LONGS["scalping"][0]) | {"vwap_session": [None, None]}
    assert proposed(STRATEGIES["scalping"], rows) == (True, False)
    assert proposed(STRATEGIES["scalping"], turned(rows)) == (False, True)


@pytest.mark.parametrize("volume", [0.0, 10.0])
def test_a_market_without_volume_breaks_out_but_not_by_volume(volume: float) -> None:
    silent = {"volume": [volume] * 3, "volume_sma_20": [0.0] * 3}
    assert proposed(STRATEGIES["breakout"], dict(LONGS["breakout"][0]) | silent) == (True, False)
    quiet = {name: values[-2:] for name, values in silent.items()}
    assert proposed(STRATEGIES["volume_breakout"], dict(LONGS["volume_breakout"][0]) | quiet) == (False, False)
