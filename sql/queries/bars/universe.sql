-- Purpose: what bars/universe.py runs: in which spans an instrument was listed, halted or delisted.
-- Spans of an instrument never overlap: what is recorded later cuts what stood there. No span means listed.
-- An open end is 'infinity' in the table and null outside: Python knows no such instant.

-- name: lock_instrument
SELECT i.instrument_id
FROM market.instruments AS i
WHERE i.instrument_id = %(instrument_id)s::integer
FOR NO KEY UPDATE;

-- name: is_recorded
SELECT EXISTS ( -- noqa: CP03, LT01, LT06
    SELECT 1
    FROM market.instrument_status AS u
    WHERE u.instrument_id = %(instrument_id)s::integer AND u.status = %(status)s::text
        AND u.valid_from <= %(from_at)s::timestamptz
        AND u.valid_until >= COALESCE(%(until)s::timestamptz, 'infinity'::timestamptz)
);

-- name: keep_what_comes_after
-- A span that reaches beyond the new one goes on at its end.
INSERT INTO market.instrument_status (instrument_id, valid_from, valid_until, status, source, recorded_at)
SELECT u.instrument_id, %(until)s::timestamptz, u.valid_until, u.status, u.source, u.recorded_at
FROM market.instrument_status AS u
WHERE u.instrument_id = %(instrument_id)s::integer
    AND u.valid_from < %(until)s::timestamptz AND u.valid_until > %(until)s::timestamptz
    AND u.valid_until > %(from_at)s::timestamptz;

-- name: keep_what_came_before
UPDATE market.instrument_status AS u SET valid_until = %(from_at)s::timestamptz
WHERE u.instrument_id = %(instrument_id)s::integer
    AND u.valid_from < %(from_at)s::timestamptz AND u.valid_until > %(from_at)s::timestamptz;

-- name: forget_what_stood_there
DELETE FROM market.instrument_status AS u
WHERE u.instrument_id = %(instrument_id)s::integer
    AND u.valid_from >= %(from_at)s::timestamptz
    AND u.valid_from < COALESCE(%(until)s::timestamptz, 'infinity'::timestamptz);

-- name: insert
INSERT INTO market.instrument_status (instrument_id, valid_from, valid_until, status, source, recorded_at)
VALUES (
    %(instrument_id)s::integer,
    %(from_at)s::timestamptz,
    COALESCE(%(until)s::timestamptz, 'infinity'::timestamptz),
    %(status)s::text,
    %(source)s::text,
    %(now)s::timestamptz
);

-- name: told_otherwise
-- Instruments of a source of which its venue says something else than what is recorded for now, and how many there
-- are. One that it does not name is delisted. What is recorded for later stays.
SELECT
    i.instrument_id,
    i.public_symbol,
    COALESCE(k.status, 'delisted') AS told,
    COALESCE(u.status, 'listed') AS recorded,
    (
        SELECT min(n.valid_from)
        FROM market.instrument_status AS n
        WHERE n.instrument_id = i.instrument_id AND n.valid_from > %(now)s::timestamptz
    ) AS until,
    (
        SELECT count(*)
        FROM market.instrument_sources AS a
        INNER JOIN market.instruments AS v ON a.instrument_id = v.instrument_id
        WHERE a.source = p.source AND v.venue = i.venue
    ) AS instruments
FROM market.instrument_sources AS p
INNER JOIN market.instruments AS i ON p.instrument_id = i.instrument_id
LEFT JOIN unnest(%(symbols)s::text[], %(statuses)s::text[]) AS k (symbol, status) ON p.source_symbol = k.symbol
LEFT JOIN market.instrument_status AS u
    ON i.instrument_id = u.instrument_id
    AND u.valid_from <= %(now)s::timestamptz AND u.valid_until > %(now)s::timestamptz
WHERE p.source = %(source)s::text AND i.venue = %(venue)s::text
    AND COALESCE(k.status, 'delisted') <> COALESCE(u.status, 'listed')
ORDER BY i.instrument_id;

-- name: spans
-- The universe of one instrument or of all, at an instant or at any time; what is recorded and what follows from it.
SELECT u.symbol, u.venue, u.status, u.valid_from, u.valid_until, u.source
FROM analytics.universe AS u
WHERE (%(symbol)s::text IS NULL OR u.symbol = %(symbol)s::text)
    AND (
        %(at)s::timestamptz IS NULL
        OR (u.valid_from <= %(at)s::timestamptz AND (u.valid_until IS NULL OR u.valid_until > %(at)s::timestamptz))
    )
ORDER BY u.symbol COLLATE "C", u.valid_from; -- noqa: RF03
