-- Purpose: what performance/walking.py runs: how far base bars are settled, base bars where the columns at hand are
-- none, and the finer bars that decide. The rules are those of outcomes.sql, which walks stored signals.

-- name: settled
SELECT
    r.instrument_id,
    max(LEAST(w.settled_through, r.rules_until)) AS settled_at
FROM market.instrument_bases AS r
INNER JOIN market.watermarks AS w
    ON r.instrument_id = w.instrument_id AND r.base_timeframe = w.timeframe
WHERE w.settled_through > r.rules_from
GROUP BY r.instrument_id
ORDER BY r.instrument_id;

-- name: plain
-- Instruments whose base bars are the bars of the timeframe itself, unadjusted, all of them rolled up.
SELECT r.instrument_id
FROM market.ruling_spans AS r
WHERE NOT EXISTS (SELECT 1 FROM market.dirty_ranges AS d WHERE d.instrument_id = r.instrument_id)
GROUP BY r.instrument_id
HAVING bool_and(r.base_timeframe = %(timeframe)s::text AND r.price_factor = 1.0::double precision)
ORDER BY r.instrument_id;

-- name: base_bars
-- Raw ruling base bars that open in some spans, which do not overlap.
SELECT
    b.instrument_id,
    (date_part('epoch', b.open_at) / 60.0::double precision)::bigint AS opened,
    (date_part('epoch', b.open_at + t.span) / 60.0::double precision)::bigint AS closed,
    t.position AS base,
    b.open,
    b.high,
    b.low,
    b.close,
    r.price_factor
FROM unnest(
    %(instrument_ids)s::integer[], %(from_ats)s::timestamptz[], %(until_ats)s::timestamptz[]
) AS c (instrument_id, from_at, until_at)
INNER JOIN market.ruling_spans AS r ON c.instrument_id = r.instrument_id
INNER JOIN market.timeframes AS t ON r.base_timeframe = t.timeframe
INNER JOIN market.bars AS b
    ON r.instrument_id = b.instrument_id AND r.base_timeframe = b.base_timeframe
    AND b.open_at >= r.from_at AND b.open_at < r.until_at
    AND b.open_at >= c.from_at AND b.open_at < c.until_at
    AND b.open_at >= %(earliest)s::timestamptz AND b.open_at < %(latest)s::timestamptz;

-- name: finer
-- What finer bars say of bars that hold both stop and target, where all that are expected in them are there.
SELECT
    d.number,
    f.first_is_target,
    f.exit_open,
    f.opens_beyond_stop,
    f.exit_at
FROM unnest(
    %(numbers)s::integer[], %(instrument_ids)s::integer[], %(opens)s::timestamptz[], %(closes)s::timestamptz[],
    %(bases)s::integer[], %(scales)s::double precision[], %(signs)s::double precision[],
    %(stops)s::double precision[], %(targets)s::double precision[], %(fills)s::timestamptz[]
) AS d (
    number, instrument_id, exit_open_at, exit_close_at, exit_base, exit_scale, s, stop, target, filled_at
)
INNER JOIN market.instruments AS i ON d.instrument_id = i.instrument_id
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN z.is_stop AND z.is_target AND NOT z.opens_beyond_stop THEN NULL
            ELSE z.is_target AND NOT z.opens_beyond_stop
        END AS first_is_target,
        z.exit_open,
        z.opens_beyond_stop,
        CASE WHEN z.opens_beyond_stop THEN z.open_at ELSE z.close_at END AS exit_at
    FROM (
        SELECT
            t.position,
            b.open_at,
            b.open_at + t.span AS close_at,
            b.open * d.exit_scale AS exit_open,
            b.open * d.exit_scale * d.s <= d.stop * d.s AND b.open_at > d.filled_at AS opens_beyond_stop,
            CASE
                WHEN d.s > 0 THEN b.low * d.exit_scale <= d.stop ELSE b.high * d.exit_scale >= d.stop
            END AS is_stop,
            CASE
                WHEN d.s > 0 THEN b.high * d.exit_scale >= d.target ELSE b.low * d.exit_scale <= d.target
            END AS is_target
        FROM market.timeframes AS t
        INNER JOIN market.bars AS b
            ON b.instrument_id = d.instrument_id AND t.timeframe = b.base_timeframe
            AND b.open_at >= d.exit_open_at AND b.open_at < d.exit_close_at
        WHERE t.position < d.exit_base
            AND market.expected_bars(i.calendar, t.timeframe, d.exit_open_at, d.exit_close_at) <= (
                SELECT count(*) FROM market.bars AS c
                WHERE c.instrument_id = d.instrument_id AND c.base_timeframe = t.timeframe
                    AND c.open_at >= d.exit_open_at AND c.open_at < d.exit_close_at
            )
    ) AS z
    WHERE z.is_stop OR z.is_target
    ORDER BY z.position, z.open_at
    LIMIT 1
) AS f
ORDER BY d.number;
