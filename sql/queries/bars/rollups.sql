-- Purpose: what bars/rollups.py runs: dirty ranges rolled up level by level.
-- A due range is one whose bars have all closed by `now`. Ids are joined: in a condition the planner weighs each.

-- name: due_ranges
SELECT COALESCE(array_agg(d.dirty_id ORDER BY d.dirty_id), '{}') AS dirty_ids
FROM market.dirty_ranges AS d
WHERE d.to_at <= %(now)s::timestamptz;

-- name: touched
-- Between which instants, per instrument and timeframe, closed bars were touched by due ranges; nothing before kept_from.
-- Told per span, for these are few. Grouped by numbers: sorting thousands of words takes longer than all else.
WITH due AS (
    SELECT d.instrument_id, d.base_timeframe, d.timeframe, d.from_at, d.to_at, k.kept_from
    FROM unnest(%(dirty_ids)s::bigint[]) AS u (dirty_id)
    INNER JOIN market.dirty_ranges AS d ON u.dirty_id = d.dirty_id
    LEFT JOIN market.retention AS k ON k.relation = 'market.bars' AND d.base_timeframe = k.timeframe
    WHERE d.to_at > COALESCE(k.kept_from, '-infinity')
),

begun AS (
    SELECT d.instrument_id, t.position, t.span, d.from_at, d.to_at, d.kept_from
    FROM due AS d
    INNER JOIN market.timeframes AS t ON d.timeframe = t.timeframe
    UNION ALL
    SELECT d.instrument_id, t.position, t.span, d.from_at, d.to_at, d.kept_from
    FROM due AS d
    INNER JOIN market.timeframes AS b ON d.base_timeframe = b.timeframe
    INNER JOIN market.timeframes AS t ON b.position <= t.position
    WHERE d.timeframe IS NULL
)

SELECT t.timeframe, p.from_at, p.to_at, p.instrument_ids
FROM (
    SELECT f.position, f.from_at, f.to_at, array_agg(f.instrument_id) AS instrument_ids
    FROM (
        SELECT
            d.instrument_id,
            d.position,
            min(GREATEST(date_bin(d.span, d.from_at, '2000-01-01 00:00:00+00'), d.kept_from)) AS from_at,
            max(d.to_at) AS to_at
        FROM begun AS d
        WHERE date_bin(d.span, d.from_at, '2000-01-01 00:00:00+00') + d.span <= %(now)s::timestamptz
        GROUP BY d.instrument_id, d.position
    ) AS f
    GROUP BY f.position, f.from_at, f.to_at
) AS p
INNER JOIN market.timeframes AS t ON p.position = t.position
ORDER BY p.position, p.from_at;

-- name: keep_forming
-- The last bucket of a range may still be forming at a level: that level stays dirty there until it closes. Nearly
-- always it is recorded already: looking at all of them at once costs less than the conflict.
WITH written AS (
    SELECT d.instrument_id, d.base_timeframe, max(d.to_at) AS to_at
    FROM unnest(%(dirty_ids)s::bigint[]) AS u (dirty_id)
    INNER JOIN market.dirty_ranges AS d ON u.dirty_id = d.dirty_id
    WHERE d.timeframe IS NULL
    GROUP BY d.instrument_id, d.base_timeframe
),

forming AS MATERIALIZED (
    SELECT
        t.timeframe,
        t.position,
        date_bin(t.span, %(now)s::timestamptz, '2000-01-01 00:00:00+00') AS from_at,
        date_bin(t.span, %(now)s::timestamptz, '2000-01-01 00:00:00+00') + t.span AS to_at
    FROM market.timeframes AS t
)

INSERT INTO market.dirty_ranges (instrument_id, base_timeframe, timeframe, from_at, to_at)
SELECT w.instrument_id, w.base_timeframe, f.timeframe, f.from_at, f.to_at
FROM written AS w
INNER JOIN market.timeframes AS b ON w.base_timeframe = b.timeframe
INNER JOIN forming AS f ON b.position < f.position AND w.to_at > f.from_at
EXCEPT
SELECT d.instrument_id, d.base_timeframe, d.timeframe, d.from_at, d.to_at
FROM market.dirty_ranges AS d
WHERE d.timeframe IS NOT NULL
ON CONFLICT ON CONSTRAINT dirty_range_is_recorded_once DO NOTHING;

-- name: forget_ranges
DELETE FROM market.dirty_ranges AS d
USING unnest(%(dirty_ids)s::bigint[]) AS u (dirty_id)
WHERE d.dirty_id = u.dirty_id;

-- name: is_anything_dropped
SELECT EXISTS (SELECT 1 FROM market.retention AS k WHERE k.relation <> 'market.indicators'); -- noqa: CP03, LT01, LT06

-- name: windows
-- TimescaleDB refreshes windows of time for all instruments; neighbours within a month make one window. None reaches
-- back before anything that was dropped: refreshing there would delete the rollups.
WITH due AS (
    SELECT DISTINCT d.timeframe, d.from_at, d.to_at
    FROM unnest(%(dirty_ids)s::bigint[]) AS u (dirty_id)
    INNER JOIN market.dirty_ranges AS d ON u.dirty_id = d.dirty_id
)

SELECT
    w.timeframe,
    lower(w.span) AS from_at,
    upper(w.span) - INTERVAL '720 hours' AS to_at
FROM (
    SELECT p.timeframe, unnest(range_agg(tstzrange(p.from_at, p.to_at + INTERVAL '720 hours'))) AS span
    FROM (
        SELECT
            t.timeframe,
            GREATEST(
                date_bin(t.span, d.from_at, '2000-01-01 00:00:00+00'),
                (SELECT max(k.kept_from) FROM market.retention AS k WHERE k.relation <> 'market.indicators')
            ) AS from_at,
            LEAST(
                date_bin(t.span, d.to_at - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00') + t.span,
                date_bin(t.span, %(now)s::timestamptz, '2000-01-01 00:00:00+00')
            ) AS to_at
        FROM due AS d
        INNER JOIN market.timeframes AS t ON t.position > 1 AND (d.timeframe IS NULL OR d.timeframe = t.timeframe)
    ) AS p
    WHERE p.from_at < p.to_at
    GROUP BY p.timeframe
) AS w
ORDER BY 1, 2;

-- name: old_ranges
-- What lies before the windows, where some base was dropped and this one was not: rolled up instrument by instrument.
-- Asked only where anything was dropped.
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
            GREATEST(date_bin(t.span, d.from_at, '2000-01-01 00:00:00+00'), k.kept_from) AS from_at,
            LEAST(
                date_bin(t.span, d.to_at - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00') + t.span,
                date_bin(t.span, %(now)s::timestamptz, '2000-01-01 00:00:00+00'),
                (SELECT max(a.kept_from) FROM market.retention AS a WHERE a.relation <> 'market.indicators')
            ) AS to_at
        FROM unnest(%(dirty_ids)s::bigint[]) AS u (dirty_id)
        INNER JOIN market.dirty_ranges AS d ON u.dirty_id = d.dirty_id
        CROSS JOIN market.timeframes AS t
        LEFT JOIN market.retention AS k ON k.relation = 'market.bars' AND d.base_timeframe = k.timeframe
        WHERE t.timeframe = %(timeframe)s::text
            AND (d.timeframe IS NULL OR d.timeframe = t.timeframe)
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
-- All that is due, whoever noted it since: what is not forgotten is done once more. OFFSET 0: one index scan a range,
-- for the planner knows nothing of range_agg. All aggregates follow one order: none sorts its bucket again.
INSERT INTO market.bars_5m (
    instrument_id, base_timeframe, open_at, open, high, low, close, volume, turnover,
    bar_count, filled_count, high_at, low_at, known_at
)
SELECT
    b.instrument_id, b.base_timeframe, date_bin(INTERVAL '5 minutes', b.open_at, '2000-01-01 00:00:00+00'),
    (array_agg(b.open ORDER BY b.open_at))[1],
    max(b.high), min(b.low),
    (array_agg(b.close ORDER BY b.open_at))[count(*)],
    sum(b.volume ORDER BY b.open_at),
    sum(COALESCE(b.turnover, b.volume * (b.high + b.low + b.close) / 3.0::double precision) ORDER BY b.open_at),
    sum(b.bar_count)::integer, sum(b.filled_count)::integer,
    (array_agg(b.high_at ORDER BY b.open_at))[array_position(array_agg(b.high ORDER BY b.open_at), max(b.high))],
    (array_agg(b.low_at ORDER BY b.open_at))[array_position(array_agg(b.low ORDER BY b.open_at), min(b.low))],
    max(b.known_at)
FROM (
    SELECT p.instrument_id, p.base_timeframe, unnest(range_agg(tstzrange(p.from_at, p.to_at))) AS span
    FROM (
        SELECT
            d.instrument_id,
            d.base_timeframe,
            GREATEST(date_bin(INTERVAL '5 minutes', d.from_at, '2000-01-01 00:00:00+00'), k.kept_from) AS from_at,
            LEAST(
                date_bin(INTERVAL '5 minutes', d.to_at - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00')
                + INTERVAL '5 minutes',
                date_bin(INTERVAL '5 minutes', %(now)s::timestamptz, '2000-01-01 00:00:00+00')
            ) AS to_at
        FROM market.dirty_ranges AS d
        LEFT JOIN market.retention AS k ON k.relation = 'market.bars' AND d.base_timeframe = k.timeframe
        WHERE d.to_at <= %(now)s::timestamptz AND (d.timeframe IS NULL OR d.timeframe = '5m')
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
    b.instrument_id, b.base_timeframe, date_bin(INTERVAL '15 minutes', b.open_at, '2000-01-01 00:00:00+00'),
    (array_agg(b.open ORDER BY b.open_at))[1],
    max(b.high), min(b.low),
    (array_agg(b.close ORDER BY b.open_at))[count(*)],
    sum(b.volume ORDER BY b.open_at),
    sum(b.turnover ORDER BY b.open_at),
    sum(b.bar_count)::integer, sum(b.filled_count)::integer,
    (array_agg(b.high_at ORDER BY b.open_at))[array_position(array_agg(b.high ORDER BY b.open_at), max(b.high))],
    (array_agg(b.low_at ORDER BY b.open_at))[array_position(array_agg(b.low ORDER BY b.open_at), min(b.low))],
    max(b.known_at)
FROM (
    SELECT p.instrument_id, p.base_timeframe, unnest(range_agg(tstzrange(p.from_at, p.to_at))) AS span
    FROM (
        SELECT
            d.instrument_id,
            d.base_timeframe,
            GREATEST(date_bin(INTERVAL '15 minutes', d.from_at, '2000-01-01 00:00:00+00'), k.kept_from) AS from_at,
            LEAST(
                date_bin(INTERVAL '15 minutes', d.to_at - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00')
                + INTERVAL '15 minutes',
                date_bin(INTERVAL '15 minutes', %(now)s::timestamptz, '2000-01-01 00:00:00+00')
            ) AS to_at
        FROM market.dirty_ranges AS d
        LEFT JOIN market.retention AS k ON k.relation = 'market.bars' AND d.base_timeframe = k.timeframe
        WHERE d.to_at <= %(now)s::timestamptz AND (d.timeframe IS NULL OR d.timeframe = '15m')
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
    b.instrument_id, b.base_timeframe, date_bin(INTERVAL '1 hour', b.open_at, '2000-01-01 00:00:00+00'),
    (array_agg(b.open ORDER BY b.open_at))[1],
    max(b.high), min(b.low),
    (array_agg(b.close ORDER BY b.open_at))[count(*)],
    sum(b.volume ORDER BY b.open_at),
    sum(b.turnover ORDER BY b.open_at),
    sum(b.bar_count)::integer, sum(b.filled_count)::integer,
    (array_agg(b.high_at ORDER BY b.open_at))[array_position(array_agg(b.high ORDER BY b.open_at), max(b.high))],
    (array_agg(b.low_at ORDER BY b.open_at))[array_position(array_agg(b.low ORDER BY b.open_at), min(b.low))],
    max(b.known_at)
FROM (
    SELECT p.instrument_id, p.base_timeframe, unnest(range_agg(tstzrange(p.from_at, p.to_at))) AS span
    FROM (
        SELECT
            d.instrument_id,
            d.base_timeframe,
            GREATEST(date_bin(INTERVAL '1 hour', d.from_at, '2000-01-01 00:00:00+00'), k.kept_from) AS from_at,
            LEAST(
                date_bin(INTERVAL '1 hour', d.to_at - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00')
                + INTERVAL '1 hour',
                date_bin(INTERVAL '1 hour', %(now)s::timestamptz, '2000-01-01 00:00:00+00')
            ) AS to_at
        FROM market.dirty_ranges AS d
        LEFT JOIN market.retention AS k ON k.relation = 'market.bars' AND d.base_timeframe = k.timeframe
        WHERE d.to_at <= %(now)s::timestamptz AND (d.timeframe IS NULL OR d.timeframe = '1h')
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
    b.instrument_id, b.base_timeframe, date_bin(INTERVAL '4 hours', b.open_at, '2000-01-01 00:00:00+00'),
    (array_agg(b.open ORDER BY b.open_at))[1],
    max(b.high), min(b.low),
    (array_agg(b.close ORDER BY b.open_at))[count(*)],
    sum(b.volume ORDER BY b.open_at),
    sum(b.turnover ORDER BY b.open_at),
    sum(b.bar_count)::integer, sum(b.filled_count)::integer,
    (array_agg(b.high_at ORDER BY b.open_at))[array_position(array_agg(b.high ORDER BY b.open_at), max(b.high))],
    (array_agg(b.low_at ORDER BY b.open_at))[array_position(array_agg(b.low ORDER BY b.open_at), min(b.low))],
    max(b.known_at)
FROM (
    SELECT p.instrument_id, p.base_timeframe, unnest(range_agg(tstzrange(p.from_at, p.to_at))) AS span
    FROM (
        SELECT
            d.instrument_id,
            d.base_timeframe,
            GREATEST(date_bin(INTERVAL '4 hours', d.from_at, '2000-01-01 00:00:00+00'), k.kept_from) AS from_at,
            LEAST(
                date_bin(INTERVAL '4 hours', d.to_at - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00')
                + INTERVAL '4 hours',
                date_bin(INTERVAL '4 hours', %(now)s::timestamptz, '2000-01-01 00:00:00+00')
            ) AS to_at
        FROM market.dirty_ranges AS d
        LEFT JOIN market.retention AS k ON k.relation = 'market.bars' AND d.base_timeframe = k.timeframe
        WHERE d.to_at <= %(now)s::timestamptz AND (d.timeframe IS NULL OR d.timeframe = '4h')
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
    b.instrument_id, b.base_timeframe, date_bin(INTERVAL '24 hours', b.open_at, '2000-01-01 00:00:00+00'),
    (array_agg(b.open ORDER BY b.open_at))[1],
    max(b.high), min(b.low),
    (array_agg(b.close ORDER BY b.open_at))[count(*)],
    sum(b.volume ORDER BY b.open_at),
    sum(b.turnover ORDER BY b.open_at),
    sum(b.bar_count)::integer, sum(b.filled_count)::integer,
    (array_agg(b.high_at ORDER BY b.open_at))[array_position(array_agg(b.high ORDER BY b.open_at), max(b.high))],
    (array_agg(b.low_at ORDER BY b.open_at))[array_position(array_agg(b.low ORDER BY b.open_at), min(b.low))],
    max(b.known_at)
FROM (
    SELECT p.instrument_id, p.base_timeframe, unnest(range_agg(tstzrange(p.from_at, p.to_at))) AS span
    FROM (
        SELECT
            d.instrument_id,
            d.base_timeframe,
            GREATEST(date_bin(INTERVAL '24 hours', d.from_at, '2000-01-01 00:00:00+00'), k.kept_from) AS from_at,
            LEAST(
                date_bin(INTERVAL '24 hours', d.to_at - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00')
                + INTERVAL '24 hours',
                date_bin(INTERVAL '24 hours', %(now)s::timestamptz, '2000-01-01 00:00:00+00')
            ) AS to_at
        FROM market.dirty_ranges AS d
        LEFT JOIN market.retention AS k ON k.relation = 'market.bars' AND d.base_timeframe = k.timeframe
        WHERE d.to_at <= %(now)s::timestamptz AND (d.timeframe IS NULL OR d.timeframe = '1d')
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
