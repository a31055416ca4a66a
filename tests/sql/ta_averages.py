"""The moving averages, the regression line, PPO and TRIX: as analysts call them, and as our own compute does.

Both query the relation `history` of tests/sql/ta_relations.py. OWN is what the indicator store runs: native frames, and
nested states with their ordinals.
"""

from __future__ import annotations

import numpy as np
import psycopg
import talib

from tests.sql.ta_relations import Columns, compute
from tests.sql.ta_series import Floats, Series

ANALYSTS = {
    "sma_20": "ta.sma(close, 20)",
    "sma_200": "ta.sma(close, 200)",
    "wma_20": "ta.wma(close, 20)",
    "dema_20": "ta.dema(close, 20)",
    "tema_20": "ta.tema(close, 20)",
    "trima_20": "ta.trima(close, 20)",
    "kama_10": "ta.kama(close, 10, 2, 30)",
    "hma_20": "ta.hma(close, 20)",
    "vwma_20": "ta.vwma(close, volume, 20)",
    "linreg_20": "ta.linreg(close, 20)",
    "linreg_slope_20": "ta.linreg_slope(close, 20)",
    "linreg_r2_20": "ta.linreg_r2(close, 20)",
    "ppo_12_26_9": "ta.ppo(close, 12, 26, 9)",
    "ppo_signal_12_26_9": "ta.ppo_signal(close, 12, 26, 9)",
    "ppo_hist_12_26_9": "ta.ppo_hist(close, 12, 26, 9)",
    "trix_15": "ta.trix(close, 15)",
}
LEAST_PERIOD = {"linreg": 2, "linreg_slope": 2, "linreg_r2": 2}

# 1,000,000 is where some series of instruments may begin to count: the regression must not care.
OWN = """
    WITH moves AS (
        SELECT history.*, close - lag(close, 10) OVER w AS change_10, abs(close - lag(close) OVER w) AS move
        FROM history WINDOW w AS (ORDER BY open_at)
    ),
    framed AS (
        SELECT
            moves.*,
            avg(close) OVER last_20 AS mean_20,
            stddev_pop(close) OVER last_20 AS deviation_20,
            regr_sxy(close, n + 1000000) OVER last_20 AS sxy_20,
            sum(ta.vwma_term(close, volume)) OVER last_20 AS terms_20,
            sum(volume) OVER last_20 AS volume_20,
            avg(close) OVER last_200 AS mean_200,
            sum(move) OVER last_10 AS volatility_10,
            avg(close) OVER last_10 AS mean_10,
            regr_sxy(close, n + 1000000) OVER last_10 AS sxy_10
        FROM moves
        WINDOW
            last_10 AS (ORDER BY open_at ROWS 9 PRECEDING),
            last_20 AS (ORDER BY open_at ROWS 19 PRECEDING),
            last_200 AS (ORDER BY open_at ROWS 199 PRECEDING)
    ),
    composed AS (
        SELECT framed.*, ta.hma_raw(mean_10, sxy_10, mean_20, sxy_20, 20) AS hma_raw FROM framed
    ),
    first AS (
        SELECT
            composed.*,
            lag(mean_10, 10) OVER w AS old_mean_10,
            lag(sxy_10, 10) OVER w AS old_sxy_10,
            lag(hma_raw, 1) OVER w AS hma_raw_1,
            lag(hma_raw, 2) OVER w AS hma_raw_2,
            lag(hma_raw, 3) OVER w AS hma_raw_3,
            ta.ema_state(close, n, 20, NULL::float8) OVER w AS ema_20,
            ta.ema_state(close, n, 15, NULL::float8) OVER w AS trix_1,
            ta.ema_state(close, n, 12, NULL::float8) OVER w AS ema_12,
            ta.ema_state(close, n, 26, NULL::float8) OVER w AS ema_26,
            ta.kama_state(close, change_10, volatility_10, n, 10, 2, 30, NULL::float8) OVER w AS kama
        FROM composed WINDOW w AS (ORDER BY open_at)
    ),
    second AS (
        SELECT
            first.*,
            ta.ema_state(ema_20, n - 19, 20, NULL::float8) OVER w AS ema_ema_20,
            ta.ema_state(trix_1, n - 14, 15, NULL::float8) OVER w AS trix_2,
            ta.ema_state(ta.ppo_value(ema_12, ema_26), n - 25, 9, NULL::float8) OVER w AS ppo_signal
        FROM first WINDOW w AS (ORDER BY open_at)
    ),
    third AS (
        SELECT
            second.*,
            ta.ema_state(ema_ema_20, n - 38, 20, NULL::float8) OVER w AS ema_ema_ema_20,
            ta.ema_state(trix_2, n - 28, 15, NULL::float8) OVER w AS trix_3
        FROM second WINDOW w AS (ORDER BY open_at)
    )
    SELECT
        n,
        CASE WHEN n >= 20 THEN mean_20 END AS sma_20,
        CASE WHEN n >= 200 THEN mean_200 END AS sma_200,
        CASE WHEN n >= 20 THEN ta.wma_value(mean_20, sxy_20, 20) END AS wma_20,
        CASE WHEN n >= 39 THEN ta.dema_value(ema_20, ema_ema_20) END AS dema_20,
        CASE WHEN n >= 58 THEN ta.tema_value(ema_20, ema_ema_20, ema_ema_ema_20) END AS tema_20,
        CASE WHEN n >= 20 THEN ta.trima_value(old_mean_10, old_sxy_10, mean_10, sxy_10, 20) END AS trima_20,
        CASE WHEN n >= 11 THEN kama END AS kama_10,
        CASE WHEN n >= 23 THEN ta.hma_value(hma_raw_3, hma_raw_2, hma_raw_1, hma_raw) END AS hma_20,
        CASE WHEN n >= 20 THEN ta.vwma_value(close, terms_20, volume_20, 20) END AS vwma_20,
        CASE WHEN n >= 20 THEN ta.linreg_value(mean_20, sxy_20, 20) END AS linreg_20,
        CASE WHEN n >= 20 THEN ta.linreg_slope_value(sxy_20, 20) END AS linreg_slope_20,
        CASE WHEN n >= 20 THEN ta.linreg_r2_value(mean_20, deviation_20, sxy_20, 20) END AS linreg_r2_20,
        CASE WHEN n >= 26 THEN ta.ppo_value(ema_12, ema_26) END AS ppo_12_26_9,
        CASE WHEN n >= 34 THEN ppo_signal END AS ppo_signal_12_26_9,
        CASE WHEN n >= 34 THEN ta.ppo_value(ema_12, ema_26) - ppo_signal END AS ppo_hist_12_26_9,
        CASE WHEN n >= 44 THEN ta.trix_value(trix_3, lag(trix_3) OVER (ORDER BY open_at)) END AS trix_15
    FROM third
"""


def analysts(connection: psycopg.Connection, calls: dict[str, str] = ANALYSTS) -> Columns:
    """The aggregates over `history`, each as analysts call it."""
    columns = ", ".join(f"{call} OVER w AS {name}" for name, call in calls.items())
    return compute(connection, f"SELECT n, {columns} FROM history WINDOW w AS (ORDER BY open_at)")


def own(connection: psycopg.Connection) -> Columns:
    """The same columns over `history`, as the indicator store computes them."""
    return compute(connection, OWN)


def expected(bars: Series) -> dict[str, Floats]:
    """TA-Lib's value of every column it has, NaN where it gives none."""
    x = bars.close
    return {
        "sma_20": talib.SMA(x, 20),
        "sma_200": talib.SMA(x, 200),
        "wma_20": talib.WMA(x, 20),
        "dema_20": talib.DEMA(x, 20),
        "tema_20": talib.TEMA(x, 20),
        "trima_20": talib.TRIMA(x, 20),
        "kama_10": talib.KAMA(x, 10),
        "hma_20": talib.HMA(x, 20),
        "vwma_20": talib.VWMA(x, bars.volume, 20),
        "linreg_20": talib.LINEARREG(x, 20),
        "linreg_slope_20": talib.LINEARREG_SLOPE(x, 20),
        "ppo_12_26_9": talib.PPO(x, 12, 26, matype=1),
        "trix_15": talib.TRIX(x, 15),
    }


def noise(column: str, bars: Series) -> float:
    """Below this much a column is rounding of its input: what errors are measured against at the least."""
    price = float(np.mean(np.abs(bars.close)))
    floors = {"linreg_slope_20": 1e-4 * price, "ao_5_34": 1e-4 * price, "ppo_12_26_9": 1e-3, "trix_15": 1e-3}
    return floors.get(column, 0.0)


def traded(volume: Floats, period: int) -> np.ndarray:
    """Whether anything was traded in the last `period` bars: elsewhere TA-Lib's VWMA is NaN, inf or noise."""
    total = np.convolve(volume > 0, np.ones(period))[: len(volume)]
    return np.asarray(total > 0)
