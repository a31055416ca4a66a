-- Purpose: what indicators/newest.py runs: the indicators of an instrument's newest closed bar.

-- name: newest
-- The bar's own versions say since when it is known; indicators follow from the bars alone.
SELECT
    x.open_at,
    x.open_at + t.span AS close_at,
    x.n,
    b.known_at,
    x.indicators
FROM market.timeframes AS t
CROSS JOIN LATERAL (
    SELECT
        i.open_at,
        i.n,
        to_jsonb(i) AS indicators
    FROM market.indicators AS i
    WHERE i.instrument_id = %(instrument_id)s::integer AND i.timeframe = t.timeframe
    ORDER BY i.open_at DESC
    LIMIT 1
) AS x
LEFT JOIN market.closed_bars AS b
    ON b.instrument_id = %(instrument_id)s::integer
    AND b.timeframe = %(timeframe)s::text
    AND b.open_at = x.open_at
WHERE t.timeframe = %(timeframe)s::text;

-- name: timeframes
SELECT t.timeframe
FROM market.timeframes AS t
WHERE EXISTS (
    SELECT 1 FROM market.indicators AS i
    WHERE i.instrument_id = %(instrument_id)s::integer AND i.timeframe = t.timeframe
)
ORDER BY t.position;
