"""Swings, levels, Ichimoku and z-score against slow oracles, and against other people's numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import psycopg
import pytest

from tests.sql.ta_errors import assert_close, cut
from tests.sql.ta_oracles import needs_peers
from tests.sql.ta_peers import load_peer
from tests.sql.ta_relations import Columns, compute, load_history
from tests.sql.ta_series import SERIES, Floats, Series, walk
from tests.sql.ta_trend_forms import for_analysts


def _middle(bars: Series, end: int, period: int) -> float:
    if end < period:
        return float("nan")
    return float((bars.high[end - period : end].max() + bars.low[end - period : end].min()) / 2.0)


def _ichimoku(bars: Series) -> dict[str, list[float]]:
    rows = range(1, len(bars.close) + 1)
    return {
        "ichimoku_tenkan_9": [_middle(bars, n, 9) for n in rows],
        "ichimoku_kijun_26": [_middle(bars, n, 26) for n in rows],
        "ichimoku_senkou_a_9_26": [(_middle(bars, n - 26, 9) + _middle(bars, n - 26, 26)) / 2.0 for n in rows],
        "ichimoku_senkou_b_52": [_middle(bars, n - 26, 52) for n in rows],
        "ichimoku_chikou_26": [bars.close[n - 27] if n > 26 else float("nan") for n in rows],
    }


def _z_scores(close: Floats) -> list[float]:
    windows = [close[n - 20 : n] for n in range(20, len(close) + 1)]
    return [float("nan")] * 19 + [float((w[-1] - w.mean()) / w.std()) for w in windows]


@pytest.mark.parametrize("kind", ["a calm walk", "gaps", "only down", "34 bars, the first MACD"])
def test_ichimoku_and_z_score_equal_a_slow_oracle(connection: psycopg.Connection, kind: str) -> None:
    bars = cut(SERIES[kind], 200)
    load_history(connection, [bars])
    actual = for_analysts(connection)
    for column, values in {**_ichimoku(bars), "zscore_20": _z_scores(bars.close)}.items():
        assert_close(column, actual[column], np.array(values))


def test_senkou_a_is_the_middle_of_tenkan_and_kijun_of_26_bars_earlier(connection: psycopg.Connection) -> None:
    load_history(connection, [walk(120, 91)])
    actual = for_analysts(connection)
    earlier = (actual["ichimoku_tenkan_9"][:-26] + actual["ichimoku_kijun_26"][:-26]) / 2.0
    assert_close("senkou a", actual["ichimoku_senkou_a_9_26"][26:], earlier)


def _levels(
    connection: psycopg.Connection, high: list[float], low: list[float], k: int, tolerance: float
) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT level, touches, from_highs, from_lows, last_bar FROM ta.levels(%s::float8[], %s::float8[], %s, %s)",
        (high, low, k, tolerance),
    ).fetchall()


def test_levels_count_the_touches_within_the_tolerance(connection: psycopg.Connection) -> None:
    # Highs turn at 20.0, 20.1 and 25.0, lows at 10.0, 10.05 and 19.95; one bar on each side.
    high = [15.0, 20.0, 15.0, 18.0, 14.0, 20.1, 20.05, 25.0, 24.0]
    low = [12.0, 13.0, 10.0, 11.0, 10.05, 20.0, 19.95, 21.0, 20.5]
    assert _levels(connection, high, low, 1, 0.01) == [
        (pytest.approx(10.025), 2, 0, 2, 5),
        (18.0, 1, 1, 0, 4),
        (pytest.approx((19.95 + 20.0 + 20.1) / 3), 3, 2, 1, 7),
        (25.0, 1, 1, 0, 8),
    ]
    assert [row[0] for row in _levels(connection, high, low, 1, 0.0)] == [10.0, 10.05, 18.0, 19.95, 20.0, 20.1, 25.0]
    assert [row[1] for row in _levels(connection, high, low, 1, 9.0)] == [7]


def test_levels_leave_out_what_is_not_confirmed_or_not_there(connection: psycopg.Connection) -> None:
    assert _levels(connection, [1.0, 2.0, 3.0], [1.0, 0.5, 0.2], 1, 0.1) == []
    assert _levels(connection, [], [], 1, 0.1) == []
    assert _levels(connection, [5.0] * 9, [5.0] * 9, 2, 0.1) == []
    assert _levels(connection, [1.0, 2.0, 1.0], [1.0, 1.0, 1.0], 0, 0.1) == []
    assert _levels(connection, [1.0, 2.0, 1.0], [1.0, 1.0, 1.0], 1, -0.1) == []
    holey = _levels(connection, [1.0, None, 2.0, 1.0], [1.0, 1.0, 1.0, 1.0], 1, 0.1)  # type: ignore[list-item]
    assert holey == [(2.0, 1, 1, 0, 3)]


@pytest.mark.parametrize("k", [1, 3])
def test_the_touches_of_all_levels_are_the_swings(connection: psycopg.Connection, k: int) -> None:
    bars = cut(SERIES["ticks and ties"], 300)
    rows = _levels(connection, bars.high.tolist(), bars.low.tolist(), k, 0.003)
    inner = range(k, 300 - k)
    around = {bar: [other for other in range(bar - k, bar + k + 1) if other != bar] for bar in inner}
    highs = sum(bars.high[bar] > bars.high[around[bar]].max() for bar in inner)
    lows = sum(bars.low[bar] < bars.low[around[bar]].min() for bar in inner)
    assert (sum(row[2] for row in rows), sum(row[3] for row in rows)) == (highs, lows)
    assert all(low[0] < high[0] for low, high in pairwise(rows))


@needs_peers
def test_ichimoku_equals_stock_indicators(connection: psycopg.Connection) -> None:
    wanted, actual = load_peer(connection, "skender/ichimoku.csv.gz"), for_analysts(connection)
    assert_close("tenkan", actual["ichimoku_tenkan_9"], wanted["exp_tenkanSen"])
    assert_close("kijun", actual["ichimoku_kijun_26"], wanted["exp_kijunSen"])
    assert_close("senkou a", actual["ichimoku_senkou_a_9_26"], wanted["exp_senkouSpanA"])
    assert_close("senkou b", actual["ichimoku_senkou_b_52"], wanted["exp_senkouSpanB"])


@needs_peers
def test_the_lagging_line_and_the_z_score_equal_cinar(connection: psycopg.Connection) -> None:
    wanted, actual = load_peer(connection, "cinar/ichimoku_cloud.csv.gz"), for_analysts(connection)
    np.testing.assert_allclose(actual["ichimoku_chikou_26"][77:], wanted["exp_LaggingLine"][77:], atol=0.0051)
    wanted, actual = load_peer(connection, "cinar/z_score.csv.gz"), for_analysts(connection)
    assert_close("zscore", actual["zscore_20"][19:], wanted["exp_Expected"][19:])


@needs_peers
def test_swings_equal_the_fractal_bands_of_stock_indicators(connection: psycopg.Connection) -> None:
    wanted: Columns = load_peer(connection, "skender/fcb.csv.gz")
    query = "SELECT n, ta.swing_high(high, 2) OVER w AS high, ta.swing_low(low, 2) OVER w AS low FROM history"
    actual = compute(connection, f"{query} WINDOW w AS (ORDER BY n)")
    assert_close("high", actual["high"], wanted["exp_upperBand"])
    assert_close("low", actual["low"], wanted["exp_lowerBand"])
