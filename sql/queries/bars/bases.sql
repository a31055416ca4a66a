-- Purpose: what bars/bases.py runs: which base timeframe rules an instrument on which days.

-- name: with_another_base
-- The first base an instrument gets rules for ever, both ways. Told are instruments whose ruling bases may change by
-- what was written from first_at on. Those are left out that only went on as before: the base that was written rules at
-- the end, it had bars on an earlier day since `since` (a midnight), and no other base has any from that day on. A day
-- is ruled by what it holds and by the bases of the days with bars beside it. Read from the daily rollups and from what
-- waits to be rolled up: a few rows an instrument. Arrays are joined: as a condition the planner weighs every item.
WITH added AS (
    INSERT INTO market.instrument_bases (instrument_id, base_timeframe, rules_from)
    SELECT u.instrument_id, %(timeframe)s::text, '-infinity'::timestamptz
    FROM unnest(%(instrument_ids)s::integer[]) AS u (instrument_id)
    WHERE NOT EXISTS (SELECT 1 FROM market.instrument_bases AS r WHERE r.instrument_id = u.instrument_id)
    ON CONFLICT DO NOTHING
),

days AS (
    SELECT
        u.instrument_id,
        max(d.open_at) FILTER (
            WHERE d.base_timeframe = %(timeframe)s::text
                AND d.open_at < date_bin('24 hours', u.first_at, '2000-01-01 00:00:00+00'::timestamptz)
        ) AS last_day,
        max(d.open_at) FILTER (WHERE d.base_timeframe <> %(timeframe)s::text) AS last_day_of_others
    FROM unnest(%(instrument_ids)s::integer[], %(first_ats)s::timestamptz[]) AS u (instrument_id, first_at)
    LEFT JOIN market.bars_1d AS d ON u.instrument_id = d.instrument_id AND d.open_at >= %(since)s::timestamptz
    WHERE u.instrument_id IN (
        SELECT b.instrument_id FROM market.instrument_bases AS b WHERE b.base_timeframe <> %(timeframe)s::text
    )
    GROUP BY u.instrument_id
),

waiting AS (
    SELECT
        d.instrument_id,
        max(d.to_at) AS to_at
    FROM market.dirty_ranges AS d
    WHERE d.base_timeframe <> %(timeframe)s::text
    GROUP BY d.instrument_id
)

SELECT l.instrument_id
FROM days AS l
LEFT JOIN waiting AS w ON l.instrument_id = w.instrument_id
LEFT JOIN market.instrument_bases AS r
    ON l.instrument_id = r.instrument_id AND r.base_timeframe = %(timeframe)s::text AND r.rules_until = 'infinity'
WHERE (
    r.rules_from <= l.last_day
    AND COALESCE(l.last_day_of_others < l.last_day, TRUE)
    AND COALESCE(w.to_at <= l.last_day, TRUE)
) IS NOT TRUE
ORDER BY l.instrument_id;

-- name: days
-- One row per (base, day) that has bars, with the span they cover. Where the bars of the base that ruled a day were
-- dropped, the day stays with it, whatever else is there.
WITH dropped AS (
    SELECT
        r.base_timeframe,
        d.open_at AS day
    FROM market.instrument_bases AS r
    INNER JOIN market.retention AS k ON k.relation = 'market.bars' AND r.base_timeframe = k.timeframe
    INNER JOIN market.bars_1d AS d
        ON r.instrument_id = d.instrument_id AND r.base_timeframe = d.base_timeframe
        AND d.open_at >= r.rules_from AND d.open_at < r.rules_until AND d.open_at < k.kept_from
    WHERE r.instrument_id = %(instrument_id)s::integer
)

SELECT
    b.base_timeframe,
    b.day,
    min(b.open_at) AS first_at,
    max(b.close_at) AS last_at
FROM (
    SELECT
        b.base_timeframe,
        date_bin('24 hours', b.open_at, '2000-01-01 00:00:00+00'::timestamptz) AS day,
        b.open_at,
        b.open_at + t.span AS close_at
    FROM market.bars AS b
    INNER JOIN market.timeframes AS t ON b.base_timeframe = t.timeframe
    WHERE b.instrument_id = %(instrument_id)s::integer
) AS b
WHERE b.day NOT IN (SELECT d.day FROM dropped AS d)
GROUP BY 1, 2
UNION ALL
SELECT d.base_timeframe, d.day, d.day AS first_at, d.day + INTERVAL '24 hours' AS last_at
FROM dropped AS d
ORDER BY 2, 1;

-- name: stored
SELECT r.base_timeframe, NULLIF(r.rules_from, '-infinity') AS rules_from
FROM market.instrument_bases AS r
WHERE r.instrument_id = %(instrument_id)s::integer
ORDER BY r.rules_from;

-- name: delete
DELETE FROM market.instrument_bases AS r WHERE r.instrument_id = %(instrument_id)s::integer;

-- name: insert
INSERT INTO market.instrument_bases (instrument_id, base_timeframe, rules_from, rules_until)
SELECT
    %(instrument_id)s::integer,
    u.base_timeframe,
    COALESCE(u.rules_from, '-infinity'),
    COALESCE(lead(u.rules_from) OVER (ORDER BY u.rules_from NULLS FIRST), 'infinity')
FROM unnest(%(bases)s::text[], %(rules_from)s::timestamptz[]) AS u (base_timeframe, rules_from);

-- name: record_dirty
-- All that hangs on the bars from the first day on which another base rules now. A new id: see ingest.sql.
INSERT INTO market.dirty_ranges (instrument_id, base_timeframe, from_at, to_at)
SELECT
    b.instrument_id,
    b.base_timeframe,
    GREATEST(min(b.open_at), %(from_at)s::timestamptz),
    max(b.open_at) + min(t.span)
FROM market.bars AS b
INNER JOIN market.timeframes AS t ON b.base_timeframe = t.timeframe
WHERE b.instrument_id = %(instrument_id)s::integer AND b.open_at >= %(from_at)s::timestamptz
GROUP BY b.instrument_id, b.base_timeframe
ON CONFLICT ON CONSTRAINT dirty_range_is_recorded_once DO UPDATE SET dirty_id = DEFAULT;
