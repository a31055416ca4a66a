-- Purpose: what bars/splits.py runs: splits recorded, the adjustments that follow from them, and what to compute anew.

-- name: lock_instrument
-- Whoever writes bars or splits of an instrument queues up.
SELECT i.instrument_id
FROM market.instruments AS i
WHERE i.instrument_id = %(instrument_id)s::integer
FOR NO KEY UPDATE;

-- name: session_days
-- The day of the first session after the end of each day. A session's day is the UTC day of its middle: Sydney opens
-- at 23:00 UTC of the day before. Null where the calendar's sessions are not known that far.
SELECT
    u.day_end,
    (
        SELECT date_bin(INTERVAL '24 hours', s.open_at + (s.close_at - s.open_at) / 2, '2000-01-01 00:00:00+00')
        FROM market.sessions AS s
        WHERE s.calendar = %(calendar)s::text
            AND s.open_at > u.day_end - INTERVAL '24 hours' AND s.open_at < u.day_end + INTERVAL '336 hours'
            AND s.open_at + (s.close_at - s.open_at) / 2 >= u.day_end
        ORDER BY s.open_at
        LIMIT 1
    ) AS effective_at
FROM unnest(%(day_ends)s::timestamptz[]) AS u (day_end);

-- name: stored
SELECT p.effective_at, p.ratio
FROM market.splits AS p
WHERE p.instrument_id = %(instrument_id)s::integer
ORDER BY p.effective_at;

-- name: jumps
-- The raw closes and opens on both sides of each split, where bars stand within ten days on both sides.
SELECT
    u.effective_at,
    before.close AS close_before,
    later.open AS open_after
FROM unnest(%(effective_ats)s::timestamptz[]) AS u (effective_at)
CROSS JOIN LATERAL (
    SELECT b.close
    FROM market.instrument_bases AS r
    INNER JOIN market.bars AS b
        ON r.instrument_id = b.instrument_id AND r.base_timeframe = b.base_timeframe
        AND b.open_at >= r.rules_from AND b.open_at < r.rules_until
    WHERE r.instrument_id = %(instrument_id)s::integer
        AND b.open_at < u.effective_at AND b.open_at >= u.effective_at - INTERVAL '240 hours'
    ORDER BY b.open_at DESC
    LIMIT 1
) AS before
CROSS JOIN LATERAL (
    SELECT b.open
    FROM market.instrument_bases AS r
    INNER JOIN market.bars AS b
        ON r.instrument_id = b.instrument_id AND r.base_timeframe = b.base_timeframe
        AND b.open_at >= r.rules_from AND b.open_at < r.rules_until
    WHERE r.instrument_id = %(instrument_id)s::integer
        AND b.open_at >= u.effective_at AND b.open_at < u.effective_at + INTERVAL '240 hours'
    ORDER BY b.open_at
    LIMIT 1
) AS later
ORDER BY u.effective_at;

-- name: delete
DELETE FROM market.splits AS p
WHERE p.instrument_id = %(instrument_id)s::integer AND p.effective_at = ANY(%(effective_ats)s::timestamptz[]);

-- name: insert
INSERT INTO market.splits (instrument_id, effective_at, ratio, source, known_at)
SELECT %(instrument_id)s::integer, u.effective_at, u.ratio, %(source)s::text, %(now)s::timestamptz
FROM unnest(%(effective_ats)s::timestamptz[], %(ratios)s::double precision[]) AS u (effective_at, ratio);

-- name: delete_adjustments
DELETE FROM market.adjustments AS a WHERE a.instrument_id = %(instrument_id)s::integer;

-- name: insert_adjustments
INSERT INTO market.adjustments (instrument_id, from_at, to_at, price_factor)
SELECT
    %(instrument_id)s::integer,
    COALESCE(u.from_at, '-infinity'::timestamptz),
    COALESCE(u.to_at, 'infinity'::timestamptz),
    u.price_factor
FROM unnest(%(from_ats)s::timestamptz[], %(to_ats)s::timestamptz[], %(price_factors)s::double precision[])
AS u (from_at, to_at, price_factor);

-- name: record_dirty
-- Every bar before a split changed its price in today's shares, and what comes after hangs on them. A new id: see
-- ingest.sql.
INSERT INTO market.dirty_ranges (instrument_id, base_timeframe, from_at, to_at)
SELECT b.instrument_id, b.base_timeframe, min(b.open_at), max(b.open_at) + min(t.span)
FROM market.bars AS b
INNER JOIN market.timeframes AS t ON b.base_timeframe = t.timeframe
WHERE b.instrument_id = %(instrument_id)s::integer
GROUP BY b.instrument_id, b.base_timeframe
ON CONFLICT ON CONSTRAINT dirty_range_is_recorded_once DO UPDATE SET dirty_id = DEFAULT;

-- name: rescale_rows
-- Old rows whose bars were dropped cannot be computed again: they are brought back to raw prices before the
-- adjustments change, and to today's shares after it. What still has its bars is computed anew besides.
UPDATE market.indicators AS x SET
    sma_20 = x.sma_20 * k.scale,
    sma_50 = x.sma_50 * k.scale,
    ema_9 = x.ema_9 * k.scale,
    ema_21 = x.ema_21 * k.scale,
    ema_50 = x.ema_50 * k.scale,
    macd_12_26_9 = x.macd_12_26_9 * k.scale,
    macd_signal_12_26_9 = x.macd_signal_12_26_9 * k.scale,
    macd_hist_12_26_9 = x.macd_hist_12_26_9 * k.scale,
    atr_14 = x.atr_14 * k.scale,
    bb_upper_20_2 = x.bb_upper_20_2 * k.scale,
    bb_middle_20_2 = x.bb_middle_20_2 * k.scale,
    bb_lower_20_2 = x.bb_lower_20_2 * k.scale,
    donchian_upper_20 = x.donchian_upper_20 * k.scale,
    donchian_lower_20 = x.donchian_lower_20 * k.scale,
    volume_sma_20 = x.volume_sma_20 / k.scale,
    obv = x.obv / k.scale
FROM (
    SELECT
        a.from_at,
        a.to_at,
        CASE WHEN %(is_back)s::boolean THEN 1.0::double precision / a.price_factor ELSE a.price_factor END AS scale
    FROM market.adjustments AS a
    WHERE a.instrument_id = %(instrument_id)s::integer
) AS k
WHERE x.instrument_id = %(instrument_id)s::integer AND x.open_at >= k.from_at AND x.open_at < k.to_at
    AND x.open_at < (SELECT max(r.kept_from) FROM market.retention AS r)
    AND k.scale <> 1.0::double precision;

-- name: rescale_states
-- The anchors from which the first bars that are kept resume.
UPDATE market.indicator_state AS s SET
    ema_9_state = s.ema_9_state * k.scale,
    ema_21_state = s.ema_21_state * k.scale,
    ema_50_state = s.ema_50_state * k.scale,
    macd_fast_state = s.macd_fast_state * k.scale,
    macd_slow_state = s.macd_slow_state * k.scale,
    macd_signal_state = s.macd_signal_state * k.scale,
    gain_state = s.gain_state * k.scale,
    loss_state = s.loss_state * k.scale,
    atr_state = s.atr_state * k.scale,
    plus_dm_state = s.plus_dm_state * k.scale,
    minus_dm_state = s.minus_dm_state * k.scale,
    tr_state = s.tr_state * k.scale,
    obv_state = s.obv_state / k.scale
FROM (
    SELECT
        a.from_at,
        a.to_at,
        CASE WHEN %(is_back)s::boolean THEN 1.0::double precision / a.price_factor ELSE a.price_factor END AS scale
    FROM market.adjustments AS a
    WHERE a.instrument_id = %(instrument_id)s::integer
) AS k
WHERE s.instrument_id = %(instrument_id)s::integer AND s.open_at >= k.from_at AND s.open_at < k.to_at
    AND s.open_at < (SELECT max(r.kept_from) FROM market.retention AS r)
    AND k.scale <> 1.0::double precision;
