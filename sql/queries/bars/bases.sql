-- Purpose: what bars/bases.py runs: which base timeframe rules an instrument on which days.

-- name: add_first_base
-- The first base an instrument gets rules for ever, both ways.
INSERT INTO market.instrument_bases (instrument_id, base_timeframe, rules_from)
SELECT u.instrument_id, %(timeframe)s::text, '-infinity'::timestamptz
FROM unnest(%(instrument_ids)s::integer[]) AS u (instrument_id)
WHERE NOT EXISTS (SELECT 1 FROM market.instrument_bases AS r WHERE r.instrument_id = u.instrument_id)
ON CONFLICT DO NOTHING;

-- name: with_another_base
SELECT DISTINCT b.instrument_id
FROM market.instrument_bases AS b
WHERE b.instrument_id = ANY(%(instrument_ids)s::integer[]) AND b.base_timeframe <> %(timeframe)s::text
ORDER BY b.instrument_id;

-- name: days
-- One row per (base, day) that has bars, with the span they cover.
SELECT
    b.base_timeframe,
    date_bin('24 hours', b.open_at, '2000-01-01 00:00:00+00'::timestamptz) AS day,
    min(b.open_at) AS first_at,
    max(b.open_at) + min(t.span) AS last_at
FROM market.bars AS b
INNER JOIN market.timeframes AS t ON b.base_timeframe = t.timeframe
WHERE b.instrument_id = %(instrument_id)s::integer
GROUP BY 1, 2
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
