-- Purpose: how many bars of a timeframe a calendar lets us expect in [from_at, to_at): bars of the UTC grid
--          that overlap a session, for a bar may straddle the session's open. 24/7 has no sessions: all bars.
-- Read by: analytics.bars (is_complete). Bounds: 0 and up; null for an unknown timeframe.
-- Runs as its owner, for the analysts who read the view may not read the tables; its names are bound when it is made.
-- A parameter goes by the function's name or by none:
-- noqa: disable=RF01,RF03
CREATE OR REPLACE FUNCTION market.expected_bars(
    calendar text, timeframe text, from_at timestamptz, to_at timestamptz
) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
BEGIN ATOMIC
    SELECT CASE
        WHEN expected_bars.calendar = '24/7'
            THEN (date_part('epoch', to_at - from_at) / t.seconds)::bigint
        ELSE (
            -- Ranges of the grid, united: a bar that holds parts of two sessions counts once.
            SELECT COALESCE(sum(upper(g.bars) - lower(g.bars)), 0)::bigint
            FROM (
                SELECT unnest(range_agg(int8range(
                    floor(date_part('epoch', GREATEST(s.open_at, from_at)) / t.seconds)::bigint,
                    ceil(date_part('epoch', LEAST(s.close_at, to_at)) / t.seconds)::bigint
                ))) AS bars
                FROM market.sessions AS s
                WHERE s.calendar = expected_bars.calendar AND s.open_at < to_at AND s.close_at > from_at
                    -- No session is longer than a week: the index need not be read from its beginning.
                    AND s.open_at > from_at - INTERVAL '168 hours'
            ) AS g
        )
    END
    FROM market.timeframes AS t
    WHERE t.timeframe = expected_bars.timeframe;
END;
