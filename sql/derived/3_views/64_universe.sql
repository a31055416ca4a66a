-- Purpose: which instruments were listed, halted or delisted when: the universe in time.
-- Grain:   one row per (symbol, span). Units: [valid_from, valid_until) UTC; valid_until null: until further notice.
-- Read by: analysts, bars/universe.py. source null: nobody said so; an instrument counts as listed from its first
--          bar on (from its row's making while it has none) wherever nothing else is recorded.
-- For the universe of an instant: WHERE valid_from <= t AND (valid_until IS NULL OR valid_until > t).
CREATE OR REPLACE VIEW analytics.universe AS
SELECT
    i.public_symbol AS symbol,
    i.venue,
    i.asset_class,
    s.status,
    s.valid_from,
    NULLIF(s.valid_until, 'infinity'::timestamptz) AS valid_until,
    s.source
FROM market.instruments AS i
CROSS JOIN LATERAL (
    SELECT u.status, u.valid_from, u.valid_until, u.source
    FROM market.instrument_status AS u
    WHERE u.instrument_id = i.instrument_id
    UNION ALL
    SELECT 'listed'::text AS status, lower(w.span) AS valid_from, upper(w.span) AS valid_until, NULL::text AS source
    FROM (
        SELECT unnest(
            tstzmultirange(tstzrange(COALESCE(f.first_at, i.created_at), 'infinity'::timestamptz))
            - COALESCE(r.spans, '{}'::tstzmultirange)
        ) AS span
        FROM (
            -- Base by base: the first bar of each is one look at an index.
            SELECT min(b.first_at) AS first_at
            FROM market.timeframes AS t
            CROSS JOIN LATERAL (
                SELECT x.open_at AS first_at
                FROM market.bars AS x
                WHERE x.instrument_id = i.instrument_id AND x.base_timeframe = t.timeframe
                ORDER BY x.open_at
                LIMIT 1
            ) AS b
        ) AS f
        CROSS JOIN (
            SELECT range_agg(tstzrange(u.valid_from, u.valid_until)) AS spans
            FROM market.instrument_status AS u
            WHERE u.instrument_id = i.instrument_id
        ) AS r
    ) AS w
) AS s;
