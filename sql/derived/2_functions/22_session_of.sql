-- Purpose: the begin of the trading session that a bar belongs to; of the UTC day where the calendar has none of a
--          day there (24/7, currencies round the clock, a bar outside the sessions).
-- Grain:   one row per bar. Units: seconds since 1970, UTC.
-- Why a table: a function that reads a table is inlined in FROM alone, and called for every bar it took 24 µs.
-- Read by: market.indicator_rows (the VWAP of the session, pivots of the day before).
-- A parameter goes by the function's name:
-- noqa: disable=RF01
CREATE OR REPLACE FUNCTION market.session_of(
    calendar text, open_at timestamptz, close_at timestamptz
) RETURNS TABLE (began double precision)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT COALESCE(
    CASE
        WHEN session_of.calendar <> '24/7' THEN (
            SELECT CASE
                WHEN s.close_at > session_of.open_at AND s.close_at - s.open_at < INTERVAL '24 hours'
                    THEN date_part('epoch', s.open_at)
            END
            FROM market.sessions AS s
            WHERE s.calendar = session_of.calendar AND s.open_at < session_of.close_at
            ORDER BY s.open_at DESC
            LIMIT 1
        )
    END,
    floor(date_part('epoch', session_of.open_at) / 86400.0::double precision) * 86400.0::double precision
)
$$;
