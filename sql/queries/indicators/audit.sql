-- Purpose: what indicators/audit.py runs: indicator rows and anchors compared with what the bars say they must be.

-- name: reach
-- dirty_at: from when on rows wait for a refresh. rows_from: from when on rows are kept. bars_from: from when on bars
-- are kept, where some were dropped. anchor_at: the first anchor from which the kept bars go on.
SELECT
    k.rows_from,
    k.bars_from,
    (
        SELECT min(date_bin(t.span, d.from_at, '2000-01-01 00:00:00+00'::timestamptz))
        FROM market.dirty_ranges AS d
        INNER JOIN market.timeframes AS b ON d.base_timeframe = b.timeframe
        INNER JOIN market.timeframes AS t ON t.timeframe = %(timeframe)s::text
        WHERE d.instrument_id = %(instrument_id)s::integer
            AND (d.timeframe = t.timeframe OR (d.timeframe IS NULL AND b.position <= t.position))
    ) AS dirty_at,
    (
        SELECT min(s.open_at)
        FROM market.indicator_state AS s
        WHERE s.instrument_id = %(instrument_id)s::integer AND s.timeframe = %(timeframe)s::text
            AND s.open_at >= k.bars_from
    ) AS anchor_at
FROM (
    SELECT
        h.rows_from,
        -- An instrument whose first bar came later lost none.
        CASE WHEN f.n = 1 AND f.open_at >= h.bars_from THEN NULL ELSE h.bars_from END AS bars_from
    FROM (
        SELECT
            max(r.kept_from) FILTER (
                WHERE r.relation = 'market.indicators' AND r.timeframe = %(timeframe)s::text
            ) AS rows_from,
            max(r.kept_from) FILTER (
                WHERE r.relation = 'market.bars_' || %(timeframe)s::text
                OR (r.relation = 'market.bars' AND r.timeframe = '1m' AND %(timeframe)s::text = '1m')
            ) AS bars_from
        FROM market.retention AS r
    ) AS h
    LEFT JOIN LATERAL (
        SELECT
            x.open_at,
            x.n
        FROM market.indicators AS x
        WHERE x.instrument_id = %(instrument_id)s::integer AND x.timeframe = %(timeframe)s::text
        ORDER BY x.open_at
        LIMIT 1
    ) AS f ON TRUE
) AS k;

-- name: anchor_before
SELECT max(s.open_at)
FROM market.indicator_state AS s
WHERE s.instrument_id = %(instrument_id)s::integer AND s.timeframe = %(timeframe)s::text
    AND s.open_at < %(before_at)s::timestamptz;

-- name: differences
-- Rows and anchors that open in [from_at, to_at), computed from the newest anchor before before_at. A value that
-- differs is a row; a row that is missing, or has no bar, differs in open_at. A row without a column counts.
-- As jsonb, float by float exact: a new column is audited without a word here.
WITH computed AS MATERIALIZED (
    SELECT
        c.open_at,
        c.n,
        c.is_anchor,
        c.row_values,
        c.memory
    FROM market.indicator_rows(
        ARRAY[%(instrument_id)s::integer], %(timeframe)s::text,
        ARRAY[%(before_at)s::timestamptz], ARRAY[%(to_at)s::timestamptz]
    ) AS c
    WHERE c.open_at >= %(from_at)s::timestamptz
),

columns AS MATERIALIZED (
    SELECT array_agg(a.attname::text ORDER BY a.attnum) AS names
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = 'market.indicators'::regclass AND a.attnum > 0 AND NOT a.attisdropped
        AND a.attname NOT IN ('instrument_id', 'timeframe', 'open_at', 'n')
),

expected AS (
    SELECT
        'market.indicators'::text AS relation,
        c.open_at,
        jsonb_build_object('n', c.n) || (
            SELECT jsonb_object_agg(v.name, v.value) FROM unnest(k.names, c.row_values) AS v (name, value)
        ) AS content
    FROM computed AS c
    CROSS JOIN columns AS k
    UNION ALL
    SELECT
        'market.indicator_state'::text AS relation,
        c.open_at,
        jsonb_build_object('n', c.n, 'is_anchor', c.is_anchor, 'memory', to_jsonb(c.memory)) AS content
    FROM computed AS c
    WHERE c.is_anchor
        OR (%(is_end)s::boolean AND c.open_at = (SELECT max(l.open_at) FROM computed AS l))
        -- Where newer rows wait for a refresh, the latest anchor stands before them.
        OR c.open_at = (
            SELECT max(s.open_at) FROM market.indicator_state AS s
            WHERE s.instrument_id = %(instrument_id)s::integer AND s.timeframe = %(timeframe)s::text
        )
),

stored AS (
    SELECT
        'market.indicators'::text AS relation,
        x.open_at,
        to_jsonb(x) - ARRAY['instrument_id', 'timeframe', 'open_at'] AS content
    FROM market.indicators AS x
    WHERE x.instrument_id = %(instrument_id)s::integer AND x.timeframe = %(timeframe)s::text
        AND x.open_at >= %(from_at)s::timestamptz AND x.open_at < %(to_at)s::timestamptz
    UNION ALL
    SELECT
        'market.indicator_state'::text AS relation,
        s.open_at,
        to_jsonb(s) - ARRAY['instrument_id', 'timeframe', 'open_at'] AS content
    FROM market.indicator_state AS s
    WHERE s.instrument_id = %(instrument_id)s::integer AND s.timeframe = %(timeframe)s::text
        AND s.open_at >= %(from_at)s::timestamptz AND s.open_at < %(to_at)s::timestamptz
),

compared AS MATERIALIZED (
    SELECT
        COALESCE(s.relation, e.relation) AS relation, -- noqa: RF01
        COALESCE(s.open_at, e.open_at) AS open_at, -- noqa: RF01
        s.open_at AS stored_at, -- noqa: RF01
        e.open_at AS expected_at, -- noqa: RF01
        s.content AS stored, -- noqa: RF01
        e.content AS expected -- noqa: RF01
    FROM expected AS e
    FULL JOIN stored AS s ON e.relation = s.relation AND e.open_at = s.open_at
)

SELECT
    c.relation,
    c.open_at,
    c.open_at + t.span AS close_at,
    v.column_name,
    v.stored,
    v.expected
FROM compared AS c
INNER JOIN market.timeframes AS t ON t.timeframe = %(timeframe)s::text
CROSS JOIN LATERAL (
    SELECT
        'open_at' AS column_name,
        c.stored_at::text AS stored,
        c.expected_at::text AS expected
    WHERE c.stored_at IS NULL OR c.expected_at IS NULL
    UNION ALL
    SELECT
        k.key,
        left(c.stored ->> k.key, 80),
        left(c.expected ->> k.key, 80)
    FROM jsonb_object_keys(c.stored) AS k (key)
    WHERE c.expected IS NOT NULL AND c.stored -> k.key IS DISTINCT FROM c.expected -> k.key
) AS v
WHERE c.stored IS DISTINCT FROM c.expected
UNION ALL
SELECT NULL, NULL, NULL, NULL, count(c.open_at)::text, NULL
FROM compared AS c
ORDER BY 2, 1, 4;
