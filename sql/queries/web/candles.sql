-- Purpose: what web/candles.py runs: the closed bars around a signal, of its own timeframe, for its chart.

-- name: around
-- The latest bars that closed by the signal's close, and the first ones after it. The bounds in time leave out
-- chunks; the limits count bars, for markets are closed at times. Prices are those of the signal's date, as its
-- levels are, whatever was split since.
SELECT
    c.open_at,
    c.close_at,
    c.open / f.price_factor AS open,
    c.high / f.price_factor AS high,
    c.low / f.price_factor AS low,
    c.close / f.price_factor AS close,
    c.volume * f.price_factor AS volume
FROM (
    (
        SELECT b.* -- noqa: AM04
        FROM market.instruments AS i
        INNER JOIN market.adjusted_bars AS b ON i.instrument_id = b.instrument_id
        WHERE i.public_symbol = %(symbol)s::text AND b.timeframe = %(timeframe)s::text
            AND b.open_at >= %(from_at)s::timestamptz AND b.open_at <= %(open_at)s::timestamptz
        ORDER BY b.open_at DESC
        LIMIT %(before)s::integer
    )
    UNION ALL
    (
        SELECT b.* -- noqa: AM04
        FROM market.instruments AS i
        INNER JOIN market.adjusted_bars AS b ON i.instrument_id = b.instrument_id
        WHERE i.public_symbol = %(symbol)s::text AND b.timeframe = %(timeframe)s::text
            AND b.open_at > %(open_at)s::timestamptz AND b.open_at < %(until_at)s::timestamptz
        ORDER BY b.open_at
        LIMIT %(after)s::integer
    )
) AS c
CROSS JOIN (
    SELECT COALESCE((
        SELECT a.price_factor
        FROM market.adjustments AS a
        INNER JOIN market.instruments AS i ON a.instrument_id = i.instrument_id
        WHERE i.public_symbol = %(symbol)s::text
            AND a.from_at <= %(open_at)s::timestamptz AND a.to_at > %(open_at)s::timestamptz
    ), 1.0::double precision) AS price_factor
) AS f
ORDER BY c.open_at;
