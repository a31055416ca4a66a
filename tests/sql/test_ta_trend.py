"""The trend families of schema `ta` give TA-Lib's numbers from TA-Lib's first row on."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest
import talib

from tests.sql.ta_errors import DECAYED, assert_close, cut, scaled
from tests.sql.ta_relations import compute, load_history
from tests.sql.ta_series import FLAT_TAIL, SERIES, Series, walk
from tests.sql.ta_trend_forms import BARS, expected, for_analysts, for_the_store, opens

DECAYING = ("plus_di_14", "minus_di_14")


@pytest.mark.parametrize("name", SERIES)
def test_every_trend_indicator_of_our_own_compute_equals_talib(connection: psycopg.Connection, name: str) -> None:
    bars = scaled(SERIES[name])
    load_history(connection, [bars])
    actual, wanted = for_the_store(connection), expected(bars)
    assert actual.keys() >= wanted.keys()
    for column, values in wanted.items():
        end = DECAYED if name == FLAT_TAIL and column in DECAYING else None
        assert_close(column, actual[column][:end], values[:end])


@pytest.mark.parametrize("period", [2, 3, 7, 30])
def test_other_periods_equal_talib(connection: psycopg.Connection, period: int) -> None:
    bars = SERIES["ticks and ties"]
    bars = cut(bars, 400)
    load_history(connection, [bars])
    actual = compute(
        connection,
        f"SELECT n, ta.aroon_up(high, low, {period}) OVER w AS up, ta.aroon_down(high, low, {period}) OVER w AS down, "
        f"ta.plus_di(high, low, close, {period}) OVER w AS di, "
        f"ta.vortex_plus(high, low, close, {period}) OVER w AS vi, "
        f"ta.supertrend(high, low, close, {period}, 1.5) OVER w AS line FROM history WINDOW w AS (ORDER BY n)",
    )
    down, up = talib.AROON(bars.high, bars.low, period)
    assert_close("up", actual["up"], up)
    assert_close("down", actual["down"], down)
    assert_close("di", actual["di"], talib.PLUS_DI(bars.high, bars.low, bars.close, period))
    assert_close("vi", actual["vi"], talib.VORTEX(bars.high, bars.low, bars.close, period)[0])
    assert_close("line", actual["line"], talib.SUPERTREND(bars.high, bars.low, bars.close, period, 1.5)[0])


@pytest.mark.parametrize(("acceleration", "maximum"), [(0.02, 0.2), (0.0, 0.2), (0.3, 0.1), (0.07, 0.07), (1.0, 3.0)])
@pytest.mark.parametrize("name", ["ticks and ties", "gaps", "a calm walk"])
def test_psar_equals_talib_for_other_factors(
    connection: psycopg.Connection, name: str, acceleration: float, maximum: float
) -> None:
    bars = cut(SERIES[name], 800)
    load_history(connection, [bars])
    query = f"SELECT n, ta.psar(high, low, {acceleration}, {maximum}) OVER (ORDER BY n) AS psar FROM history"
    assert_close("psar", compute(connection, query)["psar"], talib.SAR(bars.high, bars.low, acceleration, maximum))


@pytest.mark.parametrize("k", [1, 2, 9])
def test_swings_for_other_spans_are_talibs_fractals(connection: psycopg.Connection, k: int) -> None:
    bars = cut(SERIES["ticks and ties"], 600)
    load_history(connection, [bars])
    query = f"SELECT n, ta.swing_high(high, {k}) OVER w AS high, ta.swing_low(low, {k}) OVER w AS low FROM history"
    actual = compute(connection, f"{query} WINDOW w AS (ORDER BY n)")
    highs, lows = talib.FRACTAL(bars.high, bars.low, k, k)
    assert highs.any()
    assert lows.any()
    for column, prices, flags in (("high", bars.high, highs), ("low", bars.low, lows)):
        flagged = np.flatnonzero(flags)
        latest = np.searchsorted(flagged, np.arange(600), side="right") - 1
        wanted = np.where(latest >= 0, prices[flagged[np.maximum(latest, 0)] - k], np.nan)
        assert_close(column, actual[column], wanted)


def test_the_whole_averaged_candle_equals_talib(connection: psycopg.Connection) -> None:
    bars = walk(500, 61)
    load_history(connection, [bars])
    columns = ", ".join(f"ta.ha_{part}(open, high, low, close) OVER w AS {part}" for part in ("open", "high", "low"))
    actual = compute(connection, f"WITH {BARS} SELECT n, {columns} FROM bars WINDOW w AS (ORDER BY n)")
    candle = talib.HA(opens(bars), bars.high, bars.low, bars.close)
    for part, wanted in zip(("open", "high", "low"), candle, strict=False):
        assert_close(part, actual[part], wanted)


def test_of_equal_extremes_aroon_counts_from_the_latest(connection: psycopg.Connection) -> None:
    flat = np.full(40, 7.0)
    load_history(connection, [Series(flat, flat, flat, flat)])
    actual = for_analysts(connection)
    assert set(actual["aroon_up_25"][25:]) == set(actual["aroon_down_25"][25:]) == {100.0}
    assert set(actual["aroon_osc_25"][25:]) == {0.0}
