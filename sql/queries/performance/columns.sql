-- Purpose: what performance/columns.py runs: which database this is, what changed in it since it was last read, and the
-- spans that a reader needs. The rows themselves are read by the snapshot's queries.

-- name: identity
-- The same for a database wherever it is reached from, another one for a copy of it.
SELECT s.system_identifier::text || '-' || d.oid::text
FROM pg_control_system() AS s
CROSS JOIN pg_database AS d
WHERE d.datname = current_database();

-- name: version
-- The last refresh there was, pruned or not, and the first one that is kept.
SELECT
    COALESCE(pg_sequence_last_value(pg_get_serial_sequence('market.refreshes', 'refresh_id')::regclass), 0) AS newest,
    (SELECT min(r.refresh_id) FROM market.refreshes AS r) AS first_kept,
    (
        SELECT max(k.kept_from) FROM market.retention AS k
        WHERE k.timeframe = %(timeframe)s::text AND k.relation IN (
            'market.indicators',
            CASE WHEN %(timeframe)s::text = '1m' THEN 'market.bars' ELSE 'market.bars_' || %(timeframe)s::text END
        )
    ) AS kept_from,
    (
        SELECT md5(string_agg(
            concat_ws(' ', w.instrument_id, w.timeframe, timezone('UTC', w.settled_through)), ','
            ORDER BY w.instrument_id, w.timeframe COLLATE "C" -- noqa: RF03
        ))
        FROM market.watermarks AS w
    ) AS watermarks;

-- name: refreshed
-- From where on the rows of each instrument may have changed after a refresh.
SELECT
    c.instrument_id,
    min(c.from_at) AS from_at
FROM market.refreshes AS r
CROSS JOIN LATERAL unnest(r.instrument_ids, r.from_ats) AS c (instrument_id, from_at)
WHERE r.timeframe = %(timeframe)s::text AND r.refresh_id > %(after)s::bigint
GROUP BY c.instrument_id
ORDER BY c.instrument_id;

-- name: last_open
SELECT max(x.open_at) AS last_open
FROM market.instruments AS i
CROSS JOIN LATERAL (
    SELECT z.open_at FROM market.indicators AS z
    WHERE z.instrument_id = i.instrument_id AND z.timeframe = %(timeframe)s::text
    ORDER BY z.open_at DESC
    LIMIT 1
) AS x;

-- name: snapshot
-- The name of this transaction's instant, so that other connections can read it too.
SELECT pg_export_snapshot();

-- name: bars
-- What the snapshot's load_bars gives, for long spans: who trades when and what is settled is joined to the spans, of
-- which there are few, and not to each bar.
WITH spans AS MATERIALIZED (
    SELECT
        r.instrument_id, r.base_timeframe, GREATEST(r.from_at, c.from_at) AS from_at, r.until_at, r.price_factor,
        i.calendar, w.settled_through
    FROM unnest(%(instrument_ids)s::integer[], %(from_ats)s::timestamptz[]) AS c (instrument_id, from_at)
    INNER JOIN market.instruments AS i ON c.instrument_id = i.instrument_id
    INNER JOIN market.ruling_spans AS r ON c.instrument_id = r.instrument_id
    LEFT JOIN market.watermarks AS w ON r.instrument_id = w.instrument_id AND r.base_timeframe = w.timeframe
)
SELECT
    b.instrument_id,
    (date_part('epoch', b.open_at) * 1000000.0::double precision)::bigint AS open_at,
    b.open * s.price_factor AS open,
    b.high * s.price_factor AS high,
    b.low * s.price_factor AS low,
    b.close * s.price_factor AS close,
    b.volume / s.price_factor AS volume,
    b.filled_count,
    CASE
        WHEN s.settled_through >= b.close_at THEN 1
        WHEN b.bar_count >= market.expected_bars(s.calendar, b.base_timeframe, b.open_at, b.close_at) THEN 1
        ELSE 0
    END AS is_complete,
    s.price_factor
FROM spans AS s
INNER JOIN market.all_bars AS b
    ON s.instrument_id = b.instrument_id AND s.base_timeframe = b.base_timeframe
    AND s.base_timeframe = ANY(b.bases)
    AND b.timeframe = %(timeframe)s::text
    AND b.open_at >= s.from_at AND b.open_at < s.until_at
    AND b.open_at >= %(first_needed)s::timestamptz AND b.open_at <= %(last_open)s::timestamptz;
