-- Purpose: the closed bars in today's shares: what indicators and the snapshot are made of. Dividends are left in.
-- Grain:   one row per (instrument, timeframe, open_at), as market.closed_bars, which holds the raw bars.
-- Units:   raw price = price / price_factor, raw volume = volume × price_factor; turnover is money and stays as it is.
-- Read by: indicators, snapshot, the API's bars with indicators, the page's charts, analytics.adjusted_bars.
-- Without splits the factor is 1.0, which changes no bit. Bars are looked up per span, as in market.closed_bars: no bar
-- is joined to its factor, which made reading twice as slow.
CREATE OR REPLACE VIEW market.adjusted_bars AS
SELECT
    b.instrument_id,
    b.timeframe,
    b.base_timeframe,
    b.open_at,
    b.close_at,
    b.open * r.price_factor AS open,
    b.high * r.price_factor AS high,
    b.low * r.price_factor AS low,
    b.close * r.price_factor AS close,
    b.volume / r.price_factor AS volume,
    b.turnover,
    b.bar_count,
    b.filled_count,
    b.high_at,
    b.low_at,
    b.known_at,
    r.price_factor
FROM market.all_bars AS b
INNER JOIN market.ruling_spans AS r
    ON b.instrument_id = r.instrument_id AND b.base_timeframe = r.base_timeframe
    AND r.base_timeframe = ANY(b.bases)
    AND b.open_at >= r.from_at AND b.open_at < r.until_at;
