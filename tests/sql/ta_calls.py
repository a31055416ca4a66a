"""Every public aggregate of schema `ta` as analysts call it: one call for each stored column, and those of no column.

The calls read n, open, high, low, close, volume, and day and session of the bar.
"""

from __future__ import annotations

from tests.sql import ta_averages, ta_bands, ta_momentum, ta_trend_forms
from tests.sql.ta_relations import FIRST

_PERIODS = {
    **{f"sma_{period}": f"ta.sma(close, {period})" for period in (5, 10, 20, 50, 100, 200)},
    **{f"ema_{period}": f"ta.ema(close, {period})" for period in (9, 12, 20, 21, 26, 50, 100, 200)},
    "rsi_7": "ta.rsi(close, 7)",
}
STORED = {
    **FIRST,
    **ta_averages.ANALYSTS,
    **ta_bands.AGGREGATES,
    **ta_momentum.AGGREGATES,
    **ta_trend_forms.FRIENDLY,
    **_PERIODS,
    "vwap_session": "ta.vwap_session(high, low, close, volume, session)",
}
"""Column → call. true_range alone has no aggregate: it is a function of the bar and of the close before."""
_LEVELS = [("pivot_r", 3), ("pivot_s", 3), *((f"fibonacci_{side}", level) for side in "rs" for level in (1, 2, 3))]
NOT_STORED = {
    "ha_high": "ta.ha_high(open, high, low, close)",
    "ha_low": "ta.ha_low(open, high, low, close)",
    **{f"{name}{level}": f"ta.{name}(high, low, close, day, {level})" for name, level in _LEVELS},
    "hv_20_365": "ta.hv(close, 20, 365)",
}
SCALARS = {
    "true_range": "ta.true_range(high, low, lag(close) OVER w)",
    "typical_price": "ta.typical_price(high, low, close)",
    "median_price": "ta.median_price(high, low)",
}
"""No aggregates: of one bar, and of the close before."""
PUBLIC = {**STORED, **NOT_STORED, **SCALARS}
_PROFILES = {
    "volume_profile": "ta.volume_profile(high, low, volume, 24)",
    "point_of_control": "ta.point_of_control(high, low, volume, 24)",
    "value_area_low": "ta.value_area_low(high, low, volume, 24)",
    "value_area_high": "ta.value_area_high(high, low, volume, 24)",
}
PROFILES = {
    **{name: f"{call} OVER (w ROWS 99 PRECEDING)" for name, call in _PROFILES.items() if name != "volume_profile"},
    **{
        f"volume_profile_{place}": f"(ta.volume_profile(high, low, volume, 24) OVER (w ROWS 99 PRECEDING))[{place}]"
        for place in (1, 2, 3, 14, 26)
    },
}
"""Of the bars of a frame; the array is lowest price, highest price, then the volume of each bin."""
LEVELS = "ta.levels(array_agg(high ORDER BY n), array_agg(low ORDER BY n), 5, 0.01)"
"""Rows of a whole stretch of bars."""


def function(call: str) -> str:
    """Its name: ta.sma(close, 20) → sma."""
    return call.removeprefix("(").removeprefix("ta.").split("(", 1)[0]
