-- Purpose: what indicators/audit.py runs: indicator rows and anchors compared with what the bars say they must be.

-- name: reach
-- dirty_at: from when on rows wait for a refresh. rows_from: from when on rows are kept. bars_from: from when on bars
-- are kept, where some were dropped. anchor_at: the first anchor whose context is among the kept bars.
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
            AND s.open_at >= (
                SELECT b.open_at FROM market.adjusted_bars AS b
                WHERE b.instrument_id = %(instrument_id)s::integer AND b.timeframe = %(timeframe)s::text
                    AND b.open_at >= k.bars_from
                ORDER BY b.open_at
                LIMIT 1 OFFSET 219
            )
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
        to_jsonb(c) AS content
    FROM market.indicator_rows(
        ARRAY[%(instrument_id)s::integer], %(timeframe)s::text,
        ARRAY[%(before_at)s::timestamptz], ARRAY[%(to_at)s::timestamptz]
    ) AS c
    WHERE c.open_at >= %(from_at)s::timestamptz
),

-- What indicator_rows has and the table has not.
others AS MATERIALIZED (
    SELECT
        r.relation,
        array_agg(a.attname::text) AS names
    FROM (VALUES ('market.indicators'), ('market.indicator_state')) AS r (relation)
    INNER JOIN pg_catalog.pg_attribute AS a
        ON a.attrelid IN ('market.indicators'::regclass, 'market.indicator_state'::regclass) AND a.attnum > 0
        AND (
            a.attname IN ('instrument_id', 'timeframe', 'open_at')
            OR NOT EXISTS (
                SELECT 1 FROM pg_catalog.pg_attribute AS o
                WHERE o.attrelid = r.relation::regclass AND o.attname = a.attname
            )
        )
    GROUP BY r.relation
),

expected AS (
    SELECT
        'market.indicators'::text AS relation,
        c.open_at,
        c.content - o.names AS content
    FROM computed AS c
    INNER JOIN others AS o ON o.relation = 'market.indicators'
    UNION ALL
    SELECT
        'market.indicator_state'::text AS relation,
        c.open_at,
        c.content - o.names AS content
    FROM computed AS c
    INNER JOIN others AS o ON o.relation = 'market.indicator_state'
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
        to_jsonb(x) - o.names AS content
    FROM market.indicators AS x
    INNER JOIN others AS o ON o.relation = 'market.indicators'
    WHERE x.instrument_id = %(instrument_id)s::integer AND x.timeframe = %(timeframe)s::text
        AND x.open_at >= %(from_at)s::timestamptz AND x.open_at < %(to_at)s::timestamptz
    UNION ALL
    SELECT
        'market.indicator_state'::text AS relation,
        s.open_at,
        to_jsonb(s) - o.names AS content
    FROM market.indicator_state AS s
    INNER JOIN others AS o ON o.relation = 'market.indicator_state'
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
        c.stored ->> k.key,
        c.expected ->> k.key
    FROM jsonb_object_keys(c.stored) AS k (key)
    WHERE c.expected IS NOT NULL AND c.stored -> k.key IS DISTINCT FROM c.expected -> k.key
) AS v
WHERE c.stored IS DISTINCT FROM c.expected
UNION ALL
SELECT NULL, NULL, NULL, NULL, count(c.open_at)::text, NULL
FROM compared AS c
ORDER BY 2, 1, 4;
