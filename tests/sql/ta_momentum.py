"""The oscillators of schema `ta` in every way there is to compute them, and TA-Lib's answers."""

from __future__ import annotations

import talib

from tests.sql.ta_series import Floats, Series

SIMPLE = talib.MA_Type.SMA
# Column → the aggregate for analysts.
AGGREGATES = {
    "stochf_k_14": "ta.stochf_k(high, low, close, 14)",
    "stoch_k_14_3": "ta.stoch_k(high, low, close, 14, 3)",
    "stoch_d_14_3_3": "ta.stoch_d(high, low, close, 14, 3, 3)",
    "stochrsi_k_14": "ta.stochrsi_k(close, 14, 14)",
    "stochrsi_d_14_3": "ta.stochrsi_d(close, 14, 14, 3)",
    "williams_r_14": "ta.williams_r(high, low, close, 14)",
    "cci_20": "ta.cci(high, low, close, 20)",
    "roc_10": "ta.roc(close, 10)",
    "mom_10": "ta.mom(close, 10)",
    "cmo_14": "ta.cmo(close, 14)",
    "ultosc_7_14_28": "ta.ultosc(high, low, close, 7, 14, 28)",
    "mfi_14": "ta.mfi(high, low, close, volume, 14)",
    "tsi_25_13": "ta.tsi(close, 25, 13)",
    "ao_5_34": "ta.ao(high, low, 5, 34)",
}
# The bars with what a bar needs of the one before it.
BARS = """
    SELECT
        b.*,
        ta.buying_pressure(b.low, b.close, b.previous_close) AS pressure,
        ta.true_range(b.high, b.low, b.previous_close) AS true_range,
        ta.positive_flow(b.typical, b.previous_typical, b.volume) AS positive,
        ta.negative_flow(b.typical, b.previous_typical, b.volume) AS negative
    FROM (
        SELECT
            h.*,
            ta.typical_price(h.high, h.low, h.close) AS typical,
            ta.median_price(h.high, h.low) AS median,
            lag(h.close) OVER w AS previous_close,
            lag(ta.typical_price(h.high, h.low, h.close)) OVER w AS previous_typical,
            lag(h.close, 10) OVER w AS close_10
        FROM {history} AS h
        WINDOW w AS (PARTITION BY h.instrument_id ORDER BY h.open_at)
    ) AS b
"""
# In bulk: native frames over all bars.
BULK = f"""
WITH framed AS (
    SELECT
        bars.*,
        max(high) OVER last_14 AS highest, min(low) OVER last_14 AS lowest,
        sum(positive) OVER last_14 AS positives, sum(negative) OVER last_14 AS negatives,
        sum(pressure) OVER last_7 AS pressure_7, sum(true_range) OVER last_7 AS range_7,
        sum(pressure) OVER last_14 AS pressure_14, sum(true_range) OVER last_14 AS range_14,
        sum(pressure) OVER last_28 AS pressure_28, sum(true_range) OVER last_28 AS range_28,
        array_agg(typical) OVER last_20 AS typicals,
        avg(median) OVER last_5 AS median_5, avg(median) OVER last_34 AS median_34,
        ta.wilder_state(greatest(close - previous_close, 0.0::float8), n - 1, 14, NULL::float8) OVER so_far AS gain,
        ta.wilder_state(greatest(previous_close - close, 0.0::float8), n - 1, 14, NULL::float8) OVER so_far AS loss,
        ta.ema_state(close - previous_close, n - 1, 25, NULL::float8) OVER so_far AS change_25,
        ta.ema_state(abs(close - previous_close), n - 1, 25, NULL::float8) OVER so_far AS absolute_25
    FROM ({BARS.format(history="history")}) AS bars
    WINDOW
        so_far AS (PARTITION BY instrument_id ORDER BY open_at),
        last_5 AS (so_far ROWS 4 PRECEDING), last_7 AS (so_far ROWS 6 PRECEDING),
        last_14 AS (so_far ROWS 13 PRECEDING), last_20 AS (so_far ROWS 19 PRECEDING),
        last_28 AS (so_far ROWS 27 PRECEDING), last_34 AS (so_far ROWS 33 PRECEDING)
),
composed AS (
    SELECT
        framed.*,
        CASE WHEN n >= 14 THEN ta.stochf_k_value(close, highest, lowest) END AS stochf_k_14,
        CASE WHEN n >= 15 THEN ta.rsi_value(gain, loss) END AS rsi_14,
        ta.ema_state(change_25, n - 25, 13, NULL::float8) OVER so_far AS change_25_13,
        ta.ema_state(absolute_25, n - 25, 13, NULL::float8) OVER so_far AS absolute_25_13
    FROM framed
    WINDOW so_far AS (PARTITION BY instrument_id ORDER BY open_at)
),
smoothed AS (
    SELECT
        composed.*,
        ta.stoch_smooth(lag(stochf_k_14, 2) OVER w, lag(stochf_k_14) OVER w, stochf_k_14) AS stoch_k_14_3,
        max(rsi_14) OVER (w ROWS 13 PRECEDING) AS rsi_highest, min(rsi_14) OVER (w ROWS 13 PRECEDING) AS rsi_lowest
    FROM composed
    WINDOW w AS (PARTITION BY instrument_id ORDER BY open_at)
),
again AS (
    SELECT
        smoothed.*,
        ta.stoch_smooth(lag(stoch_k_14_3, 2) OVER w, lag(stoch_k_14_3) OVER w, stoch_k_14_3) AS stoch_d_14_3_3,
        CASE WHEN n >= 28 THEN ta.stochf_k_value(rsi_14, rsi_highest, rsi_lowest) END AS stochrsi_k_14
    FROM smoothed
    WINDOW w AS (PARTITION BY instrument_id ORDER BY open_at)
)
SELECT
    instrument_id, n, rsi_14, change_25, absolute_25, change_25_13, absolute_25_13, gain, loss,
    stochf_k_14, stoch_k_14_3, stoch_d_14_3_3, stochrsi_k_14,
    ta.stoch_smooth(lag(stochrsi_k_14, 2) OVER w, lag(stochrsi_k_14) OVER w, stochrsi_k_14) AS stochrsi_d_14_3,
    CASE WHEN n >= 14 THEN ta.williams_r_value(close, highest, lowest) END AS williams_r_14,
    CASE WHEN n >= 20 THEN ta.cci_value(typicals) END AS cci_20,
    ta.roc_value(close, close_10) AS roc_10,
    ta.mom_value(close, close_10) AS mom_10,
    CASE WHEN n >= 15 THEN ta.cmo_value(gain, loss) END AS cmo_14,
    CASE
        WHEN n >= 29 THEN ta.ultosc_value(pressure_7, range_7, pressure_14, range_14, pressure_28, range_28)
    END AS ultosc_7_14_28,
    CASE WHEN n >= 15 THEN ta.mfi_value(positives, negatives) END AS mfi_14,
    CASE WHEN n >= 38 THEN ta.tsi_value(change_25_13, absolute_25_13) END AS tsi_25_13,
    CASE WHEN n >= 34 THEN ta.ao_value(median_5, median_34) END AS ao_5_34
FROM again
WINDOW w AS (PARTITION BY instrument_id ORDER BY open_at)
"""


def friendly(columns: list[str] | None = None) -> str:
    """A query over `history` that calls the aggregates."""
    calls = ", ".join(f"{AGGREGATES[column]} OVER w AS {column}" for column in columns or AGGREGATES)
    return f"SELECT n, {calls} FROM history WINDOW w AS (ORDER BY open_at)"


def expected(bars: Series) -> dict[str, Floats]:
    """TA-Lib's value of every column that has a twin there."""
    high, low, close = bars.high, bars.low, bars.close
    fast_k, _ = talib.STOCHF(high, low, close, 14, 1, SIMPLE)
    _, slow_k = talib.STOCHF(high, low, close, 14, 3, SIMPLE)
    _, slow_d = talib.STOCH(high, low, close, 14, 3, SIMPLE, 3, SIMPLE)
    return {
        "stochf_k_14": fast_k,
        "stoch_k_14_3": slow_k,
        "stoch_d_14_3_3": slow_d,
        "stochrsi_k_14": talib.STOCHRSI(close, 14, 14, 1, SIMPLE)[0],
        "stochrsi_d_14_3": talib.STOCHRSI(close, 14, 14, 3, SIMPLE)[1],
        "williams_r_14": talib.WILLR(high, low, close, 14),
        "cci_20": talib.CCI(high, low, close, 20),
        "roc_10": talib.ROC(close, 10),
        "mom_10": talib.MOM(close, 10),
        "cmo_14": talib.CMO(close, 14),
        "ultosc_7_14_28": talib.ULTOSC(high, low, close, 7, 14, 28),
        "mfi_14": talib.MFI(high, low, close, bars.volume, 14),
        "ao_5_34": talib.SMA(talib.MEDPRICE(high, low), 5) - talib.SMA(talib.MEDPRICE(high, low), 34),
    }
