-- Purpose: OHLCV bars of all timeframes in today's shares, for analysts: what the indicators are computed from.
-- Grain:   one row per (symbol, timeframe, open_at), as analytics.bars, which holds the raw bars. Filter on timeframe.
-- Units:   prices and vwap in quote currency per share of today, volume in shares of today; [open_at, close_at) UTC.
--          price_factor: raw price × price_factor = price; 1 where no split came after the bar.
CREATE OR REPLACE VIEW analytics.adjusted_bars AS
SELECT
    i.public_symbol AS symbol,
    b.timeframe,
    b.open_at,
    b.close_at,
    b.open,
    b.high,
    b.low,
    b.close,
    b.volume,
    b.turnover / NULLIF(b.volume, 0.0::double precision) AS vwap,
    b.bar_count,
    b.filled_count,
    b.base_timeframe,
    b.known_at,
    b.price_factor
FROM market.adjusted_bars AS b
INNER JOIN market.instruments AS i ON b.instrument_id = i.instrument_id;
