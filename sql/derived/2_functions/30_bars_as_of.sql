-- Purpose: the bars of a symbol as they were known at an instant: the versions believed then, rolled up.
-- Grain:   one row per bar of the timeframe that opens in [from_at, to_at) and closed by known_at, of the base that
--          rules now.
-- Read by: auditors and analysts: SELECT * FROM market.bars_as_of('BTC/USDT', '1h', from, to, known_at).
-- PL/pgSQL: its text is looked at when it runs, so that it may stand before the views.
CREATE OR REPLACE FUNCTION market.bars_as_of(
    symbol text, timeframe text, from_at timestamptz, to_at timestamptz, known_at timestamptz
) RETURNS TABLE (
    open_at timestamptz, open double precision, high double precision, low double precision,
    close double precision, volume double precision, turnover double precision,
    bar_count integer, filled_count integer
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH asked AS (
        SELECT
            i.instrument_id, t.span, t.position,
            -- Whole bars only: the first and the last grid point of the span.
            date_bin(t.span, bars_as_of.from_at + t.span - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00')
                AS first_at,
            date_bin(t.span, bars_as_of.to_at + t.span - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00')
                AS end_at
        FROM market.instruments AS i
        INNER JOIN market.timeframes AS t ON t.timeframe = bars_as_of.timeframe
        WHERE i.public_symbol = bars_as_of.symbol
    ),
    versions AS (
        SELECT b.instrument_id, b.base_timeframe, b.open_at, b.open, b.high, b.low, b.close, b.volume,
            b.turnover, b.filled_count
        FROM market.bars AS b
        INNER JOIN asked AS a ON b.instrument_id = a.instrument_id
        WHERE b.open_at >= a.first_at AND b.open_at < a.end_at
            AND b.known_at <= bars_as_of.known_at
        UNION ALL
        SELECT v.instrument_id, v.base_timeframe, v.open_at, v.open, v.high, v.low, v.close, v.volume,
            v.turnover, v.filled_count
        FROM market.bar_revisions AS v
        INNER JOIN asked AS a ON v.instrument_id = a.instrument_id
        WHERE v.open_at >= a.first_at AND v.open_at < a.end_at
            AND v.known_at <= bars_as_of.known_at AND v.superseded_at > bars_as_of.known_at
    )
    SELECT
        date_bin(a.span, b.open_at, '2000-01-01 00:00:00+00'::timestamptz),
        (array_agg(b.open ORDER BY b.open_at))[1],
        max(b.high),
        min(b.low),
        (array_agg(b.close ORDER BY b.open_at DESC))[1],
        sum(b.volume ORDER BY b.open_at),
        sum(COALESCE(b.turnover, b.volume * (b.high + b.low + b.close) / 3.0::double precision) ORDER BY b.open_at),
        count(*)::integer,
        sum(b.filled_count)::integer
    FROM versions AS b
    INNER JOIN asked AS a ON b.instrument_id = a.instrument_id
    INNER JOIN market.timeframes AS t ON b.base_timeframe = t.timeframe AND t.position <= a.position
    INNER JOIN market.instrument_bases AS r
        ON b.instrument_id = r.instrument_id AND b.base_timeframe = r.base_timeframe
        AND b.open_at >= r.rules_from AND b.open_at < r.rules_until
    GROUP BY 1, a.span
    HAVING date_bin(a.span, min(b.open_at), '2000-01-01 00:00:00+00'::timestamptz) + a.span <= bars_as_of.known_at
    ORDER BY 1;
END
$$;
