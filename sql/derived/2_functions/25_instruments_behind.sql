-- Purpose: whether each active instrument is behind: more than two expected bars of the base that was settled last
--          have come and gone since it was settled. A gap longer than a week is not counted out.
-- Grain:   one row per active instrument that is listed then. Read by: jobs/health.py and api/metrics.py.
-- noqa: disable=RF01,RF02,RF03
CREATE OR REPLACE FUNCTION market.instruments_behind(as_of timestamptz)
RETURNS TABLE (instrument_id integer, is_behind boolean)
LANGUAGE sql STABLE
AS $$
    SELECT
        i.instrument_id,
        COALESCE(w.is_behind, TRUE)
    FROM market.instruments AS i
    LEFT JOIN LATERAL (
        SELECT
            market.expected_bars(
                i.calendar, w.timeframe, GREATEST(w.settled_through, as_of - INTERVAL '192 hours'), as_of
            ) > 2 AS is_behind
        FROM market.watermarks AS w
        INNER JOIN market.timeframes AS b ON w.timeframe = b.timeframe
        WHERE w.instrument_id = i.instrument_id
        ORDER BY w.settled_through DESC, b.position
        LIMIT 1
    ) AS w ON TRUE
    WHERE i.is_active
        AND NOT EXISTS (
            SELECT 1 FROM market.instrument_status AS u
            WHERE u.instrument_id = i.instrument_id AND u.status <> 'listed'
                AND u.valid_from <= as_of AND u.valid_until > as_of
        )
$$;
