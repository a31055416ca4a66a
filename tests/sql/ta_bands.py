"""Bands, volatility and volume indicators of schema `ta` in every way there is to compute them; the peers' answers."""

from __future__ import annotations

import numpy as np
import talib

from tests.sql.ta_series import Floats, Series

# Column → the aggregate for analysts.
AGGREGATES = {
    "natr_14": "ta.natr(high, low, close, 14)",
    "stddev_20": "ta.stddev(close, 20)",
    "bb_upper_20_2": "ta.bb_upper(close, 20, 2.0)",
    "bb_middle_20_2": "ta.bb_middle(close, 20, 2.0)",
    "bb_lower_20_2": "ta.bb_lower(close, 20, 2.0)",
    "bb_width_20_2": "ta.bb_width(close, 20, 2.0)",
    "bb_percent_20_2": "ta.bb_percent(close, 20, 2.0)",
    "keltner_upper_20_10_2": "ta.keltner_upper(high, low, close, 20, 10, 2.0)",
    "keltner_middle_20_10_2": "ta.keltner_middle(high, low, close, 20, 10, 2.0)",
    "keltner_lower_20_10_2": "ta.keltner_lower(high, low, close, 20, 10, 2.0)",
    "donchian_upper_20": "ta.donchian_upper(high, 20)",
    "donchian_middle_20": "ta.donchian_middle(high, low, 20)",
    "donchian_lower_20": "ta.donchian_lower(low, 20)",
    "hv_20": "ta.hv(close, 20)",
    "chop_14": "ta.chop(high, low, close, 14)",
    "chaikin_volatility_10_10": "ta.chaikin_volatility(high, low, 10, 10)",
    "ad": "ta.ad(high, low, close, volume)",
    "adosc_3_10": "ta.adosc(high, low, close, volume, 3, 10)",
    "cmf_20": "ta.cmf(high, low, close, volume, 20)",
    "vwap_20": "ta.vwap(high, low, close, volume, 20)",
    "vwap_session": "ta.vwap_session(high, low, close, volume, floor(n / 39)::float8)",
    "volume_sma_20": "ta.volume_sma(volume, 20)",
    "volume_ratio_20": "ta.volume_ratio(volume, 20)",
    "force_index_13": "ta.force_index(close, volume, 13)",
    "eom_14": "ta.eom(high, low, volume, 14)",
}
FRIENDLY = ", ".join(f"{call} OVER w AS {column}" for column, call in AGGREGATES.items())
# The bars with what a bar needs of the one before it.
BARS = """
    SELECT
        b.*,
        ta.true_range(b.high, b.low, b.previous_close) AS true_range,
        ta.log_return(b.close, b.previous_close) AS log_return,
        ta.money_flow_volume(b.high, b.low, b.close, b.volume) AS money_flow,
        ta.typical_turnover(b.high, b.low, b.close, b.volume) AS turnover,
        ta.force(b.close, b.previous_close, b.volume) AS force,
        ta.ease_of_movement(b.high, b.low, b.previous_high, b.previous_low, b.volume) AS ease
    FROM (
        SELECT h.*, lag(high) OVER w AS previous_high, lag(low) OVER w AS previous_low,
            lag(close) OVER w AS previous_close
        FROM history AS h WINDOW w AS (PARTITION BY instrument_id ORDER BY open_at)
    ) AS b
"""
_NONE = "NULL::float8"
# Recursive parts, over all bars.
STATES = f"""
    ta.ema_state(close, n, 20, {_NONE}) OVER w AS ema_20,
    ta.wilder_state(true_range, n - 1, 10, {_NONE}) OVER w AS atr_10,
    ta.wilder_state(true_range, n - 1, 14, {_NONE}) OVER w AS atr_14,
    ta.ema_state(high - low, n, 10, {_NONE}) OVER w AS range_10,
    ta.ad_state(money_flow, n, {_NONE}) OVER w AS ad_state,
    ta.ad_lag_state(money_flow, n, 3, {_NONE}) OVER w AS ad_lag_3,
    ta.ad_lag_state(money_flow, n, 10, {_NONE}) OVER w AS ad_lag_10,
    ta.vwap_session_state(turnover, volume, floor(n / 39)::float8, NULL::float8[]) OVER w AS session_sums,
    ta.ema_state(force, n - 1, 13, {_NONE}) OVER w AS force_13
"""
# Part of a rolling indicator → the native aggregate, its frame in bars.
PARTS = {
    "mean_20": ("avg(close {})", 20),
    "deviation_20": ("stddev_pop(close {})", 20),
    "highest_20": ("max(high {})", 20),
    "lowest_20": ("min(low {})", 20),
    "return_deviation_20": ("stddev_samp(log_return {})", 20),
    "range_sum_14": ("sum(true_range {})", 14),
    "highest_14": ("max(high {})", 14),
    "lowest_14": ("min(low {})", 14),
    "money_flow_20": ("sum(money_flow {})", 20),
    "volume_20": ("sum(volume {})", 20),
    "turnover_20": ("sum(turnover {})", 20),
    "mean_volume_20": ("avg(volume {})", 20),
    "ease_14": ("avg(ease {})", 14),
}
_BANDS = "mean_20, ta.stddev_value(mean_20, deviation_20), {}"
# Column → its first bar, and the expression over the parts.
VALUES = {
    "natr_14": (15, "ta.natr_value(atr_14, close)"),
    "stddev_20": (20, "ta.stddev_value(mean_20, deviation_20)"),
    "bb_upper_20_2": (20, f"ta.bb_upper_value({_BANDS.format('2.0::float8')})"),
    "bb_middle_20_2": (20, "mean_20"),
    "bb_lower_20_2": (20, f"ta.bb_upper_value({_BANDS.format('-2.0::float8')})"),
    "bb_width_20_2": (20, f"ta.bb_width_value({_BANDS.format('2.0::float8')})"),
    "bb_percent_20_2": (20, f"ta.bb_percent_value(close, {_BANDS.format('2.0::float8')})"),
    "keltner_upper_20_10_2": (20, "ta.keltner_upper_value(ema_20, atr_10, 2.0::float8)"),
    "keltner_middle_20_10_2": (20, "ema_20"),
    "keltner_lower_20_10_2": (20, "ta.keltner_upper_value(ema_20, atr_10, -2.0::float8)"),
    "donchian_upper_20": (20, "highest_20"),
    "donchian_middle_20": (20, "ta.donchian_middle_value(highest_20, lowest_20)"),
    "donchian_lower_20": (20, "lowest_20"),
    "hv_20": (21, "ta.hv_value(return_deviation_20)"),
    "chop_14": (15, "ta.chop_value(range_sum_14, highest_14, lowest_14, 14)"),
    "chaikin_volatility_10_10": (20, "ta.chaikin_volatility_value(range_10, range_10_before)"),
    "ad": (1, "ad_state"),
    "adosc_3_10": (10, "ad_lag_3 - ad_lag_10"),
    "cmf_20": (20, "ta.cmf_value(money_flow_20, volume_20)"),
    "vwap_20": (20, "ta.vwap_value(turnover_20, volume_20)"),
    "vwap_session": (1, "ta.vwap_value(session_sums[2], session_sums[3])"),
    "volume_sma_20": (20, "mean_volume_20"),
    "volume_ratio_20": (20, "ta.volume_ratio_value(volume, mean_volume_20)"),
    "force_index_13": (14, "force_13"),
    "eom_14": (15, "ease_14"),
}
_MASKED = ", ".join(f"CASE WHEN n >= {first} THEN {value} END AS {column}" for column, (first, value) in VALUES.items())
_FRAMES = ", ".join(f"{call.format('')} OVER last_{size} AS {part}" for part, (call, size) in PARTS.items())
_SO_FAR = "PARTITION BY instrument_id ORDER BY open_at"
_STATED = f"""
    SELECT s.*, lag(range_10, 10) OVER w AS range_10_before
    FROM (SELECT bars.*, {STATES} FROM ({BARS}) AS bars WINDOW w AS ({_SO_FAR})) AS s WINDOW w AS ({_SO_FAR})
"""
# In bulk: native frames over all bars.
BULK = f"""
SELECT n, {_MASKED} FROM (
    SELECT stated.*, {_FRAMES} FROM ({_STATED}) AS stated
    WINDOW last_14 AS ({_SO_FAR} ROWS 13 PRECEDING), last_20 AS ({_SO_FAR} ROWS 19 PRECEDING)
) AS framed
"""
_FILTERED = ", ".join(
    call.format("ORDER BY open_at") + f" FILTER (WHERE age < {size}) AS {part}" for part, (call, size) in PARTS.items()
)
# Live: one bar alone, from plain aggregates over the last bars and the states of its row.
LIVE = f"""
WITH stated AS MATERIALIZED ({_STATED})
SELECT n, {_MASKED} FROM (
    SELECT {_FILTERED}
    FROM (SELECT *, {{bar}} - n AS age FROM stated WHERE n <= {{bar}} AND n > {{bar}} - 20) AS last_bars
) AS parts CROSS JOIN stated WHERE n = {{bar}}
"""


def from_talib(bars: Series) -> dict[str, Floats]:
    """TA-Lib's value of every column it has, NaN where it gives none; what it lacks is put together from its parts."""
    high, low, close, volume = bars.high, bars.low, bars.close, bars.volume
    upper, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    # All three lines of a Keltner channel begin together: with the EMA, later than the ATR.
    keltner, atr = talib.EMA(close, 20), talib.ATR(high, low, close, 10)
    return {
        "natr_14": talib.NATR(high, low, close, 14),
        "stddev_20": talib.STDDEV(close, 20),
        "bb_upper_20_2": upper,
        "bb_middle_20_2": middle,
        "bb_lower_20_2": lower,
        "keltner_upper_20_10_2": keltner + 2.0 * atr,
        "keltner_middle_20_10_2": keltner,
        "keltner_lower_20_10_2": keltner - 2.0 * atr,
        "donchian_upper_20": talib.MAX(high, 20),
        "donchian_middle_20": talib.MIDPRICE(high, low, 20),
        "donchian_lower_20": talib.MIN(low, 20),
        "ad": talib.AD(high, low, close, volume),
        "adosc_3_10": talib.ADOSC(high, low, close, volume, 3, 10),
        "volume_sma_20": talib.SMA(volume, 20),
    }


def rolling(values: Floats, size: int) -> Floats:
    """The last `size` values of each bar as rows; NaN before the first bar."""
    padded = np.concatenate([np.full(size - 1, np.nan), values])
    windows: Floats = np.lib.stride_tricks.sliding_window_view(padded, size)
    return windows


def from_scratch(bars: Series) -> dict[str, Floats]:
    """What TA-Lib has not, computed anew for every bar, the plain way."""
    high, low, close, volume = bars.high, bars.low, bars.close, bars.volume
    before: Floats = np.concatenate([[np.nan], close[:-1]])
    true_range = np.maximum(high - low, np.maximum(abs(high - before), abs(low - before)))
    middle: Floats = (high + low) / 2
    span = np.where(high > low, high - low, np.inf)
    money_flow = np.where(high > low, ((close - low) - (high - close)) / span * volume, 0.0)
    traded = np.where(volume > 0, volume, np.nan)
    ease = np.concatenate([[np.nan], np.diff(middle)]) * (high - low) / traded * 1e8
    ease_sums, eases = np.nansum(rolling(ease, 14), axis=1), np.sum(~np.isnan(rolling(ease, 14)), axis=1)
    volumes = np.sum(rolling(volume, 20), axis=1)
    volumes[volumes == 0] = np.nan
    cover = np.max(rolling(high, 14), axis=1) - np.min(rolling(low, 14), axis=1)
    cover[cover == 0] = np.nan
    way = np.sum(rolling(true_range, 14), axis=1)
    return {
        "hv_20": np.std(rolling(np.log(close / before), 20), axis=1, ddof=1),
        "chop_14": 100 * np.log10(np.maximum(way / cover, 1.0)) / np.log10(14),
        "cmf_20": np.sum(rolling(money_flow, 20), axis=1) / volumes,
        "vwap_20": np.sum(rolling((high + low + close) / 3 * volume, 20), axis=1) / volumes,
        "volume_ratio_20": volume / (volumes / 20),
        "force_index_13": np.concatenate([[np.nan], talib.EMA(np.diff(close) * volume[1:], 13)])
        if len(close) > 1
        else np.array([np.nan]),
        "eom_14": np.where((np.arange(len(close)) >= 14) & (eases > 0), ease_sums / np.maximum(eases, 1), np.nan),
    }
