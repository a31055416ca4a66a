-- Purpose: the closed bars of every timeframe by the base that rules the instrument at that time; nothing finer
--          than the ruling base. A filter on the timeframe prunes to one relation.
-- Grain:   one row per (instrument, timeframe, open_at).
-- Read by: what lists closes, analytics.bars. In today's shares: market.adjusted_bars.
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
FROM market.all_bars AS b
INNER JOIN market.instrument_bases AS r
    ON b.instrument_id = r.instrument_id AND b.base_timeframe = r.base_timeframe
    AND r.base_timeframe = ANY(b.bases)
    AND b.open_at >= r.rules_from AND b.open_at < r.rules_until;
