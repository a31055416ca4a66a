-- Purpose: what jobs/topping_up.py runs: how far the bars of a feed's instruments reach.

-- name: reached
-- One row per instrument whose bars a source may write: the base that reaches furthest, the finer one of equals.
SELECT DISTINCT ON (i.instrument_id) -- noqa: LT01, LT06
    i.instrument_id,
    i.venue,
    i.symbol,
    i.asset_class,
    i.calendar,
    i.tick_size,
    i.is_simulated,
    w.timeframe,
    w.settled_through
FROM market.instrument_sources AS p
INNER JOIN market.instruments AS i ON p.instrument_id = i.instrument_id
INNER JOIN market.watermarks AS w ON i.instrument_id = w.instrument_id
INNER JOIN market.timeframes AS t ON w.timeframe = t.timeframe
WHERE i.is_active AND p.source = %(source)s::text AND i.venue = %(venue)s::text
ORDER BY i.instrument_id, w.settled_through DESC, t.position;
