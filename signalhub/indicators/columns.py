"""The indicator columns of market.indicators, by name + parameters."""

from __future__ import annotations

INDICATOR_COLUMNS: tuple[str, ...] = (
    *("sma_20", "sma_50", "ema_9", "ema_21", "ema_50"),
    "rsi_14",
    *("macd_12_26_9", "macd_signal_12_26_9", "macd_hist_12_26_9"),
    "atr_14",
    *("bb_upper_20_2", "bb_middle_20_2", "bb_lower_20_2"),
    *("donchian_upper_20", "donchian_lower_20"),
    "volume_sma_20",
    "obv",
    "adx_14",
)

IN_SHARES = ("volume_sma_20", "obv")
"""Columns that count shares: a split multiplies them where it divides prices."""
WITHOUT_UNIT = ("rsi_14", "adx_14")
"""Columns that no split moves. All that stand in neither list are prices or differences of prices."""
