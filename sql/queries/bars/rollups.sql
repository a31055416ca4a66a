-- Purpose: what bars/rollups.py runs: dirty ranges rolled up level by level.
-- A due range is one whose bars have all closed by `now`.

-- name: due_ranges
SELECT d.dirty_id
FROM market.dirty_ranges AS d
WHERE d.to_at <= %(now)s::timestamptz
ORDER BY d.dirty_id;

-- name: touched
-- The first open, per instrument and timeframe, whose closed bars a due range touched; nothing before kept_from.
SELECT
    d.instrument_id,
    t.timeframe,
    min(GREATEST(date_bin(t.span, d.from_at, '2000-01-01 00:00:00+00'::timestamptz), k.kept_from)) AS from_at
FROM market.dirty_ranges AS d
INNER JOIN market.timeframes AS b ON d.base_timeframe = b.timeframe
INNER JOIN market.timeframes AS t
    ON (d.timeframe IS NULL AND t.position >= b.position) OR d.timeframe = t.timeframe
LEFT JOIN market.retention AS k ON k.relation = 'market.bars' AND d.base_timeframe = k.timeframe
WHERE d.dirty_id = ANY(%(dirty_ids)s::bigint[])
    AND date_bin(t.span, d.from_at, '2000-01-01 00:00:00+00'::timestamptz) + t.span <= %(now)s::timestamptz
    AND d.to_at > COALESCE(k.kept_from, '-infinity')
GROUP BY d.instrument_id, t.timeframe
ORDER BY d.instrument_id, t.timeframe COLLATE "C"; -- noqa: RF02

-- name: keep_forming
-- The last bucket of a range may still be forming at a level: that level stays dirty there until it closes. Nearly
-- always it is recorded already, minute after minute: looking first costs less than the conflict.
INSERT INTO market.dirty_ranges (instrument_id, base_timeframe, timeframe, from_at, to_at)
SELECT DISTINCT
    d.instrument_id,
    d.base_timeframe,
    t.timeframe,
    date_bin(t.span, %(now)s::timestamptz, '2000-01-01 00:00:00+00'::timestamptz),
    date_bin(t.span, %(now)s::timestamptz, '2000-01-01 00:00:00+00'::timestamptz) + t.span
FROM market.dirty_ranges AS d
INNER JOIN market.timeframes AS b ON d.base_timeframe = b.timeframe
INNER JOIN market.timeframes AS t ON b.position < t.position
WHERE d.dirty_id = ANY(%(dirty_ids)s::bigint[])
    AND d.timeframe IS NULL
    AND d.to_at > date_bin(t.span, %(now)s::timestamptz, '2000-01-01 00:00:00+00'::timestamptz)
    -- Most are recorded since the bucket began: looked for at once, not one by one by the index.
    AND NOT EXISTS (
        SELECT 1 FROM market.dirty_ranges AS f
        WHERE f.instrument_id = d.instrument_id AND f.base_timeframe = d.base_timeframe AND f.timeframe = t.timeframe
            AND f.from_at = date_bin(t.span, %(now)s::timestamptz, '2000-01-01 00:00:00+00'::timestamptz)
    )
ON CONFLICT ON CONSTRAINT dirty_range_is_recorded_once DO NOTHING;

-- name: forget_ranges
DELETE FROM market.dirty_ranges AS d WHERE d.dirty_id = ANY(%(dirty_ids)s::bigint[]);

-- name: windows
-- TimescaleDB refreshes windows of time for all instruments; neighbours within a month make one window. None reaches
-- back before anything that was dropped: refreshing there would delete the rollups.
SELECT
    lower(w.span) AS from_at,
    upper(w.span) - INTERVAL '720 hours' AS to_at
FROM (
    SELECT unnest(range_agg(tstzrange(p.from_at, p.to_at + INTERVAL '720 hours'))) AS span
    FROM (
        SELECT
            GREATEST(
                date_bin(t.span, d.from_at, '2000-01-01 00:00:00+00'::timestamptz),
                (SELECT max(k.kept_from) FROM market.retention AS k WHERE k.relation <> 'market.indicators')
            ) AS from_at,
            LEAST(
                date_bin(t.span, d.to_at - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00'::timestamptz) + t.span,
                date_bin(t.span, %(now)s::timestamptz, '2000-01-01 00:00:00+00'::timestamptz)
            ) AS to_at
        FROM market.dirty_ranges AS d
        CROSS JOIN market.timeframes AS t
        WHERE d.dirty_id = ANY(%(dirty_ids)s::bigint[])
            AND t.timeframe = %(timeframe)s::text
            AND (d.timeframe IS NULL OR d.timeframe = t.timeframe)
    ) AS p
    WHERE p.from_at < p.to_at
) AS w
ORDER BY 1;

-- name: old_ranges
-- What lies before the windows, where some base was dropped and this one was not: rolled up instrument by instrument.
SELECT
    p.instrument_id,
    p.base_timeframe,
    lower(p.span) AS from_at,
    upper(p.span) AS to_at
FROM (
    SELECT
        r.instrument_id,
        r.base_timeframe,
        unnest(range_agg(tstzrange(r.from_at, r.to_at))) AS span
    FROM (
        SELECT
            d.instrument_id,
            d.base_timeframe,
            GREATEST(date_bin(t.span, d.from_at, '2000-01-01 00:00:00+00'::timestamptz), k.kept_from) AS from_at,
            LEAST(
                date_bin(t.span, d.to_at - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00'::timestamptz) + t.span,
                date_bin(t.span, %(now)s::timestamptz, '2000-01-01 00:00:00+00'::timestamptz),
                (SELECT max(a.kept_from) FROM market.retention AS a WHERE a.relation <> 'market.indicators')
            ) AS to_at
        FROM market.dirty_ranges AS d
        CROSS JOIN market.timeframes AS t
        LEFT JOIN market.retention AS k ON k.relation = 'market.bars' AND d.base_timeframe = k.timeframe
        WHERE d.dirty_id = ANY(%(dirty_ids)s::bigint[])
            AND t.timeframe = %(timeframe)s::text
            AND (d.timeframe IS NULL OR d.timeframe = t.timeframe)
            AND EXISTS (SELECT 1 FROM market.retention AS a WHERE a.relation <> 'market.indicators')
    ) AS r
    WHERE r.from_at < r.to_at
    GROUP BY r.instrument_id, r.base_timeframe
) AS p
ORDER BY 1, 2, 3;

-- name: roll_up_range
SELECT market.roll_up_range(
    %(timeframe)s::text, %(instrument_id)s::integer, %(base_timeframe)s::text,
    %(from_at)s::timestamptz, %(to_at)s::timestamptz
);

-- name: refresh_5m
-- OFFSET 0 keeps the planner at one index scan per range: it knows nothing of what range_agg gives, and else may read
-- all bars for one bucket.
INSERT INTO market.bars_5m (
    instrument_id, base_timeframe, open_at, open, high, low, close, volume, turnover,
    bar_count, filled_count, high_at, low_at, known_at
)
SELECT
    b.instrument_id,
    b.base_timeframe,
    date_bin(INTERVAL '5 minutes', b.open_at, '2000-01-01 00:00:00+00'::timestamptz),
    (array_agg(b.open ORDER BY b.open_at))[1],
    max(b.high),
    min(b.low),
    (array_agg(b.close ORDER BY b.open_at DESC))[1],
    sum(b.volume ORDER BY b.open_at),
    sum(COALESCE(b.turnover, b.volume * (b.high + b.low + b.close) / 3.0::double precision) ORDER BY b.open_at),
    sum(b.bar_count)::integer,
    sum(b.filled_count)::integer,
    (array_agg(b.high_at ORDER BY b.high DESC, b.open_at))[1],
    (array_agg(b.low_at ORDER BY b.low, b.open_at))[1],
    max(b.known_at)
FROM (
    SELECT p.instrument_id, p.base_timeframe, unnest(range_agg(tstzrange(p.from_at, p.to_at))) AS span
    FROM (
        SELECT
            d.instrument_id,
            d.base_timeframe,
            GREATEST(
                date_bin(INTERVAL '5 minutes', d.from_at, '2000-01-01 00:00:00+00'::timestamptz), k.kept_from
            ) AS from_at,
            LEAST(
                date_bin(
                    INTERVAL '5 minutes', d.to_at - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00'::timestamptz
                )
                + INTERVAL '5 minutes',
                date_bin(INTERVAL '5 minutes', %(now)s::timestamptz, '2000-01-01 00:00:00+00'::timestamptz)
            ) AS to_at
        FROM market.dirty_ranges AS d
        LEFT JOIN market.retention AS k ON k.relation = 'market.bars' AND d.base_timeframe = k.timeframe
        WHERE d.dirty_id = ANY(%(dirty_ids)s::bigint[]) AND (d.timeframe IS NULL OR d.timeframe = '5m')
    ) AS p
    WHERE p.from_at < p.to_at
    GROUP BY p.instrument_id, p.base_timeframe
) AS r
CROSS JOIN LATERAL (
    SELECT
        b.instrument_id, b.base_timeframe, b.open_at, b.open, b.high, b.low, b.close, b.volume, b.turnover,
        b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at
    FROM market.bars AS b
    WHERE b.instrument_id = r.instrument_id AND b.base_timeframe = r.base_timeframe
        AND b.open_at >= lower(r.span) AND b.open_at < upper(r.span)
    ORDER BY b.open_at
    OFFSET 0
) AS b
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
ON CONFLICT (instrument_id, base_timeframe, open_at) DO UPDATE SET
    open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
    volume = excluded.volume, turnover = excluded.turnover,
    bar_count = excluded.bar_count, filled_count = excluded.filled_count,
    high_at = excluded.high_at, low_at = excluded.low_at, known_at = excluded.known_at;

-- name: refresh_15m
INSERT INTO market.bars_15m (
    instrument_id, base_timeframe, open_at, open, high, low, close, volume, turnover,
    bar_count, filled_count, high_at, low_at, known_at
)
SELECT
    b.instrument_id,
    b.base_timeframe,
    date_bin(INTERVAL '15 minutes', b.open_at, '2000-01-01 00:00:00+00'::timestamptz),
    (array_agg(b.open ORDER BY b.open_at))[1],
    max(b.high),
    min(b.low),
    (array_agg(b.close ORDER BY b.open_at DESC))[1],
    sum(b.volume ORDER BY b.open_at),
    sum(b.turnover ORDER BY b.open_at),
    sum(b.bar_count)::integer,
    sum(b.filled_count)::integer,
    (array_agg(b.high_at ORDER BY b.high DESC, b.open_at))[1],
    (array_agg(b.low_at ORDER BY b.low, b.open_at))[1],
    max(b.known_at)
FROM (
    SELECT p.instrument_id, p.base_timeframe, unnest(range_agg(tstzrange(p.from_at, p.to_at))) AS span
    FROM (
        SELECT
            d.instrument_id,
            d.base_timeframe,
            GREATEST(
                date_bin(INTERVAL '15 minutes', d.from_at, '2000-01-01 00:00:00+00'::timestamptz), k.kept_from
            ) AS from_at,
            LEAST(
                date_bin(
                    INTERVAL '15 minutes', d.to_at - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00'::timestamptz
                )
                + INTERVAL '15 minutes',
                date_bin(INTERVAL '15 minutes', %(now)s::timestamptz, '2000-01-01 00:00:00+00'::timestamptz)
            ) AS to_at
        FROM market.dirty_ranges AS d
        LEFT JOIN market.retention AS k ON k.relation = 'market.bars' AND d.base_timeframe = k.timeframe
        WHERE d.dirty_id = ANY(%(dirty_ids)s::bigint[]) AND (d.timeframe IS NULL OR d.timeframe = '15m')
    ) AS p
    WHERE p.from_at < p.to_at
    GROUP BY p.instrument_id, p.base_timeframe
) AS r
CROSS JOIN LATERAL (
    SELECT
        b.instrument_id, b.base_timeframe, b.open_at, b.open, b.high, b.low, b.close, b.volume, b.turnover,
        b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at
    FROM market.bars_5m AS b
    WHERE b.instrument_id = r.instrument_id AND b.base_timeframe = r.base_timeframe
        AND b.open_at >= lower(r.span) AND b.open_at < upper(r.span)
    ORDER BY b.open_at
    OFFSET 0
) AS b
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
ON CONFLICT (instrument_id, base_timeframe, open_at) DO UPDATE SET
    open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
    volume = excluded.volume, turnover = excluded.turnover,
    bar_count = excluded.bar_count, filled_count = excluded.filled_count,
    high_at = excluded.high_at, low_at = excluded.low_at, known_at = excluded.known_at;

-- name: refresh_1h
INSERT INTO market.bars_1h (
    instrument_id, base_timeframe, open_at, open, high, low, close, volume, turnover,
    bar_count, filled_count, high_at, low_at, known_at
)
SELECT
    b.instrument_id,
    b.base_timeframe,
    date_bin(INTERVAL '1 hour', b.open_at, '2000-01-01 00:00:00+00'::timestamptz),
    (array_agg(b.open ORDER BY b.open_at))[1],
    max(b.high),
    min(b.low),
    (array_agg(b.close ORDER BY b.open_at DESC))[1],
    sum(b.volume ORDER BY b.open_at),
    sum(b.turnover ORDER BY b.open_at),
    sum(b.bar_count)::integer,
    sum(b.filled_count)::integer,
    (array_agg(b.high_at ORDER BY b.high DESC, b.open_at))[1],
    (array_agg(b.low_at ORDER BY b.low, b.open_at))[1],
    max(b.known_at)
FROM (
    SELECT p.instrument_id, p.base_timeframe, unnest(range_agg(tstzrange(p.from_at, p.to_at))) AS span
    FROM (
        SELECT
            d.instrument_id,
            d.base_timeframe,
            GREATEST(
                date_bin(INTERVAL '1 hour', d.from_at, '2000-01-01 00:00:00+00'::timestamptz), k.kept_from
            ) AS from_at,
            LEAST(
                date_bin(INTERVAL '1 hour', d.to_at - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00'::timestamptz)
                + INTERVAL '1 hour',
                date_bin(INTERVAL '1 hour', %(now)s::timestamptz, '2000-01-01 00:00:00+00'::timestamptz)
            ) AS to_at
        FROM market.dirty_ranges AS d
        LEFT JOIN market.retention AS k ON k.relation = 'market.bars' AND d.base_timeframe = k.timeframe
        WHERE d.dirty_id = ANY(%(dirty_ids)s::bigint[]) AND (d.timeframe IS NULL OR d.timeframe = '1h')
    ) AS p
    WHERE p.from_at < p.to_at
    GROUP BY p.instrument_id, p.base_timeframe
) AS r
CROSS JOIN LATERAL (
    SELECT
        b.instrument_id, b.base_timeframe, b.open_at, b.open, b.high, b.low, b.close, b.volume, b.turnover,
        b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at
    FROM market.bars_15m AS b
    WHERE b.instrument_id = r.instrument_id AND b.base_timeframe = r.base_timeframe
        AND b.open_at >= lower(r.span) AND b.open_at < upper(r.span)
    ORDER BY b.open_at
    OFFSET 0
) AS b
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
ON CONFLICT (instrument_id, base_timeframe, open_at) DO UPDATE SET
    open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
    volume = excluded.volume, turnover = excluded.turnover,
    bar_count = excluded.bar_count, filled_count = excluded.filled_count,
    high_at = excluded.high_at, low_at = excluded.low_at, known_at = excluded.known_at;

-- name: refresh_4h
INSERT INTO market.bars_4h (
    instrument_id, base_timeframe, open_at, open, high, low, close, volume, turnover,
    bar_count, filled_count, high_at, low_at, known_at
)
SELECT
    b.instrument_id,
    b.base_timeframe,
    date_bin(INTERVAL '4 hours', b.open_at, '2000-01-01 00:00:00+00'::timestamptz),
    (array_agg(b.open ORDER BY b.open_at))[1],
    max(b.high),
    min(b.low),
    (array_agg(b.close ORDER BY b.open_at DESC))[1],
    sum(b.volume ORDER BY b.open_at),
    sum(b.turnover ORDER BY b.open_at),
    sum(b.bar_count)::integer,
    sum(b.filled_count)::integer,
    (array_agg(b.high_at ORDER BY b.high DESC, b.open_at))[1],
    (array_agg(b.low_at ORDER BY b.low, b.open_at))[1],
    max(b.known_at)
FROM (
    SELECT p.instrument_id, p.base_timeframe, unnest(range_agg(tstzrange(p.from_at, p.to_at))) AS span
    FROM (
        SELECT
            d.instrument_id,
            d.base_timeframe,
            GREATEST(
                date_bin(INTERVAL '4 hours', d.from_at, '2000-01-01 00:00:00+00'::timestamptz), k.kept_from
            ) AS from_at,
            LEAST(
                date_bin(INTERVAL '4 hours', d.to_at - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00'::timestamptz)
                + INTERVAL '4 hours',
                date_bin(INTERVAL '4 hours', %(now)s::timestamptz, '2000-01-01 00:00:00+00'::timestamptz)
            ) AS to_at
        FROM market.dirty_ranges AS d
        LEFT JOIN market.retention AS k ON k.relation = 'market.bars' AND d.base_timeframe = k.timeframe
        WHERE d.dirty_id = ANY(%(dirty_ids)s::bigint[]) AND (d.timeframe IS NULL OR d.timeframe = '4h')
    ) AS p
    WHERE p.from_at < p.to_at
    GROUP BY p.instrument_id, p.base_timeframe
) AS r
CROSS JOIN LATERAL (
    SELECT
        b.instrument_id, b.base_timeframe, b.open_at, b.open, b.high, b.low, b.close, b.volume, b.turnover,
        b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at
    FROM market.bars_1h AS b
    WHERE b.instrument_id = r.instrument_id AND b.base_timeframe = r.base_timeframe
        AND b.open_at >= lower(r.span) AND b.open_at < upper(r.span)
    ORDER BY b.open_at
    OFFSET 0
) AS b
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
ON CONFLICT (instrument_id, base_timeframe, open_at) DO UPDATE SET
    open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
    volume = excluded.volume, turnover = excluded.turnover,
    bar_count = excluded.bar_count, filled_count = excluded.filled_count,
    high_at = excluded.high_at, low_at = excluded.low_at, known_at = excluded.known_at;

-- name: refresh_1d
INSERT INTO market.bars_1d (
    instrument_id, base_timeframe, open_at, open, high, low, close, volume, turnover,
    bar_count, filled_count, high_at, low_at, known_at
)
SELECT
    b.instrument_id,
    b.base_timeframe,
    date_bin(INTERVAL '24 hours', b.open_at, '2000-01-01 00:00:00+00'::timestamptz),
    (array_agg(b.open ORDER BY b.open_at))[1],
    max(b.high),
    min(b.low),
    (array_agg(b.close ORDER BY b.open_at DESC))[1],
    sum(b.volume ORDER BY b.open_at),
    sum(b.turnover ORDER BY b.open_at),
    sum(b.bar_count)::integer,
    sum(b.filled_count)::integer,
    (array_agg(b.high_at ORDER BY b.high DESC, b.open_at))[1],
    (array_agg(b.low_at ORDER BY b.low, b.open_at))[1],
    max(b.known_at)
FROM (
    SELECT p.instrument_id, p.base_timeframe, unnest(range_agg(tstzrange(p.from_at, p.to_at))) AS span
    FROM (
        SELECT
            d.instrument_id,
            d.base_timeframe,
            GREATEST(
                date_bin(INTERVAL '24 hours', d.from_at, '2000-01-01 00:00:00+00'::timestamptz), k.kept_from
            ) AS from_at,
            LEAST(
                date_bin(INTERVAL '24 hours', d.to_at - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00'::timestamptz)
                + INTERVAL '24 hours',
                date_bin(INTERVAL '24 hours', %(now)s::timestamptz, '2000-01-01 00:00:00+00'::timestamptz)
            ) AS to_at
        FROM market.dirty_ranges AS d
        LEFT JOIN market.retention AS k ON k.relation = 'market.bars' AND d.base_timeframe = k.timeframe
        WHERE d.dirty_id = ANY(%(dirty_ids)s::bigint[]) AND (d.timeframe IS NULL OR d.timeframe = '1d')
    ) AS p
    WHERE p.from_at < p.to_at
    GROUP BY p.instrument_id, p.base_timeframe
) AS r
CROSS JOIN LATERAL (
    SELECT
        b.instrument_id, b.base_timeframe, b.open_at, b.open, b.high, b.low, b.close, b.volume, b.turnover,
        b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at
    FROM market.bars_4h AS b
    WHERE b.instrument_id = r.instrument_id AND b.base_timeframe = r.base_timeframe
        AND b.open_at >= lower(r.span) AND b.open_at < upper(r.span)
    ORDER BY b.open_at
    OFFSET 0
) AS b
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
ON CONFLICT (instrument_id, base_timeframe, open_at) DO UPDATE SET
    open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
    volume = excluded.volume, turnover = excluded.turnover,
    bar_count = excluded.bar_count, filled_count = excluded.filled_count,
    high_at = excluded.high_at, low_at = excluded.low_at, known_at = excluded.known_at;
