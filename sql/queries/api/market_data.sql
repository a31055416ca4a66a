-- Purpose: what api/market_data.py runs: an instrument's closed bars with their indicators.
-- The limit is taken on the indicators, which hold one row per closed bar under one index; bars are joined to what is
-- left. A bar is there as soon as it has been rolled up and its indicators are computed.

-- name: newest
SELECT x.timeframe, x.open_at
FROM market.timeframes AS t
CROSS JOIN LATERAL (
    SELECT x.timeframe, x.open_at
    FROM market.indicators AS x
    WHERE x.instrument_id = %(instrument_id)s::integer AND x.timeframe = t.timeframe
    ORDER BY x.open_at DESC
    LIMIT 1
) AS x
ORDER BY t.position;

-- name: history
WITH rows AS MATERIALIZED (
    SELECT x.*
    FROM market.indicators AS x
    WHERE x.instrument_id = %(instrument_id)s::integer AND x.timeframe = %(timeframe)s::text
        AND x.open_at >= %(from_at)s::timestamptz AND x.open_at < %(to_at)s::timestamptz
    ORDER BY x.open_at DESC
    LIMIT %(limit)s::integer
)
SELECT
    b.close_at, b.open, b.high, b.low, b.close, b.volume, b.bar_count, b.filled_count,
    b.turnover / nullif(b.volume, 0.0::double precision) AS vwap, x.* -- noqa: AM04
FROM rows AS x
INNER JOIN market.adjusted_bars AS b
    ON x.instrument_id = b.instrument_id AND x.open_at = b.open_at
WHERE b.instrument_id = %(instrument_id)s::integer AND b.timeframe = %(timeframe)s::text
    AND b.open_at >= (SELECT min(r.open_at) FROM rows AS r)
    AND b.open_at <= (SELECT max(r.open_at) FROM rows AS r)
ORDER BY x.open_at;
