-- Purpose: what bars/rollups.py runs: dirty ranges rolled up level by level.
-- A due range is one whose bars have all closed by `now`.

-- name: due_ranges
SELECT d.dirty_id
FROM market.dirty_ranges AS d
WHERE d.to_at <= %(now)s::timestamptz
ORDER BY d.dirty_id;

-- name: touched
-- The first open, per instrument and timeframe, whose closed bars a due range touched.
SELECT
    d.instrument_id,
    t.timeframe,
    min(date_bin(t.span, d.from_at, '2000-01-01 00:00:00+00'::timestamptz)) AS from_at
FROM market.dirty_ranges AS d
INNER JOIN market.timeframes AS b ON d.base_timeframe = b.timeframe
INNER JOIN market.timeframes AS t
    ON (d.timeframe IS NULL AND t.position >= b.position) OR d.timeframe = t.timeframe
WHERE d.dirty_id = ANY(%(dirty_ids)s::bigint[])
    AND date_bin(t.span, d.from_at, '2000-01-01 00:00:00+00'::timestamptz) + t.span <= %(now)s::timestamptz
GROUP BY d.instrument_id, t.timeframe
ORDER BY d.instrument_id, t.timeframe COLLATE "C"; -- noqa: RF02

-- name: keep_forming
-- The last bucket of a range may still be forming at a level: that level stays dirty there until it closes.
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
ON CONFLICT ON CONSTRAINT dirty_range_is_recorded_once DO NOTHING;

-- name: forget_ranges
DELETE FROM market.dirty_ranges AS d WHERE d.dirty_id = ANY(%(dirty_ids)s::bigint[]);

-- name: windows
-- TimescaleDB refreshes windows of time for all instruments; neighbours within a month make one window.
SELECT
    lower(w.span) AS from_at,
    upper(w.span) - INTERVAL '720 hours' AS to_at
FROM (
    SELECT unnest(range_agg(tstzrange(p.from_at, p.to_at + INTERVAL '720 hours'))) AS span
    FROM (
        SELECT
            date_bin(t.span, d.from_at, '2000-01-01 00:00:00+00'::timestamptz) AS from_at,
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

-- name: refresh_5m
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
            date_bin(INTERVAL '5 minutes', d.from_at, '2000-01-01 00:00:00+00'::timestamptz) AS from_at,
            LEAST(
                date_bin(
                    INTERVAL '5 minutes', d.to_at - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00'::timestamptz
                )
                + INTERVAL '5 minutes',
                date_bin(INTERVAL '5 minutes', %(now)s::timestamptz, '2000-01-01 00:00:00+00'::timestamptz)
            ) AS to_at
        FROM market.dirty_ranges AS d
        WHERE d.dirty_id = ANY(%(dirty_ids)s::bigint[]) AND (d.timeframe IS NULL OR d.timeframe = '5m')
    ) AS p
    WHERE p.from_at < p.to_at
    GROUP BY p.instrument_id, p.base_timeframe
) AS r
INNER JOIN market.bars AS b
    ON r.instrument_id = b.instrument_id AND r.base_timeframe = b.base_timeframe
    AND b.open_at >= lower(r.span) AND b.open_at < upper(r.span)
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
            date_bin(INTERVAL '15 minutes', d.from_at, '2000-01-01 00:00:00+00'::timestamptz) AS from_at,
            LEAST(
                date_bin(
                    INTERVAL '15 minutes', d.to_at - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00'::timestamptz
                )
                + INTERVAL '15 minutes',
                date_bin(INTERVAL '15 minutes', %(now)s::timestamptz, '2000-01-01 00:00:00+00'::timestamptz)
            ) AS to_at
        FROM market.dirty_ranges AS d
        WHERE d.dirty_id = ANY(%(dirty_ids)s::bigint[]) AND (d.timeframe IS NULL OR d.timeframe = '15m')
    ) AS p
    WHERE p.from_at < p.to_at
    GROUP BY p.instrument_id, p.base_timeframe
) AS r
INNER JOIN market.bars_5m AS b
    ON r.instrument_id = b.instrument_id AND r.base_timeframe = b.base_timeframe
    AND b.open_at >= lower(r.span) AND b.open_at < upper(r.span)
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
            date_bin(INTERVAL '1 hour', d.from_at, '2000-01-01 00:00:00+00'::timestamptz) AS from_at,
            LEAST(
                date_bin(INTERVAL '1 hour', d.to_at - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00'::timestamptz)
                + INTERVAL '1 hour',
                date_bin(INTERVAL '1 hour', %(now)s::timestamptz, '2000-01-01 00:00:00+00'::timestamptz)
            ) AS to_at
        FROM market.dirty_ranges AS d
        WHERE d.dirty_id = ANY(%(dirty_ids)s::bigint[]) AND (d.timeframe IS NULL OR d.timeframe = '1h')
    ) AS p
    WHERE p.from_at < p.to_at
    GROUP BY p.instrument_id, p.base_timeframe
) AS r
INNER JOIN market.bars_15m AS b
    ON r.instrument_id = b.instrument_id AND r.base_timeframe = b.base_timeframe
    AND b.open_at >= lower(r.span) AND b.open_at < upper(r.span)
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
            date_bin(INTERVAL '4 hours', d.from_at, '2000-01-01 00:00:00+00'::timestamptz) AS from_at,
            LEAST(
                date_bin(INTERVAL '4 hours', d.to_at - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00'::timestamptz)
                + INTERVAL '4 hours',
                date_bin(INTERVAL '4 hours', %(now)s::timestamptz, '2000-01-01 00:00:00+00'::timestamptz)
            ) AS to_at
        FROM market.dirty_ranges AS d
        WHERE d.dirty_id = ANY(%(dirty_ids)s::bigint[]) AND (d.timeframe IS NULL OR d.timeframe = '4h')
    ) AS p
    WHERE p.from_at < p.to_at
    GROUP BY p.instrument_id, p.base_timeframe
) AS r
INNER JOIN market.bars_1h AS b
    ON r.instrument_id = b.instrument_id AND r.base_timeframe = b.base_timeframe
    AND b.open_at >= lower(r.span) AND b.open_at < upper(r.span)
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
            date_bin(INTERVAL '24 hours', d.from_at, '2000-01-01 00:00:00+00'::timestamptz) AS from_at,
            LEAST(
                date_bin(INTERVAL '24 hours', d.to_at - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00'::timestamptz)
                + INTERVAL '24 hours',
                date_bin(INTERVAL '24 hours', %(now)s::timestamptz, '2000-01-01 00:00:00+00'::timestamptz)
            ) AS to_at
        FROM market.dirty_ranges AS d
        WHERE d.dirty_id = ANY(%(dirty_ids)s::bigint[]) AND (d.timeframe IS NULL OR d.timeframe = '1d')
    ) AS p
    WHERE p.from_at < p.to_at
    GROUP BY p.instrument_id, p.base_timeframe
) AS r
INNER JOIN market.bars_4h AS b
    ON r.instrument_id = b.instrument_id AND r.base_timeframe = b.base_timeframe
    AND b.open_at >= lower(r.span) AND b.open_at < upper(r.span)
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
ON CONFLICT (instrument_id, base_timeframe, open_at) DO UPDATE SET
    open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
    volume = excluded.volume, turnover = excluded.turnover,
    bar_count = excluded.bar_count, filled_count = excluded.filled_count,
    high_at = excluded.high_at, low_at = excluded.low_at, known_at = excluded.known_at;
