-- Purpose: indicator columns (name + parameters) of all timeframes for analysts; null during warm-up.
-- Grain:   one row per (symbol, timeframe, open_at) of a closed bar; n is the bar's ordinal.
CREATE OR REPLACE VIEW analytics.indicators AS
SELECT
    i.public_symbol AS symbol,
    x.timeframe,
    x.open_at,
    x.open_at + t.span AS close_at,
    x.n,
    x.sma_20,
    x.sma_50,
    x.ema_9,
    x.ema_21,
    x.ema_50,
    x.rsi_14,
    x.macd_12_26_9,
    x.macd_signal_12_26_9,
    x.macd_hist_12_26_9,
    x.atr_14,
    x.bb_upper_20_2,
    x.bb_middle_20_2,
    x.bb_lower_20_2,
    x.donchian_upper_20,
    x.donchian_lower_20,
    x.volume_sma_20,
    x.obv,
    x.adx_14
FROM market.indicators AS x
INNER JOIN market.instruments AS i ON x.instrument_id = i.instrument_id
INNER JOIN market.timeframes AS t ON x.timeframe = t.timeframe;
