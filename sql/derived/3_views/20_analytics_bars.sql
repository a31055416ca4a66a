-- Purpose: OHLCV bars of all timeframes for analysts.
-- Grain:   one row per (symbol, timeframe, open_at). Filter on timeframe: it prunes to one relation.
-- Units:   prices and vwap in quote currency (vwap null at zero volume), volume in base units; [open_at, close_at) UTC.
-- is_filled: we filled in filled_count of its base bars ourselves, flat at the last close and without volume.
-- is_complete: all expected session bars are there, or the span is settled: what is missing was not traded.
CREATE OR REPLACE VIEW analytics.bars AS
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
    b.filled_count > 0 AS is_filled,
    CASE
        WHEN w.settled_through >= b.close_at THEN TRUE
        ELSE b.bar_count >= market.expected_bars(i.calendar, b.base_timeframe, b.open_at, b.close_at)
    END AS is_complete,
    b.base_timeframe,
    b.high_at,
    b.low_at,
    b.known_at
FROM market.closed_bars AS b
INNER JOIN market.instruments AS i ON b.instrument_id = i.instrument_id
LEFT JOIN market.watermarks AS w
    ON b.instrument_id = w.instrument_id AND b.base_timeframe = w.timeframe;
