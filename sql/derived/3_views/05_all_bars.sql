-- Purpose: the bars of every base and timeframe side by side, as they were stored or rolled up, ruling or not.
-- Grain:   one row per (instrument, base, timeframe, open_at). bases: the bases from which the timeframe may be made.
-- Read by: market.closed_bars and market.adjusted_bars, which pick the ruling base.
-- Why a bare union without a condition: PostgreSQL hands a join's keys only to branches that are one bare relation,
-- and a filter on the timeframe, constant in each branch, prunes to one of them.
CREATE OR REPLACE VIEW market.all_bars AS
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
FROM market.bars_1d AS b;
