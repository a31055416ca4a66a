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
