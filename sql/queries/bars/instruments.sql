-- Purpose: what bars/instruments.py runs: instruments and the sources that may write their bars.

-- name: lock_register
SELECT pg_advisory_xact_lock(hashtext('signalhub.instruments'));

-- name: find_at_venue
SELECT i.instrument_id
FROM market.instruments AS i
WHERE i.venue = %(venue)s::text AND i.symbol = %(symbol)s::text;

-- name: insert
INSERT INTO market.instruments (
    venue, symbol, public_symbol, asset_class, calendar, tick_size, is_simulated, created_at
)
SELECT
    %(venue)s::text,
    %(symbol)s::text,
    CASE
        WHEN EXISTS (SELECT 1 FROM market.instruments AS i WHERE i.public_symbol = %(symbol)s::text)
            THEN %(symbol)s::text || '@' || %(venue)s::text
        ELSE %(symbol)s::text
    END,
    %(asset_class)s::text,
    %(calendar)s::text,
    %(tick_size)s::numeric,
    %(is_simulated)s::boolean,
    %(now)s::timestamptz
RETURNING instrument_id;

-- name: update_tick_size
UPDATE market.instruments AS i SET tick_size = %(tick_size)s::numeric
WHERE i.instrument_id = %(instrument_id)s::integer AND i.tick_size IS DISTINCT FROM %(tick_size)s::numeric;

-- name: add_source
-- A source is written only where it is missing or says otherwise: writers of its bars hold on to nothing of it.
WITH known AS (
    SELECT s.source
    FROM market.sources AS s
    WHERE s.source = %(source)s::text AND s.is_live = %(is_live)s::boolean
),
written AS (
    INSERT INTO market.sources (source, is_live)
    SELECT %(source)s::text, %(is_live)s::boolean
    WHERE NOT EXISTS (SELECT 1 FROM known)
    ON CONFLICT (source) DO UPDATE SET is_live = excluded.is_live
    RETURNING source
)
INSERT INTO market.instrument_sources (instrument_id, source, source_symbol)
SELECT %(instrument_id)s::integer, s.source, %(symbol)s::text
FROM (
    SELECT k.source FROM known AS k
    UNION ALL
    SELECT w.source FROM written AS w
) AS s
ON CONFLICT (instrument_id, source) DO NOTHING;

-- name: by_symbol
SELECT i.instrument_id, i.venue, i.symbol, i.public_symbol, i.asset_class, i.calendar, i.tick_size, i.is_simulated
FROM market.instruments AS i
WHERE i.public_symbol = %(symbol)s::text OR i.symbol || '@' || i.venue = %(symbol)s::text;

-- name: all
SELECT i.instrument_id, i.venue, i.symbol, i.public_symbol, i.asset_class, i.calendar, i.tick_size, i.is_simulated
FROM market.instruments AS i
WHERE i.is_active
ORDER BY i.public_symbol COLLATE "C"; -- noqa: RF03

-- name: ever
SELECT i.instrument_id, i.venue, i.symbol, i.public_symbol, i.asset_class, i.calendar, i.tick_size, i.is_simulated
FROM market.instruments AS i
ORDER BY i.public_symbol COLLATE "C"; -- noqa: RF03

-- name: of_source
SELECT i.venue, i.symbol, i.asset_class, i.tick_size, i.calendar, i.is_simulated
FROM market.instruments AS i
INNER JOIN market.instrument_sources AS p ON i.instrument_id = p.instrument_id
WHERE p.source = %(source)s::text AND i.venue = %(venue)s::text AND i.is_active
ORDER BY i.instrument_id;
