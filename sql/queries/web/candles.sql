-- Purpose: what web/candles.py runs: the closed bars around a signal, of its own timeframe, for its chart.

-- name: around
-- The latest bars that closed by the signal's close, and the first ones after it. The bounds in time leave out
-- chunks; the limits count bars, for markets are closed at times.
SELECT
    c.open_at,
    c.close_at,
    c.open,
    c.high,
    c.low,
    c.close,
    c.volume
FROM (
    (
        SELECT b.* -- noqa: AM04
        FROM market.instruments AS i
        INNER JOIN market.closed_bars AS b ON i.instrument_id = b.instrument_id
        WHERE i.public_symbol = %(symbol)s::text AND b.timeframe = %(timeframe)s::text
            AND b.open_at >= %(from_at)s::timestamptz AND b.open_at <= %(open_at)s::timestamptz
        ORDER BY b.open_at DESC
        LIMIT %(before)s::integer
    )
    UNION ALL
    (
        SELECT b.* -- noqa: AM04
        FROM market.instruments AS i
        INNER JOIN market.closed_bars AS b ON i.instrument_id = b.instrument_id
        WHERE i.public_symbol = %(symbol)s::text AND b.timeframe = %(timeframe)s::text
            AND b.open_at > %(open_at)s::timestamptz AND b.open_at < %(until_at)s::timestamptz
        ORDER BY b.open_at
        LIMIT %(after)s::integer
    )
) AS c
ORDER BY c.open_at;
