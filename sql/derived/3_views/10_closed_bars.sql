-- Purpose: the closed bars of every timeframe by the base that rules the instrument at that time; nothing finer
--          than the ruling base. A constant timeframe per branch: a filter on it prunes to one branch.
-- Grain:   one row per (instrument, timeframe, open_at).
-- Read by: indicators, snapshot, analytics.bars.
-- Why all conditions stand outside the branches: PostgreSQL hands a join's keys only to branches that are one bare
-- relation. bases holds the base timeframes from which a branch may be made.
CREATE OR REPLACE VIEW market.closed_bars AS
SELECT
    b.instrument_id,
    b.timeframe,
    b.base_timeframe,
    b.open_at,
    b.close_at,
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
FROM (
    SELECT
        b.instrument_id, '1m'::text AS timeframe, ARRAY['1m'] AS bases, b.base_timeframe, b.open_at,
        b.open_at + INTERVAL '1 minute' AS close_at, b.open, b.high, b.low, b.close, b.volume,
        COALESCE(b.turnover, b.volume * (b.high + b.low + b.close) / 3.0::double precision) AS turnover,
        b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at
    FROM market.bars AS b
    UNION ALL
    SELECT
        b.instrument_id, '5m'::text AS timeframe, ARRAY['1m', '5m'] AS bases, b.base_timeframe, b.open_at,
        b.open_at + INTERVAL '5 minutes' AS close_at, b.open, b.high, b.low, b.close, b.volume,
        b.turnover,
        b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at
    FROM market.bars_5m AS b
    UNION ALL
    SELECT
        b.instrument_id, '15m'::text AS timeframe, ARRAY['1m', '5m', '15m'] AS bases, b.base_timeframe, b.open_at,
        b.open_at + INTERVAL '15 minutes' AS close_at, b.open, b.high, b.low, b.close, b.volume,
        b.turnover,
        b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at
    FROM market.bars_15m AS b
    UNION ALL
    SELECT
        b.instrument_id, '1h'::text AS timeframe, ARRAY['1m', '5m', '15m', '1h'] AS bases, b.base_timeframe, b.open_at,
        b.open_at + INTERVAL '1 hour' AS close_at, b.open, b.high, b.low, b.close, b.volume,
        b.turnover,
        b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at
    FROM market.bars_1h AS b
    UNION ALL
    SELECT
        b.instrument_id, '4h'::text AS timeframe, ARRAY['1m', '5m', '15m', '1h', '4h'] AS bases,
        b.base_timeframe, b.open_at,
        b.open_at + INTERVAL '4 hours' AS close_at, b.open, b.high, b.low, b.close, b.volume,
        b.turnover,
        b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at
    FROM market.bars_4h AS b
    UNION ALL
    SELECT
        b.instrument_id, '1d'::text AS timeframe, ARRAY['1m', '5m', '15m', '1h', '4h', '1d'] AS bases,
        b.base_timeframe, b.open_at,
        b.open_at + INTERVAL '24 hours' AS close_at, b.open, b.high, b.low, b.close, b.volume,
        b.turnover,
        b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at
    FROM market.bars_1d AS b
) AS b
INNER JOIN market.instrument_bases AS r
    ON b.instrument_id = r.instrument_id AND b.base_timeframe = r.base_timeframe
    AND r.base_timeframe = ANY(b.bases)
    AND b.open_at >= r.rules_from AND b.open_at < r.rules_until;
