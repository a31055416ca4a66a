"""The trend and level families of schema `ta`, each in two forms: as analysts call it and as our own store does.

Both read the relation `bars` (`BARS`, made of `history`): n, day, open, high, low, close and the bar before.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import psycopg
import talib

from tests.sql.ta_relations import Columns, compute
from tests.sql.ta_series import Floats, Series

# A day of seven bars, so that days begin everywhere; two days are missing every eleven.
BARS = """
bars AS (
    SELECT
        n,
        DATE '2026-01-01' + ((n - 1) / 7 + 2 * ((n - 1) / 77))::int AS day,
        coalesce(lag(close) OVER w, close) AS open,
        high, low, close,
        lag(high) OVER w AS previous_high,
        lag(low) OVER w AS previous_low,
        lag(close) OVER w AS previous_close
    FROM history
    WINDOW w AS (ORDER BY n)
)"""
FRIENDLY = {
    "plus_di_14": "ta.plus_di(high, low, close, 14)",
    "minus_di_14": "ta.minus_di(high, low, close, 14)",
    "aroon_up_25": "ta.aroon_up(high, low, 25)",
    "aroon_down_25": "ta.aroon_down(high, low, 25)",
    "aroon_osc_25": "ta.aroon_osc(high, low, 25)",
    "psar": "ta.psar(high, low, 0.02, 0.2)",
    "supertrend_10_3": "ta.supertrend(high, low, close, 10, 3.0)",
    "supertrend_direction_10_3": "ta.supertrend_direction(high, low, close, 10, 3.0)",
    "ichimoku_tenkan_9": "ta.ichimoku_tenkan(high, low, 9)",
    "ichimoku_kijun_26": "ta.ichimoku_kijun(high, low, 26)",
    "ichimoku_senkou_a_9_26": "ta.ichimoku_senkou_a(high, low, 9, 26)",
    "ichimoku_senkou_b_52": "ta.ichimoku_senkou_b(high, low, 52, 26)",
    "ichimoku_chikou_26": "ta.ichimoku_chikou(close, 26)",
    "vortex_plus_14": "ta.vortex_plus(high, low, close, 14)",
    "vortex_minus_14": "ta.vortex_minus(high, low, close, 14)",
    "pivot": "ta.pivot(high, low, close, day)",
    "pivot_r1": "ta.pivot_r(high, low, close, day, 1)",
    "pivot_s1": "ta.pivot_s(high, low, close, day, 1)",
    "pivot_r2": "ta.pivot_r(high, low, close, day, 2)",
    "pivot_s2": "ta.pivot_s(high, low, close, day, 2)",
    "swing_high_5": "ta.swing_high(high, 5)",
    "swing_low_5": "ta.swing_low(low, 5)",
    "zscore_20": "ta.zscore(close, 20)",
    "ha_open": "ta.ha_open(open, high, low, close)",
    "ha_close": "ta.ha_close(open, high, low, close)",
}
FRAMED = """
framed AS (
    SELECT
        bars.*,
        ta.true_range(high, low, previous_close) AS true_range,
        ta.plus_dm(high, low, previous_high, previous_low) AS plus_dm,
        ta.minus_dm(high, low, previous_high, previous_low) AS minus_dm,
        lag(ta.ha_close_value(open, high, low, close)) OVER last_14 AS previous_ha_close,
        sum(abs(high - previous_low)) OVER last_14 AS vortex_plus_sum,
        sum(abs(low - previous_high)) OVER last_14 AS vortex_minus_sum,
        sum(ta.true_range(high, low, previous_close)) OVER last_14 AS tr_sum,
        avg(close) OVER last_20 AS mean_20,
        stddev_pop(close) OVER last_20 AS deviation_20,
        n - (max(ARRAY[high, n::float8]) OVER last_26)[2] AS bars_since_high,
        n + (min(ARRAY[low, -n::float8]) OVER last_26)[2] AS bars_since_low,
        lag(close, 26) OVER last_14 AS close_26_ago,
        ta.ichimoku_line(max(high) OVER last_9, min(low) OVER last_9) AS tenkan,
        ta.ichimoku_line(max(high) OVER last_26, min(low) OVER last_26) AS kijun,
        ta.ichimoku_line(max(high) OVER senkou, min(low) OVER senkou) AS senkou_b,
        lag(high, 5) OVER last_5 AS high_5_ago,
        lag(low, 5) OVER last_5 AS low_5_ago,
        max(high) OVER last_5 AS highest_5,
        min(low) OVER last_5 AS lowest_5
    FROM bars
    WINDOW
        last_5 AS (ORDER BY n ROWS 4 PRECEDING),
        last_9 AS (ORDER BY n ROWS 8 PRECEDING),
        last_14 AS (ORDER BY n ROWS 13 PRECEDING),
        last_20 AS (ORDER BY n ROWS 19 PRECEDING),
        last_26 AS (ORDER BY n ROWS 25 PRECEDING),
        senkou AS (ORDER BY n ROWS BETWEEN 77 PRECEDING AND 26 PRECEDING)
),
delayed AS (
    SELECT
        framed.*,
        lag(ta.ichimoku_line(tenkan, kijun), 26) OVER w AS senkou_a,
        ta.swing_high_value(high_5_ago, lag(highest_5, 6) OVER w, highest_5) AS swing_high,
        ta.swing_low_value(low_5_ago, lag(lowest_5, 6) OVER w, lowest_5) AS swing_low
    FROM framed
    WINDOW w AS (ORDER BY n)
)"""
# State → the aggregate over `delayed` and, from the state of the bar before, the step. {seed} is a placeholder.
STATES = {
    "plus_dm_state": "wilder_sum_{kind}({state}plus_dm, n - 1, 14, {seed})",
    "minus_dm_state": "wilder_sum_{kind}({state}minus_dm, n - 1, 14, {seed})",
    "tr_state": "wilder_sum_{kind}({state}true_range, n - 1, 14, {seed})",
    "atr_10_state": "wilder_{kind}({state}true_range, n - 1, 10, {seed})",
    "psar_state": "psar_{kind}({state}high, low, n, 0.02, 0.2, {seed})",
    "pivot_state": "pivot_{kind}({state}high, low, close, day, n, {seed})",
    "ha_open": "ha_open_{kind}({state}open, close, previous_ha_close, n, {seed})",
    "swing_high_5": "swing_{kind}({state}CASE WHEN n >= 11 THEN swing_high END, {seed})",
    "swing_low_5": "swing_{kind}({state}CASE WHEN n >= 11 THEN swing_low END, {seed})",
}
SUPERTREND = "supertrend_{kind}({state}high, low, close, atr_10_state, n - 10, 3.0, {seed})"
ARRAYS = {"psar_state", "pivot_state", "supertrend_state"}
STORED = {
    "plus_di_14": "CASE WHEN n >= 15 THEN ta.di(plus_dm_state, tr_state) END",
    "minus_di_14": "CASE WHEN n >= 15 THEN ta.di(minus_dm_state, tr_state) END",
    "aroon_up_25": "CASE WHEN n >= 26 THEN ta.aroon_value(bars_since_high, 25) END",
    "aroon_down_25": "CASE WHEN n >= 26 THEN ta.aroon_value(bars_since_low, 25) END",
    "aroon_osc_25": "CASE WHEN n >= 26 THEN ta.aroon_osc_value(bars_since_high, bars_since_low, 25) END",
    "psar": "psar_state[1]",
    "supertrend_10_3": "supertrend_state[1]",
    "supertrend_direction_10_3": "supertrend_state[2]",
    "ichimoku_tenkan_9": "CASE WHEN n >= 9 THEN tenkan END",
    "ichimoku_kijun_26": "CASE WHEN n >= 26 THEN kijun END",
    "ichimoku_senkou_a_9_26": "CASE WHEN n >= 52 THEN senkou_a END",
    "ichimoku_senkou_b_52": "CASE WHEN n >= 78 THEN senkou_b END",
    "ichimoku_chikou_26": "close_26_ago",
    "vortex_plus_14": "CASE WHEN n >= 15 THEN ta.vortex_value(vortex_plus_sum, tr_sum) END",
    "vortex_minus_14": "CASE WHEN n >= 15 THEN ta.vortex_value(vortex_minus_sum, tr_sum) END",
    "pivot": "ta.pivot_value(pivot_state[5], pivot_state[6], pivot_state[7])",
    "pivot_r1": "ta.pivot_r_value(pivot_state[5], pivot_state[6], pivot_state[7], 1)",
    "pivot_s1": "ta.pivot_s_value(pivot_state[5], pivot_state[6], pivot_state[7], 1)",
    "pivot_r2": "ta.pivot_r_value(pivot_state[5], pivot_state[6], pivot_state[7], 2)",
    "pivot_s2": "ta.pivot_s_value(pivot_state[5], pivot_state[6], pivot_state[7], 2)",
    "swing_high_5": "swing_high_5",
    "swing_low_5": "swing_low_5",
    "zscore_20": "CASE WHEN n >= 20 THEN ta.zscore_value(close, mean_20, deviation_20) END",
    "ha_open": "ha_open",
    "ha_close": "ta.ha_close_value(open, high, low, close)",
}


def _seed(state: str) -> str:
    return "NULL::float8[]" if state in ARRAYS else "NULL::float8"


def aggregate(call: str, seed: str) -> str:
    """The aggregate of our own compute."""
    return "ta." + call.format(kind="state", state="", seed=seed)


def step(state: str, call: str) -> str:
    """The live step: from the state of the bar before, which `stepped` has as previous_…"""
    return "ta." + call.format(kind="step", state=f"previous_{state}, ", seed=_seed(state))


def recursed() -> str:
    """CTEs that end in `composed`: every bar with its raw states, computed in one go."""
    states = ", ".join(f"{aggregate(call, _seed(name))} OVER w AS {name}" for name, call in STATES.items())
    supertrend = aggregate(SUPERTREND, _seed("supertrend_state"))
    return (
        f"WITH {BARS}, {FRAMED}, recursed AS (SELECT delayed.*, {states} FROM delayed WINDOW w AS (ORDER BY n)), "
        f"composed AS (SELECT recursed.*, {supertrend} OVER (ORDER BY n) AS supertrend_state FROM recursed)"
    )


def for_analysts(connection: psycopg.Connection) -> Columns:
    """Every column by the public aggregates."""
    columns = ", ".join(f"{call} OVER w AS {name}" for name, call in FRIENDLY.items())
    return compute(connection, f"WITH {BARS} SELECT n, {columns} FROM bars WINDOW w AS (ORDER BY n)")


def for_the_store(connection: psycopg.Connection) -> Columns:
    """Every column by native frames and state aggregates."""
    columns = ", ".join(f"{call} AS {name}" for name, call in STORED.items())
    return compute(connection, f"{recursed()} SELECT n, {columns} FROM composed")


def opens(bars: Series) -> Floats:
    """The close before."""
    return np.concatenate([bars.close[:1], bars.close[:-1]])


def expected(bars: Series, opened: Floats | None = None) -> dict[str, Floats]:
    """TA-Lib's value of every trend column it knows, NaN where it gives none."""
    high, low, close = bars.high, bars.low, bars.close
    down, up = talib.AROON(high, low, 25)
    line, direction = talib.SUPERTREND(high, low, close, 10, 3.0)
    plus, minus = talib.VORTEX(high, low, close, 14)
    candle = talib.HA(opens(bars) if opened is None else opened, high, low, close)
    return {
        "plus_di_14": talib.PLUS_DI(high, low, close, 14),
        "minus_di_14": talib.MINUS_DI(high, low, close, 14),
        "aroon_up_25": up,
        "aroon_down_25": down,
        "aroon_osc_25": talib.AROONOSC(high, low, 25),
        "psar": talib.SAR(high, low, 0.02, 0.2),
        "supertrend_10_3": line,
        # Integers know no NaN: TA-Lib has zeros for the warm-up.
        "supertrend_direction_10_3": np.where(np.isnan(line), np.nan, direction),
        "vortex_plus_14": plus,
        "vortex_minus_14": minus,
        "ha_open": candle[0],
        "ha_close": candle[3],
        "swing_high_5": swings(high, talib.FRACTAL(high, low, 5, 5)[0]),
        "swing_low_5": swings(low, talib.FRACTAL(high, low, 5, 5)[1]),
    }


def swings(prices: Floats, flags: npt.NDArray[np.int32]) -> Floats:
    """The last price that was five bars old when TA-Lib flagged it."""
    last, values = np.nan, []
    for bar, flag in enumerate(flags):
        last = prices[bar - 5] if flag else last
        values.append(last)
    return np.array(values, dtype=np.float64)
