-- Purpose: runs of expected bars that are missing, by the ruling base: from its first bar of each of its spans to its
--          watermark. Bars we filled in ourselves count as missing. Whole runs only: those that reach beyond `since`
--          are given from their beginning.
-- Grain:   one row per run: expected bars that follow each other, with no bar of ours in between. A run goes on across
--          a night or a weekend; from_at and to_at are on the grid, at the first and the last bar that is missing.
-- Read by: bars/gaps.py. Only holes between two stored bars are held against the calendar.
-- noqa: disable=RF01,RF03
CREATE OR REPLACE FUNCTION market.missing_runs(instrument_ids integer[], since timestamptz)
RETURNS TABLE (
    instrument_id integer, base_timeframe text, from_at timestamptz, to_at timestamptz, missing bigint
)
LANGUAGE sql STABLE
AS $$
    WITH spans AS (
        SELECT
            r.instrument_id,
            r.base_timeframe,
            i.calendar,
            t.span,
            t.seconds,
            date_bin(
                t.span, LEAST(r.rules_until, w.settled_through), '2000-01-01 00:00:00+00'::timestamptz
            ) AS through,
            -- The last bar before, so that a run that was open then is seen whole.
            COALESCE((
                SELECT b.open_at
                FROM market.bars AS b
                WHERE b.instrument_id = r.instrument_id AND b.base_timeframe = r.base_timeframe
                    AND b.open_at >= r.rules_from AND b.open_at <= missing_runs.since AND b.filled_count = 0
                ORDER BY b.open_at DESC
                LIMIT 1
            ), (
                SELECT b.open_at
                FROM market.bars AS b
                WHERE b.instrument_id = r.instrument_id AND b.base_timeframe = r.base_timeframe
                    AND b.open_at >= r.rules_from AND b.filled_count = 0
                ORDER BY b.open_at
                LIMIT 1
            )) AS start_at
        FROM market.instrument_bases AS r
        INNER JOIN market.instruments AS i ON r.instrument_id = i.instrument_id
        INNER JOIN market.timeframes AS t ON r.base_timeframe = t.timeframe
        INNER JOIN market.watermarks AS w ON r.instrument_id = w.instrument_id AND r.base_timeframe = w.timeframe
        WHERE r.instrument_id = ANY(missing_runs.instrument_ids) AND r.rules_until > missing_runs.since
    ),
    holes AS (
        -- One index scan per span: joined as a whole, all bars would be read.
        SELECT s.instrument_id, s.base_timeframe, s.calendar, s.seconds, h.from_at, h.to_at
        FROM spans AS s
        CROSS JOIN LATERAL (
            SELECT b.open_at + s.span AS from_at, lead(b.open_at, 1, s.through) OVER (ORDER BY b.open_at) AS to_at
            FROM market.bars AS b
            WHERE b.instrument_id = s.instrument_id AND b.base_timeframe = s.base_timeframe
                AND b.open_at >= s.start_at AND b.open_at < s.through AND b.filled_count = 0
        ) AS h
    ),
    runs AS (
        SELECT
            h.instrument_id,
            h.base_timeframe,
            h.seconds,
            CASE
                WHEN h.calendar = '24/7'
                    THEN int8multirange(int8range(
                        (date_part('epoch', h.from_at) / h.seconds)::bigint,
                        (date_part('epoch', h.to_at) / h.seconds)::bigint
                    ))
                ELSE (
                    SELECT range_agg(int8range(
                        floor(date_part('epoch', GREATEST(s.open_at, h.from_at)) / h.seconds)::bigint,
                        ceil(date_part('epoch', LEAST(s.close_at, h.to_at)) / h.seconds)::bigint
                    ))
                    FROM market.sessions AS s
                    WHERE s.calendar = h.calendar AND s.open_at < h.to_at AND s.close_at > h.from_at
                        -- No session is longer than a week: the index need not be read from its beginning.
                        AND s.open_at > h.from_at - INTERVAL '168 hours'
                )
            END AS bars
        FROM holes AS h
        WHERE h.to_at > h.from_at AND h.to_at > missing_runs.since
    )
    SELECT
        r.instrument_id,
        r.base_timeframe,
        to_timestamp((lower(r.bars) * r.seconds)::double precision),
        to_timestamp((upper(r.bars) * r.seconds)::double precision),
        (SELECT sum(upper(m.bars) - lower(m.bars)) FROM unnest(r.bars) AS m (bars))::bigint
    FROM runs AS r
    WHERE NOT isempty(r.bars)
$$;
