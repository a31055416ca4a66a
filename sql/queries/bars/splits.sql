-- Purpose: what bars/splits.py runs: splits recorded, the adjustments that follow from them, and what to compute anew.

-- name: lock_instrument
-- Whoever writes bars or splits of an instrument queues up.
SELECT i.instrument_id
FROM market.instruments AS i
WHERE i.instrument_id = %(instrument_id)s::integer
FOR NO KEY UPDATE;

-- name: session_days
-- The day of the first session after the end of each day. A session's day is the UTC day of its middle: Sydney opens
-- at 23:00 UTC of the day before. Null where the calendar's sessions are not known that far.
SELECT
    u.day_end,
    (
        SELECT date_bin(INTERVAL '24 hours', s.open_at + (s.close_at - s.open_at) / 2, '2000-01-01 00:00:00+00')
        FROM market.sessions AS s
        WHERE s.calendar = %(calendar)s::text
            AND s.open_at > u.day_end - INTERVAL '24 hours' AND s.open_at < u.day_end + INTERVAL '336 hours'
            AND s.open_at + (s.close_at - s.open_at) / 2 >= u.day_end
        ORDER BY s.open_at
        LIMIT 1
    ) AS effective_at
FROM unnest(%(day_ends)s::timestamptz[]) AS u (day_end);

-- name: stored
SELECT p.effective_at, p.ratio
FROM market.splits AS p
WHERE p.instrument_id = %(instrument_id)s::integer
ORDER BY p.effective_at;

-- name: jumps
-- The raw closes and opens on both sides of each split, where bars stand within ten days on both sides.
SELECT
    u.effective_at,
    before.close AS close_before,
    later.open AS open_after
FROM unnest(%(effective_ats)s::timestamptz[]) AS u (effective_at)
CROSS JOIN LATERAL (
    SELECT b.close
    FROM market.instrument_bases AS r
    INNER JOIN market.bars AS b
        ON r.instrument_id = b.instrument_id AND r.base_timeframe = b.base_timeframe
        AND b.open_at >= r.rules_from AND b.open_at < r.rules_until
    WHERE r.instrument_id = %(instrument_id)s::integer
        AND b.open_at < u.effective_at AND b.open_at >= u.effective_at - INTERVAL '240 hours'
    ORDER BY b.open_at DESC
    LIMIT 1
) AS before
CROSS JOIN LATERAL (
    SELECT b.open
    FROM market.instrument_bases AS r
    INNER JOIN market.bars AS b
        ON r.instrument_id = b.instrument_id AND r.base_timeframe = b.base_timeframe
        AND b.open_at >= r.rules_from AND b.open_at < r.rules_until
    WHERE r.instrument_id = %(instrument_id)s::integer
        AND b.open_at >= u.effective_at AND b.open_at < u.effective_at + INTERVAL '240 hours'
    ORDER BY b.open_at
    LIMIT 1
) AS later
ORDER BY u.effective_at;

-- name: delete
DELETE FROM market.splits AS p
WHERE p.instrument_id = %(instrument_id)s::integer AND p.effective_at = ANY(%(effective_ats)s::timestamptz[]);

-- name: insert
INSERT INTO market.splits (instrument_id, effective_at, ratio, source, known_at)
SELECT %(instrument_id)s::integer, u.effective_at, u.ratio, %(source)s::text, %(now)s::timestamptz
FROM unnest(%(effective_ats)s::timestamptz[], %(ratios)s::double precision[]) AS u (effective_at, ratio);

-- name: delete_adjustments
DELETE FROM market.adjustments AS a WHERE a.instrument_id = %(instrument_id)s::integer;

-- name: insert_adjustments
INSERT INTO market.adjustments (instrument_id, from_at, to_at, price_factor)
SELECT
    %(instrument_id)s::integer,
    COALESCE(u.from_at, '-infinity'::timestamptz),
    COALESCE(u.to_at, 'infinity'::timestamptz),
    u.price_factor
FROM unnest(%(from_ats)s::timestamptz[], %(to_ats)s::timestamptz[], %(price_factors)s::double precision[])
AS u (from_at, to_at, price_factor);

-- name: record_dirty
-- Every bar before a split changed its price in today's shares, and what comes after hangs on them. A new id: see
-- ingest.sql.
INSERT INTO market.dirty_ranges (instrument_id, base_timeframe, from_at, to_at)
SELECT b.instrument_id, b.base_timeframe, min(b.open_at), max(b.open_at) + min(t.span)
FROM market.bars AS b
INNER JOIN market.timeframes AS t ON b.base_timeframe = t.timeframe
WHERE b.instrument_id = %(instrument_id)s::integer
GROUP BY b.instrument_id, b.base_timeframe
ON CONFLICT ON CONSTRAINT dirty_range_is_recorded_once DO UPDATE SET dirty_id = DEFAULT;
