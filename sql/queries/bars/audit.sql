-- Purpose: what bars/audit.py runs: rollups compared with what the base bars say they must be.
-- Read for one instrument and [from_at, to_at), both on the grid of every timeframe that is asked for.

-- name: in_utc
-- Findings are kept as text: instants must not depend on who looked.
SELECT set_config('timezone', 'UTC', TRUE);

-- name: span
-- The whole UTC days in which an instrument has bars, rollups or indicators; null where it has none. First and last
-- by base, or no index would know them.
SELECT
    date_bin(INTERVAL '24 hours', min(b.open_at), '2000-01-01 00:00:00+00'::timestamptz) AS from_at,
    date_bin(INTERVAL '24 hours', max(b.open_at), '2000-01-01 00:00:00+00'::timestamptz)
    + INTERVAL '24 hours' AS to_at
FROM (
    SELECT b.open_at
    FROM market.timeframes AS t
    CROSS JOIN LATERAL (
        (
            SELECT o.open_at FROM market.bars AS o
            WHERE o.instrument_id = %(instrument_id)s::integer AND o.base_timeframe = t.timeframe
            ORDER BY o.open_at LIMIT 1
        )
        UNION ALL
        (
            SELECT o.open_at FROM market.bars AS o
            WHERE o.instrument_id = %(instrument_id)s::integer AND o.base_timeframe = t.timeframe
            ORDER BY o.open_at DESC LIMIT 1
        )
    ) AS b
    UNION ALL
    SELECT b.open_at
    FROM market.timeframes AS t
    CROSS JOIN LATERAL (
        (
            SELECT o.open_at FROM market.bars_5m AS o
            WHERE o.instrument_id = %(instrument_id)s::integer AND o.base_timeframe = t.timeframe
            ORDER BY o.open_at LIMIT 1
        )
        UNION ALL
        (
            SELECT o.open_at FROM market.bars_5m AS o
            WHERE o.instrument_id = %(instrument_id)s::integer AND o.base_timeframe = t.timeframe
            ORDER BY o.open_at DESC LIMIT 1
        )
    ) AS b
    UNION ALL
    SELECT b.open_at
    FROM market.timeframes AS t
    CROSS JOIN LATERAL (
        (
            SELECT o.open_at FROM market.bars_15m AS o
            WHERE o.instrument_id = %(instrument_id)s::integer AND o.base_timeframe = t.timeframe
            ORDER BY o.open_at LIMIT 1
        )
        UNION ALL
        (
            SELECT o.open_at FROM market.bars_15m AS o
            WHERE o.instrument_id = %(instrument_id)s::integer AND o.base_timeframe = t.timeframe
            ORDER BY o.open_at DESC LIMIT 1
        )
    ) AS b
    UNION ALL
    SELECT b.open_at
    FROM market.timeframes AS t
    CROSS JOIN LATERAL (
        (
            SELECT o.open_at FROM market.bars_1h AS o
            WHERE o.instrument_id = %(instrument_id)s::integer AND o.base_timeframe = t.timeframe
            ORDER BY o.open_at LIMIT 1
        )
        UNION ALL
        (
            SELECT o.open_at FROM market.bars_1h AS o
            WHERE o.instrument_id = %(instrument_id)s::integer AND o.base_timeframe = t.timeframe
            ORDER BY o.open_at DESC LIMIT 1
        )
    ) AS b
    UNION ALL
    SELECT b.open_at
    FROM market.timeframes AS t
    CROSS JOIN LATERAL (
        (
            SELECT o.open_at FROM market.bars_4h AS o
            WHERE o.instrument_id = %(instrument_id)s::integer AND o.base_timeframe = t.timeframe
            ORDER BY o.open_at LIMIT 1
        )
        UNION ALL
        (
            SELECT o.open_at FROM market.bars_4h AS o
            WHERE o.instrument_id = %(instrument_id)s::integer AND o.base_timeframe = t.timeframe
            ORDER BY o.open_at DESC LIMIT 1
        )
    ) AS b
    UNION ALL
    SELECT b.open_at
    FROM market.timeframes AS t
    CROSS JOIN LATERAL (
        (
            SELECT o.open_at FROM market.bars_1d AS o
            WHERE o.instrument_id = %(instrument_id)s::integer AND o.base_timeframe = t.timeframe
            ORDER BY o.open_at LIMIT 1
        )
        UNION ALL
        (
            SELECT o.open_at FROM market.bars_1d AS o
            WHERE o.instrument_id = %(instrument_id)s::integer AND o.base_timeframe = t.timeframe
            ORDER BY o.open_at DESC LIMIT 1
        )
    ) AS b
    UNION ALL
    SELECT b.open_at
    FROM market.timeframes AS t
    CROSS JOIN LATERAL (
        (
            SELECT o.open_at FROM market.indicators AS o
            WHERE o.instrument_id = %(instrument_id)s::integer AND o.timeframe = t.timeframe
            ORDER BY o.open_at LIMIT 1
        )
        UNION ALL
        (
            SELECT o.open_at FROM market.indicators AS o
            WHERE o.instrument_id = %(instrument_id)s::integer AND o.timeframe = t.timeframe
            ORDER BY o.open_at DESC LIMIT 1
        )
    ) AS b
) AS b;

-- name: finest_base
SELECT t.timeframe
FROM market.instrument_bases AS r
INNER JOIN market.timeframes AS t ON r.base_timeframe = t.timeframe
WHERE r.instrument_id = %(instrument_id)s::integer
ORDER BY t.position
LIMIT 1;

-- name: kept_from
-- From when on everything is there: a rebuilt span holds the buckets of all bases.
SELECT max(k.kept_from) FROM market.retention AS k WHERE k.relation <> 'market.indicators';

-- name: differences
-- Level by level, as refresh does it: float sums depend on the order in which they are made. A value that differs is a
-- row; a row that is missing or has no bars below it differs in open_at. One row without a column counts what was
-- compared. Left out: what is still forming or dirty, and buckets that begin before kept_from of theirs or their bars.
WITH expected_5m AS (
    SELECT
        b.base_timeframe,
        date_bin(INTERVAL '5 minutes', b.open_at, '2000-01-01 00:00:00+00'::timestamptz) AS open_at,
        (array_agg(b.open ORDER BY b.open_at))[1] AS open,
        max(b.high) AS high,
        min(b.low) AS low,
        (array_agg(b.close ORDER BY b.open_at DESC))[1] AS close,
        sum(b.volume ORDER BY b.open_at) AS volume,
        sum(COALESCE(b.turnover, b.volume * (b.high + b.low + b.close) / 3.0::double precision) ORDER BY b.open_at)
            AS turnover,
        sum(b.bar_count)::integer AS bar_count,
        sum(b.filled_count)::integer AS filled_count,
        (array_agg(b.high_at ORDER BY b.high DESC, b.open_at))[1] AS high_at,
        (array_agg(b.low_at ORDER BY b.low, b.open_at))[1] AS low_at,
        max(b.known_at) AS known_at
    FROM market.bars AS b
    WHERE b.instrument_id = %(instrument_id)s::integer
        AND b.open_at >= %(from_at)s::timestamptz AND b.open_at < %(to_at)s::timestamptz
    GROUP BY 1, 2
),

expected_15m AS (
    SELECT
        b.base_timeframe,
        date_bin(INTERVAL '15 minutes', b.open_at, '2000-01-01 00:00:00+00'::timestamptz) AS open_at,
        (array_agg(b.open ORDER BY b.open_at))[1] AS open,
        max(b.high) AS high,
        min(b.low) AS low,
        (array_agg(b.close ORDER BY b.open_at DESC))[1] AS close,
        sum(b.volume ORDER BY b.open_at) AS volume,
        sum(b.turnover ORDER BY b.open_at)
            AS turnover,
        sum(b.bar_count)::integer AS bar_count,
        sum(b.filled_count)::integer AS filled_count,
        (array_agg(b.high_at ORDER BY b.high DESC, b.open_at))[1] AS high_at,
        (array_agg(b.low_at ORDER BY b.low, b.open_at))[1] AS low_at,
        max(b.known_at) AS known_at
    FROM expected_5m AS b
    GROUP BY 1, 2
),

expected_1h AS (
    SELECT
        b.base_timeframe,
        date_bin(INTERVAL '1 hour', b.open_at, '2000-01-01 00:00:00+00'::timestamptz) AS open_at,
        (array_agg(b.open ORDER BY b.open_at))[1] AS open,
        max(b.high) AS high,
        min(b.low) AS low,
        (array_agg(b.close ORDER BY b.open_at DESC))[1] AS close,
        sum(b.volume ORDER BY b.open_at) AS volume,
        sum(b.turnover ORDER BY b.open_at)
            AS turnover,
        sum(b.bar_count)::integer AS bar_count,
        sum(b.filled_count)::integer AS filled_count,
        (array_agg(b.high_at ORDER BY b.high DESC, b.open_at))[1] AS high_at,
        (array_agg(b.low_at ORDER BY b.low, b.open_at))[1] AS low_at,
        max(b.known_at) AS known_at
    FROM expected_15m AS b
    GROUP BY 1, 2
),

expected_4h AS (
    SELECT
        b.base_timeframe,
        date_bin(INTERVAL '4 hours', b.open_at, '2000-01-01 00:00:00+00'::timestamptz) AS open_at,
        (array_agg(b.open ORDER BY b.open_at))[1] AS open,
        max(b.high) AS high,
        min(b.low) AS low,
        (array_agg(b.close ORDER BY b.open_at DESC))[1] AS close,
        sum(b.volume ORDER BY b.open_at) AS volume,
        sum(b.turnover ORDER BY b.open_at)
            AS turnover,
        sum(b.bar_count)::integer AS bar_count,
        sum(b.filled_count)::integer AS filled_count,
        (array_agg(b.high_at ORDER BY b.high DESC, b.open_at))[1] AS high_at,
        (array_agg(b.low_at ORDER BY b.low, b.open_at))[1] AS low_at,
        max(b.known_at) AS known_at
    FROM expected_1h AS b
    GROUP BY 1, 2
),

expected_1d AS (
    SELECT
        b.base_timeframe,
        date_bin(INTERVAL '24 hours', b.open_at, '2000-01-01 00:00:00+00'::timestamptz) AS open_at,
        (array_agg(b.open ORDER BY b.open_at))[1] AS open,
        max(b.high) AS high,
        min(b.low) AS low,
        (array_agg(b.close ORDER BY b.open_at DESC))[1] AS close,
        sum(b.volume ORDER BY b.open_at) AS volume,
        sum(b.turnover ORDER BY b.open_at)
            AS turnover,
        sum(b.bar_count)::integer AS bar_count,
        sum(b.filled_count)::integer AS filled_count,
        (array_agg(b.high_at ORDER BY b.high DESC, b.open_at))[1] AS high_at,
        (array_agg(b.low_at ORDER BY b.low, b.open_at))[1] AS low_at,
        max(b.known_at) AS known_at
    FROM expected_4h AS b
    GROUP BY 1, 2
),

expected AS (
    SELECT
        '5m'::text AS timeframe, b.base_timeframe, b.open_at, b.open, b.high, b.low, b.close, b.volume,
        b.turnover, b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at
    FROM expected_5m AS b
    WHERE '5m' = ANY(%(timeframes)s::text[])
    UNION ALL
    SELECT
        '15m'::text AS timeframe, b.base_timeframe, b.open_at, b.open, b.high, b.low, b.close, b.volume,
        b.turnover, b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at
    FROM expected_15m AS b
    WHERE '15m' = ANY(%(timeframes)s::text[])
    UNION ALL
    SELECT
        '1h'::text AS timeframe, b.base_timeframe, b.open_at, b.open, b.high, b.low, b.close, b.volume,
        b.turnover, b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at
    FROM expected_1h AS b
    WHERE '1h' = ANY(%(timeframes)s::text[])
    UNION ALL
    SELECT
        '4h'::text AS timeframe, b.base_timeframe, b.open_at, b.open, b.high, b.low, b.close, b.volume,
        b.turnover, b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at
    FROM expected_4h AS b
    WHERE '4h' = ANY(%(timeframes)s::text[])
    UNION ALL
    SELECT
        '1d'::text AS timeframe, b.base_timeframe, b.open_at, b.open, b.high, b.low, b.close, b.volume,
        b.turnover, b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at
    FROM expected_1d AS b
    WHERE '1d' = ANY(%(timeframes)s::text[])
),

stored AS (
    SELECT
        '5m'::text AS timeframe, b.base_timeframe, b.open_at, b.open, b.high, b.low, b.close, b.volume,
        b.turnover, b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at
    FROM market.bars_5m AS b
    WHERE '5m' = ANY(%(timeframes)s::text[])
        AND b.instrument_id = %(instrument_id)s::integer
        AND b.open_at >= %(from_at)s::timestamptz AND b.open_at < %(to_at)s::timestamptz
    UNION ALL
    SELECT
        '15m'::text AS timeframe, b.base_timeframe, b.open_at, b.open, b.high, b.low, b.close, b.volume,
        b.turnover, b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at
    FROM market.bars_15m AS b
    WHERE '15m' = ANY(%(timeframes)s::text[])
        AND b.instrument_id = %(instrument_id)s::integer
        AND b.open_at >= %(from_at)s::timestamptz AND b.open_at < %(to_at)s::timestamptz
    UNION ALL
    SELECT
        '1h'::text AS timeframe, b.base_timeframe, b.open_at, b.open, b.high, b.low, b.close, b.volume,
        b.turnover, b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at
    FROM market.bars_1h AS b
    WHERE '1h' = ANY(%(timeframes)s::text[])
        AND b.instrument_id = %(instrument_id)s::integer
        AND b.open_at >= %(from_at)s::timestamptz AND b.open_at < %(to_at)s::timestamptz
    UNION ALL
    SELECT
        '4h'::text AS timeframe, b.base_timeframe, b.open_at, b.open, b.high, b.low, b.close, b.volume,
        b.turnover, b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at
    FROM market.bars_4h AS b
    WHERE '4h' = ANY(%(timeframes)s::text[])
        AND b.instrument_id = %(instrument_id)s::integer
        AND b.open_at >= %(from_at)s::timestamptz AND b.open_at < %(to_at)s::timestamptz
    UNION ALL
    SELECT
        '1d'::text AS timeframe, b.base_timeframe, b.open_at, b.open, b.high, b.low, b.close, b.volume,
        b.turnover, b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at
    FROM market.bars_1d AS b
    WHERE '1d' = ANY(%(timeframes)s::text[])
        AND b.instrument_id = %(instrument_id)s::integer
        AND b.open_at >= %(from_at)s::timestamptz AND b.open_at < %(to_at)s::timestamptz
),

compared AS MATERIALIZED (
    SELECT
        COALESCE(s.base_timeframe, e.base_timeframe) AS base_timeframe,
        COALESCE(s.timeframe, e.timeframe) AS timeframe,
        COALESCE(s.open_at, e.open_at) AS open_at,
        s.open_at AS stored_at,
        e.open_at AS expected_at,
        s.open AS stored_open, e.open AS expected_open,
        s.high AS stored_high, e.high AS expected_high,
        s.low AS stored_low, e.low AS expected_low,
        s.close AS stored_close, e.close AS expected_close,
        s.volume AS stored_volume, e.volume AS expected_volume,
        s.turnover AS stored_turnover, e.turnover AS expected_turnover,
        s.bar_count AS stored_bar_count, e.bar_count AS expected_bar_count,
        s.filled_count AS stored_filled_count, e.filled_count AS expected_filled_count,
        s.high_at AS stored_high_at, e.high_at AS expected_high_at,
        s.low_at AS stored_low_at, e.low_at AS expected_low_at,
        s.known_at AS stored_known_at, e.known_at AS expected_known_at
    FROM expected AS e
    FULL JOIN stored AS s
        ON e.timeframe = s.timeframe AND e.base_timeframe = s.base_timeframe AND e.open_at = s.open_at
),

judged AS MATERIALIZED (
    SELECT
        c.*,
        t.span
    FROM compared AS c
    INNER JOIN market.timeframes AS t ON c.timeframe = t.timeframe
    WHERE c.open_at + t.span <= %(now)s::timestamptz
        AND NOT EXISTS (
            SELECT 1 FROM market.dirty_ranges AS d
            WHERE d.instrument_id = %(instrument_id)s::integer AND d.base_timeframe = c.base_timeframe
                AND (d.timeframe IS NULL OR d.timeframe = c.timeframe)
                AND d.from_at < c.open_at + t.span AND d.to_at > c.open_at
        )
        AND NOT EXISTS (
            SELECT 1 FROM market.retention AS k
            WHERE k.kept_from > c.open_at
                AND (
                    (k.relation = 'market.bars' AND k.timeframe = c.base_timeframe)
                    OR k.relation = 'market.bars_' || c.timeframe
                )
        )
),

different AS (
    SELECT j.*
    FROM judged AS j
    WHERE (
        j.stored_open, j.stored_high, j.stored_low, j.stored_close,
        j.stored_volume, j.stored_turnover, j.stored_bar_count, j.stored_filled_count,
        j.stored_high_at, j.stored_low_at, j.stored_known_at
    ) IS DISTINCT FROM (
        j.expected_open, j.expected_high, j.expected_low, j.expected_close,
        j.expected_volume, j.expected_turnover, j.expected_bar_count, j.expected_filled_count,
        j.expected_high_at, j.expected_low_at, j.expected_known_at
    )
)

SELECT
    'market.bars_' || j.timeframe AS relation,
    j.base_timeframe,
    j.timeframe,
    j.open_at,
    j.open_at + j.span AS close_at,
    v.column_name,
    v.stored,
    v.expected
FROM different AS j
CROSS JOIN LATERAL (
    VALUES
    ('open_at', j.stored_at::text, j.expected_at::text),
    ('open', j.stored_open::text, j.expected_open::text),
    ('high', j.stored_high::text, j.expected_high::text),
    ('low', j.stored_low::text, j.expected_low::text),
    ('close', j.stored_close::text, j.expected_close::text),
    ('volume', j.stored_volume::text, j.expected_volume::text),
    ('turnover', j.stored_turnover::text, j.expected_turnover::text),
    ('bar_count', j.stored_bar_count::text, j.expected_bar_count::text),
    ('filled_count', j.stored_filled_count::text, j.expected_filled_count::text),
    ('high_at', j.stored_high_at::text, j.expected_high_at::text),
    ('low_at', j.stored_low_at::text, j.expected_low_at::text),
    ('known_at', j.stored_known_at::text, j.expected_known_at::text)
) AS v (column_name, stored, expected)
WHERE v.stored IS DISTINCT FROM v.expected
    AND (v.column_name = 'open_at' OR (j.stored_at IS NOT NULL AND j.expected_at IS NOT NULL))
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, count(j.open_at)::text, NULL
FROM judged AS j
ORDER BY 3, 2, 4, 6;

-- name: delete_5m
DELETE FROM market.bars_5m AS b
USING unnest(%(instrument_ids)s::integer[], %(base_timeframes)s::text[], %(open_ats)s::timestamptz[])
AS u (instrument_id, base_timeframe, open_at)
WHERE b.instrument_id = u.instrument_id AND b.base_timeframe = u.base_timeframe AND b.open_at = u.open_at;

-- name: delete_15m
DELETE FROM market.bars_15m AS b
USING unnest(%(instrument_ids)s::integer[], %(base_timeframes)s::text[], %(open_ats)s::timestamptz[])
AS u (instrument_id, base_timeframe, open_at)
WHERE b.instrument_id = u.instrument_id AND b.base_timeframe = u.base_timeframe AND b.open_at = u.open_at;

-- name: delete_1h
DELETE FROM market.bars_1h AS b
USING unnest(%(instrument_ids)s::integer[], %(base_timeframes)s::text[], %(open_ats)s::timestamptz[])
AS u (instrument_id, base_timeframe, open_at)
WHERE b.instrument_id = u.instrument_id AND b.base_timeframe = u.base_timeframe AND b.open_at = u.open_at;

-- name: delete_4h
DELETE FROM market.bars_4h AS b
USING unnest(%(instrument_ids)s::integer[], %(base_timeframes)s::text[], %(open_ats)s::timestamptz[])
AS u (instrument_id, base_timeframe, open_at)
WHERE b.instrument_id = u.instrument_id AND b.base_timeframe = u.base_timeframe AND b.open_at = u.open_at;

-- name: delete_1d
DELETE FROM market.bars_1d AS b
USING unnest(%(instrument_ids)s::integer[], %(base_timeframes)s::text[], %(open_ats)s::timestamptz[])
AS u (instrument_id, base_timeframe, open_at)
WHERE b.instrument_id = u.instrument_id AND b.base_timeframe = u.base_timeframe AND b.open_at = u.open_at;

-- name: record_dirty
-- Ranges of indicators name their timeframe and no base: the one that rules there. A range that is dirty already gets a
-- new id: a refresh under way forgets the ids it began with.
INSERT INTO market.dirty_ranges (instrument_id, base_timeframe, timeframe, from_at, to_at)
SELECT
    u.instrument_id,
    COALESCE(u.base_timeframe, r.base_timeframe, u.timeframe),
    CASE WHEN u.base_timeframe IS NULL THEN u.timeframe END,
    u.from_at,
    u.to_at
FROM unnest(
    %(instrument_ids)s::integer[], %(base_timeframes)s::text[], %(timeframes)s::text[],
    %(from_ats)s::timestamptz[], %(to_ats)s::timestamptz[]
) AS u (instrument_id, base_timeframe, timeframe, from_at, to_at)
LEFT JOIN market.instrument_bases AS r
    ON u.instrument_id = r.instrument_id AND u.from_at >= r.rules_from AND u.from_at < r.rules_until
ON CONFLICT ON CONSTRAINT dirty_range_is_recorded_once DO UPDATE SET dirty_id = DEFAULT;
