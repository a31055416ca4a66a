-- Purpose: what bars/quality.py runs: bars that jump absurdly are flagged, and the rules by which bars are judged are
--          written down where the views can read them.

-- name: written
SELECT d.dirty_id, d.instrument_id, d.base_timeframe, d.from_at
FROM market.dirty_ranges AS d
WHERE d.dirty_id = ANY(%(dirty_ids)s::bigint[]) AND d.timeframe IS NULL;

-- name: suspects
-- Those of some new ranges of one base whose flags may change. A bar cannot jump further beyond the last three closes
-- than beyond the last one: so one scan of the newest bars clears nearly all. With constant bounds, it is one of few
-- chunks; a look-up per instrument costs several times as much. Prices are raw here: who had splits is looked at.
WITH ranges AS (
    SELECT d.dirty_id, d.instrument_id, d.base_timeframe, d.from_at
    FROM market.dirty_ranges AS d
    WHERE d.dirty_id = ANY(%(dirty_ids)s::bigint[])
),
jumps AS (
    SELECT p.instrument_id, max(p.open_at) AS open_at
    FROM (
        SELECT
            b.instrument_id,
            b.open_at,
            b.high,
            b.low,
            lag(b.close) OVER (PARTITION BY b.instrument_id ORDER BY b.open_at) AS before
        FROM market.bars AS b
        WHERE b.instrument_id = ANY(%(instrument_ids)s::integer[])
            AND b.base_timeframe = %(timeframe)s::text
            AND b.open_at >= %(since)s::timestamptz
    ) AS p
    -- The first bar that is read has nothing before it.
    WHERE p.before IS NULL OR GREATEST(p.high / p.before, p.before / p.low) >= %(least_ratio)s::double precision
    GROUP BY p.instrument_id
)
SELECT r.dirty_id FROM ranges AS r
INNER JOIN jumps AS j ON r.instrument_id = j.instrument_id AND r.from_at <= j.open_at
UNION
SELECT r.dirty_id FROM ranges AS r
INNER JOIN market.bar_flags AS f
    ON r.instrument_id = f.instrument_id AND r.base_timeframe = f.base_timeframe AND r.from_at <= f.open_at
UNION
SELECT r.dirty_id FROM ranges AS r
INNER JOIN market.adjustments AS a ON r.instrument_id = a.instrument_id;

-- name: flag_outliers
-- Looks at the bars that were written, and at those after them to which they are neighbours. A bar's jump is how far it
-- reaches beyond the last three closes: so the way back from a spike is none. Few bars jump far enough to be measured
-- against the moves of their neighbours, so that a new minute costs a few index reads per instrument. Prices are
-- those of today: a split is no jump.
WITH examined AS (
    SELECT
        u.instrument_id,
        u.base_timeframe,
        unnest(range_agg(tstzrange(u.from_at, u.to_at))) AS span
    FROM (
        SELECT
            d.instrument_id,
            d.base_timeframe,
            d.from_at,
            COALESCE((
                SELECT max(n.open_at) + INTERVAL '1 microsecond'
                FROM (
                    SELECT b.open_at
                    FROM market.bars AS b
                    WHERE b.instrument_id = d.instrument_id AND b.base_timeframe = d.base_timeframe
                        AND b.open_at >= d.to_at
                    ORDER BY b.open_at
                    LIMIT %(neighbours)s::integer + 1
                ) AS n
            ), d.to_at) AS to_at
        FROM market.dirty_ranges AS d
        WHERE d.dirty_id = ANY(%(dirty_ids)s::bigint[]) AND d.timeframe IS NULL
    ) AS u
    GROUP BY u.instrument_id, u.base_timeframe
),
jumps AS (
    SELECT
        e.instrument_id,
        e.base_timeframe,
        j.open_at,
        CASE WHEN j.up >= j.down THEN j.up ELSE -j.down END AS jump
    FROM examined AS e
    CROSS JOIN LATERAL (
        SELECT
            p.open_at,
            ln(p.high / GREATEST(lag(p.close) OVER past, lag(p.close, 2) OVER past, lag(p.close, 3) OVER past)) AS up,
            ln(LEAST(lag(p.close) OVER past, lag(p.close, 2) OVER past, lag(p.close, 3) OVER past) / p.low) AS down
        FROM (
            SELECT
                b.open_at,
                b.high * COALESCE(a.price_factor, 1.0::double precision) AS high,
                b.low * COALESCE(a.price_factor, 1.0::double precision) AS low,
                b.close * COALESCE(a.price_factor, 1.0::double precision) AS close
            FROM market.bars AS b
            LEFT JOIN market.adjustments AS a
                ON b.instrument_id = a.instrument_id AND b.open_at >= a.from_at AND b.open_at < a.to_at
            WHERE b.instrument_id = e.instrument_id AND b.base_timeframe = e.base_timeframe
                AND b.open_at < upper(e.span)
                AND b.open_at >= COALESCE((
                    SELECT min(o.open_at)
                    FROM (
                        SELECT c.open_at
                        FROM market.bars AS c
                        WHERE c.instrument_id = e.instrument_id AND c.base_timeframe = e.base_timeframe
                            AND c.open_at < lower(e.span)
                        ORDER BY c.open_at DESC
                        LIMIT 3
                    ) AS o
                ), lower(e.span))
        ) AS p
        WINDOW past AS (ORDER BY p.open_at)
    ) AS j
    WHERE GREATEST(j.up, j.down) >= %(least_z)s::double precision * %(least_scale)s::double precision
        AND j.open_at >= lower(e.span)
),
found AS (
    SELECT
        z.instrument_id,
        z.base_timeframe,
        z.open_at,
        z.score
    FROM (
        SELECT
            j.instrument_id,
            j.base_timeframe,
            j.open_at,
            abs(j.jump - m.middle) / GREATEST(
                -- What makes the median deviation of normally spread moves their standard deviation.
                1.4826::double precision * (
                    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(u.move - m.middle))
                    FROM unnest(m.moves) AS u (move)
                ),
                %(least_scale)s::double precision
            ) AS score
        FROM jumps AS j
        CROSS JOIN LATERAL (
            SELECT
                array_agg(p.move) AS moves,
                percentile_cont(0.5) WITHIN GROUP (ORDER BY p.move) AS middle
            FROM (
                SELECT ln(c.price / lag(c.price) OVER (ORDER BY c.open_at)) AS move
                FROM (
                    SELECT
                        b.open_at,
                        b.close * COALESCE(a.price_factor, 1.0::double precision) AS price
                    FROM market.bars AS b
                    LEFT JOIN market.adjustments AS a
                        ON b.instrument_id = a.instrument_id AND b.open_at >= a.from_at AND b.open_at < a.to_at
                    WHERE b.instrument_id = j.instrument_id AND b.base_timeframe = j.base_timeframe
                        AND b.open_at < j.open_at
                    ORDER BY b.open_at DESC
                    LIMIT %(neighbours)s::integer + 1
                ) AS c
            ) AS p
            WHERE p.move IS NOT NULL
        ) AS m
        WHERE cardinality(m.moves) >= %(fewest)s::integer
    ) AS z
    WHERE z.score >= %(least_z)s::double precision
),
forgotten AS (
    DELETE FROM market.bar_flags AS f
    USING examined AS e
    WHERE f.instrument_id = e.instrument_id AND f.base_timeframe = e.base_timeframe AND f.flag = 'outlier'
        AND f.open_at >= lower(e.span) AND f.open_at < upper(e.span)
        AND NOT EXISTS (
            SELECT 1 FROM found AS n
            WHERE n.instrument_id = f.instrument_id AND n.base_timeframe = f.base_timeframe AND n.open_at = f.open_at
        )
)
INSERT INTO market.bar_flags AS f (instrument_id, base_timeframe, open_at, flag, score, flagged_at)
SELECT n.instrument_id, n.base_timeframe, n.open_at, 'outlier', n.score, %(now)s::timestamptz
FROM found AS n
ON CONFLICT (instrument_id, base_timeframe, open_at, flag) DO UPDATE SET
    score = excluded.score, flagged_at = excluded.flagged_at
WHERE f.score <> excluded.score;

-- name: remember_rules
INSERT INTO market.meta AS m (key, value) VALUES ('quality_rules', %(rules)s::text)
ON CONFLICT (key) DO UPDATE SET value = excluded.value
WHERE m.value <> excluded.value;

-- name: set_now
-- The view reads the present through engine.now().
SELECT set_config('signalhub.now', %(now)s::timestamptz::text, TRUE);

-- name: data_quality
SELECT
    q.symbol,
    q.timeframe,
    q.base_timeframe,
    q.grade,
    q.reasons,
    q.is_fresh,
    q.overdue_seconds,
    q.last_close_at,
    q.settled_through,
    q.complete_24h_pct,
    q.complete_7d_pct,
    q.open_gaps,
    q.zero_volume_run,
    q.flat_run,
    q.outliers_7d,
    q.last_correction_at
FROM analytics.data_quality AS q
WHERE (%(symbol)s::text IS NULL OR q.symbol = %(symbol)s::text)
    AND (%(timeframe)s::text IS NULL OR q.timeframe = %(timeframe)s::text)
ORDER BY
    q.symbol COLLATE "C", -- noqa: RF03
    (SELECT t.position FROM market.timeframes AS t WHERE t.timeframe = q.timeframe);
