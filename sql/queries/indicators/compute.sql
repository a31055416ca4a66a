-- Purpose: what indicators/compute.py runs beside written.sql: what is forgotten before rows are computed again.
--          The formula itself is sql/indicators.sql.

-- name: make_room
-- Compressed chunks: see bars/ingest.sql. The rows of a batch are kept in memory until they are stored.
SELECT
    set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', TRUE),
    set_config('work_mem', '64MB', TRUE);

-- name: calendars
-- Calendars with sessions, and from when on bars of theirs are computed.
SELECT
    i.calendar,
    min(GREATEST(b.rules_from, '1970-01-01 00:00:00+00'::timestamptz)) AS from_at
FROM market.instruments AS i
INNER JOIN market.instrument_bases AS b ON i.instrument_id = b.instrument_id
WHERE i.instrument_id = ANY(%(instrument_ids)s::integer[]) AND i.calendar <> '24/7'
GROUP BY i.calendar;

-- name: checks
-- Up to where each instrument is computed before it is looked whether its states are what they were: the first anchor
-- behind the last touched bar, `skipped` anchors further on; 'infinity' where there is none.
SELECT
    u.instrument_id,
    COALESCE(a.open_at, 'infinity')::text AS check_at,
    COALESCE(a.open_at + INTERVAL '1 microsecond', 'infinity')::text AS until_at
FROM unnest(%(instrument_ids)s::integer[], %(to_ats)s::timestamptz[]) AS u (instrument_id, to_at)
LEFT JOIN LATERAL (
    SELECT s.open_at
    FROM market.indicator_state AS s
    WHERE s.instrument_id = u.instrument_id AND s.timeframe = %(timeframe)s::text AND s.is_anchor
        AND s.open_at >= u.to_at
    ORDER BY s.open_at
    LIMIT 1 OFFSET %(skipped)s::integer
) AS a ON TRUE
ORDER BY u.instrument_id;

-- name: forget_states
DELETE FROM market.indicator_state AS s
USING unnest(%(instrument_ids)s::integer[], %(from_ats)s::timestamptz[], %(check_ats)s::timestamptz[])
    AS u (instrument_id, from_at, check_at)
WHERE s.instrument_id = u.instrument_id AND s.timeframe = %(timeframe)s::text
    AND s.open_at >= u.from_at AND s.open_at < u.check_at;

-- name: bounds
-- Neither before the one nor after the other is anything computed again.
SELECT
    COALESCE(min(COALESCE((
        SELECT max(s.open_at) FROM market.indicator_state AS s
        WHERE s.instrument_id = u.instrument_id AND s.timeframe = %(timeframe)s::text AND s.open_at < u.from_at
    ), '-infinity')), '-infinity')::text AS after,
    COALESCE(max(u.check_at), 'infinity')::text AS until
FROM unnest(%(instrument_ids)s::integer[], %(from_ats)s::timestamptz[], %(check_ats)s::timestamptz[])
    AS u (instrument_id, from_at, check_at);

-- name: forget_rows
-- All rows after the anchor are computed again; where another base rules now some have no bar any more. The constants
-- let PostgreSQL leave out chunks, and TimescaleDB unpack no more of a compressed one than it must.
DELETE FROM market.indicators AS x
USING (
    SELECT
        u.instrument_id,
        u.check_at,
        (
            SELECT max(s.open_at) FROM market.indicator_state AS s
            WHERE s.instrument_id = u.instrument_id AND s.timeframe = %(timeframe)s::text AND s.open_at < u.from_at
        ) AS anchor_at
    FROM unnest(%(instrument_ids)s::integer[], %(from_ats)s::timestamptz[], %(check_ats)s::timestamptz[])
        AS u (instrument_id, from_at, check_at)
) AS r
WHERE x.instrument_id = r.instrument_id AND x.timeframe = %(timeframe)s::text
    AND x.open_at > COALESCE(r.anchor_at, '-infinity'::timestamptz) AND x.open_at <= r.check_at
    AND x.instrument_id = ANY(%(instrument_ids)s::integer[])
    AND x.open_at > %(after)s::timestamptz AND x.open_at <= %(until)s::timestamptz;

-- name: thin_states
-- Only anchors stay beside the latest row's state.
DELETE FROM market.indicator_state AS s
WHERE s.instrument_id = ANY(%(instrument_ids)s::integer[]) AND s.timeframe = %(timeframe)s::text
    AND NOT s.is_anchor
    AND EXISTS (
        SELECT 1 FROM market.indicator_state AS l
        WHERE l.instrument_id = s.instrument_id AND l.timeframe = s.timeframe AND l.open_at > s.open_at
    );
