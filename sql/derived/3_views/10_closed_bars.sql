-- Purpose: the closed bars of every timeframe by the base that rules the instrument at that time; nothing finer
--          than the ruling base. A constant timeframe per branch: a filter on it prunes to one branch.
-- Grain:   one row per (instrument, timeframe, open_at).
-- Read by: indicators, snapshot, analytics.bars.
CREATE OR REPLACE VIEW market.closed_bars AS
SELECT
    b.instrument_id,
    '1m'::text AS timeframe,
    b.base_timeframe,
    b.open_at,
    b.open_at + INTERVAL '1 minute' AS close_at,
    b.open,
    b.high,
    b.low,
    b.close,
    b.volume,
    COALESCE(b.turnover, b.volume * (b.high + b.low + b.close) / 3.0::double precision) AS turnover,
    b.bar_count,
    b.filled_count,
    b.high_at,
    b.low_at,
    b.known_at
FROM market.bars AS b
INNER JOIN market.instrument_bases AS r
    ON b.instrument_id = r.instrument_id AND b.base_timeframe = r.base_timeframe
    AND b.open_at >= r.rules_from AND b.open_at < r.rules_until
WHERE b.base_timeframe IN ('1m')
UNION ALL
SELECT
    b.instrument_id,
    '5m'::text AS timeframe,
    b.base_timeframe,
    b.open_at,
    b.open_at + INTERVAL '5 minutes' AS close_at,
    b.open,
    b.high,
    b.low,
    b.close,
    b.volume,
    b.turnover,
    b.bar_count,
    b.filled_count,
    b.high_at,
    b.low_at,
    b.known_at
FROM market.bars_5m AS b
INNER JOIN market.instrument_bases AS r
    ON b.instrument_id = r.instrument_id AND b.base_timeframe = r.base_timeframe
    AND b.open_at >= r.rules_from AND b.open_at < r.rules_until
WHERE b.base_timeframe IN ('1m', '5m')
UNION ALL
SELECT
    b.instrument_id,
    '15m'::text AS timeframe,
    b.base_timeframe,
    b.open_at,
    b.open_at + INTERVAL '15 minutes' AS close_at,
    b.open,
    b.high,
    b.low,
    b.close,
    b.volume,
    b.turnover,
    b.bar_count,
    b.filled_count,
    b.high_at,
    b.low_at,
    b.known_at
FROM market.bars_15m AS b
INNER JOIN market.instrument_bases AS r
    ON b.instrument_id = r.instrument_id AND b.base_timeframe = r.base_timeframe
    AND b.open_at >= r.rules_from AND b.open_at < r.rules_until
WHERE b.base_timeframe IN ('1m', '5m', '15m')
UNION ALL
SELECT
    b.instrument_id,
    '1h'::text AS timeframe,
    b.base_timeframe,
    b.open_at,
    b.open_at + INTERVAL '1 hour' AS close_at,
    b.open,
    b.high,
    b.low,
    b.close,
    b.volume,
    b.turnover,
    b.bar_count,
    b.filled_count,
    b.high_at,
    b.low_at,
    b.known_at
FROM market.bars_1h AS b
INNER JOIN market.instrument_bases AS r
    ON b.instrument_id = r.instrument_id AND b.base_timeframe = r.base_timeframe
    AND b.open_at >= r.rules_from AND b.open_at < r.rules_until
WHERE b.base_timeframe IN ('1m', '5m', '15m', '1h')
UNION ALL
SELECT
    b.instrument_id,
    '4h'::text AS timeframe,
    b.base_timeframe,
    b.open_at,
    b.open_at + INTERVAL '4 hours' AS close_at,
    b.open,
    b.high,
    b.low,
    b.close,
    b.volume,
    b.turnover,
    b.bar_count,
    b.filled_count,
    b.high_at,
    b.low_at,
    b.known_at
FROM market.bars_4h AS b
INNER JOIN market.instrument_bases AS r
    ON b.instrument_id = r.instrument_id AND b.base_timeframe = r.base_timeframe
    AND b.open_at >= r.rules_from AND b.open_at < r.rules_until
WHERE b.base_timeframe IN ('1m', '5m', '15m', '1h', '4h')
UNION ALL
SELECT
    b.instrument_id,
    '1d'::text AS timeframe,
    b.base_timeframe,
    b.open_at,
    b.open_at + INTERVAL '24 hours' AS close_at,
    b.open,
    b.high,
    b.low,
    b.close,
    b.volume,
    b.turnover,
    b.bar_count,
    b.filled_count,
    b.high_at,
    b.low_at,
    b.known_at
FROM market.bars_1d AS b
INNER JOIN market.instrument_bases AS r
    ON b.instrument_id = r.instrument_id AND b.base_timeframe = r.base_timeframe
    AND b.open_at >= r.rules_from AND b.open_at < r.rules_until
WHERE b.base_timeframe IN ('1m', '5m', '15m', '1h', '4h', '1d');
