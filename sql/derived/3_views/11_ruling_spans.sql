-- Purpose: on which spans which base bars of an instrument count, and by what their prices are multiplied to be in
--          today's shares: instrument_bases cut at the splits.
-- Grain:   one row per (instrument, span of one ruling base between two splits), [from_at, until_at) UTC.
-- Read by: outcomes, analytics.open_signals. Bars are looked up per span, so that no bar is looked up twice.
CREATE OR REPLACE VIEW market.ruling_spans AS
SELECT
    r.instrument_id,
    r.base_timeframe,
    -- Both leave out nulls: without splits these are the spans of instrument_bases.
    GREATEST(r.rules_from, a.from_at) AS from_at,
    LEAST(r.rules_until, a.to_at) AS until_at,
    COALESCE(a.price_factor, 1.0::double precision) AS price_factor
FROM market.instrument_bases AS r
LEFT JOIN market.adjustments AS a
    ON r.instrument_id = a.instrument_id AND a.from_at < r.rules_until AND a.to_at > r.rules_from;
