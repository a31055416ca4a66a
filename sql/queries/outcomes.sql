-- Purpose: what outcomes.py runs: open signals walked over the base bars that are new since they were last looked at.
-- The rules are those of docs/architecture.md, "Outcomes": fill at the first open, touches count, an open at or
-- beyond the stop exits there, both in one bar is a stop unless finer bars decide, expiry exits at the last close.
-- Prices are those of the signal's date: a bar beyond a split is multiplied back by `scale`, which is exactly 1 where
-- no split lies between the two.

-- name: reach
-- The span of base bars that open signals may look at now: constants that let PostgreSQL leave out chunks.
SELECT
    min(g.close_at) AS earliest,
    LEAST(max(g.valid_until), %(now)s::timestamptz) AS latest
FROM engine.outcomes AS o
INNER JOIN engine.signals AS g ON o.signal_id = g.signal_id
WHERE o.status = 'open'
    AND g.close_at < %(now)s::timestamptz
    AND (%(instrument_ids)s::integer[] IS NULL OR g.instrument_id = ANY(%(instrument_ids)s::integer[]));

-- name: track
-- s: +1 long, -1 short. Prices times s turn a short into a long: stop below, target above.
-- settled_at: how far the ruling base bars are settled; horizon: how far a signal may look now, which is never
-- beyond the reach: a signal that came after it was measured waits for the next look.
-- A bar is new when it closes after tracked_through: that instant may lie in a bar that was forming then.
WITH due AS (
    SELECT
        o.signal_id, o.tracked_through, o.fill_at, o.fill_price, o.best_price, o.worst_price,
        g.instrument_id, g.close_at, g.valid_until,
        CASE g.direction WHEN 'long' THEN 1.0::double precision ELSE -1.0::double precision END AS s,
        g.stop::double precision AS stop,
        g.target::double precision AS target,
        abs(g.entry - g.stop)::double precision AS risk,
        COALESCE(a.price_factor, 1.0::double precision) AS price_factor,
        i.calendar
    FROM engine.outcomes AS o
    INNER JOIN engine.signals AS g ON o.signal_id = g.signal_id
    INNER JOIN market.instruments AS i ON g.instrument_id = i.instrument_id
    LEFT JOIN market.adjustments AS a
        ON g.instrument_id = a.instrument_id AND g.open_at >= a.from_at AND g.open_at < a.to_at
    WHERE o.status = 'open' AND g.close_at < %(now)s::timestamptz AND g.close_at >= %(earliest)s::timestamptz
        AND (%(instrument_ids)s::integer[] IS NULL OR g.instrument_id = ANY(%(instrument_ids)s::integer[]))
    ORDER BY o.signal_id
    FOR UPDATE OF o
),
reachable AS MATERIALIZED (
    SELECT d.*, LEAST(m.settled_at, d.valid_until, %(latest)s::timestamptz) AS horizon
    FROM due AS d
    INNER JOIN (
        SELECT r.instrument_id, max(LEAST(w.settled_through, r.rules_until)) AS settled_at
        FROM market.instrument_bases AS r
        INNER JOIN market.watermarks AS w
            ON r.instrument_id = w.instrument_id AND r.base_timeframe = w.timeframe
        WHERE w.settled_through > r.rules_from
        GROUP BY r.instrument_id
    ) AS m ON d.instrument_id = m.instrument_id
    WHERE LEAST(m.settled_at, d.valid_until, %(latest)s::timestamptz) > d.tracked_through
),
filled AS MATERIALIZED (
    SELECT
        d.*,
        COALESCE(d.fill_at, f.open_at) AS filled_at,
        COALESCE(d.fill_price, f.open) AS filled_price,
        d.fill_at IS NULL AND (f.open * d.s <= d.stop * d.s OR f.open * d.s >= d.target * d.s) AS is_gapped
    FROM reachable AS d
    LEFT JOIN LATERAL (
        SELECT b.open_at, b.open * (r.price_factor / d.price_factor) AS open
        FROM market.ruling_spans AS r
        INNER JOIN market.timeframes AS t ON r.base_timeframe = t.timeframe
        INNER JOIN market.bars AS b
            ON r.instrument_id = b.instrument_id AND r.base_timeframe = b.base_timeframe
            AND b.open_at >= r.from_at AND b.open_at < r.until_at
        WHERE d.fill_at IS NULL AND r.instrument_id = d.instrument_id
            AND b.open_at >= d.close_at AND b.open_at > d.tracked_through - t.span
            AND b.open_at < d.horizon AND b.open_at <= d.horizon - t.span
            AND b.open_at >= %(earliest)s::timestamptz AND b.open_at < %(latest)s::timestamptz
        ORDER BY b.open_at
        LIMIT 1
    ) AS f ON TRUE
),
walked AS MATERIALIZED (
    SELECT
        d.*,
        x.open_at AS exit_open_at,
        x.close_at AS exit_close_at,
        x.base_timeframe AS exit_base,
        x.scale AS exit_scale,
        x.open AS exit_open,
        x.low AS exit_worst,
        x.high AS exit_best,
        -- An open beyond the stop; the fill bar's own open is the fill, which is not.
        x.open * d.s <= d.stop * d.s AND x.open_at > d.filled_at AS opens_beyond_stop,
        CASE WHEN d.s > 0 THEN x.low <= d.stop ELSE x.high >= d.stop END AS touches_stop,
        CASE WHEN d.s > 0 THEN x.high >= d.target ELSE x.low <= d.target END AS touches_target
    FROM filled AS d
    LEFT JOIN LATERAL (
        SELECT
            b.open_at, b.open_at + t.span AS close_at, b.base_timeframe, k.scale,
            b.open * k.scale AS open, b.high * k.scale AS high, b.low * k.scale AS low
        FROM market.ruling_spans AS r
        CROSS JOIN LATERAL (SELECT r.price_factor / d.price_factor AS scale) AS k
        INNER JOIN market.timeframes AS t ON r.base_timeframe = t.timeframe
        INNER JOIN market.bars AS b
            ON r.instrument_id = b.instrument_id AND r.base_timeframe = b.base_timeframe
            AND b.open_at >= r.from_at AND b.open_at < r.until_at
        WHERE d.filled_at IS NOT NULL AND NOT d.is_gapped
            AND r.instrument_id = d.instrument_id
            AND b.open_at >= d.filled_at AND b.open_at > d.tracked_through - t.span
            AND b.open_at < d.horizon AND b.open_at <= d.horizon - t.span
            AND b.open_at >= %(earliest)s::timestamptz AND b.open_at < %(latest)s::timestamptz
            AND CASE
                WHEN d.s > 0 THEN b.low * k.scale <= d.stop OR b.high * k.scale >= d.target
                ELSE b.high * k.scale >= d.stop OR b.low * k.scale <= d.target
            END
        ORDER BY b.open_at
        LIMIT 1
    ) AS x ON TRUE
),
decided AS MATERIALIZED (
    -- Finer bars decide a bar that holds both, where all that are expected in it are there.
    SELECT
        d.*,
        f.first_is_target,
        f.exit_open AS finer_open,
        f.opens_beyond_stop AS finer_opens_beyond_stop,
        f.exit_at AS finer_exit_at
    FROM walked AS d
    LEFT JOIN LATERAL (
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
            FROM market.timeframes AS e
            INNER JOIN market.timeframes AS t ON e.position > t.position
            INNER JOIN market.bars AS b
                ON b.instrument_id = d.instrument_id AND t.timeframe = b.base_timeframe
                AND b.open_at >= d.exit_open_at AND b.open_at < d.exit_close_at
            WHERE e.timeframe = d.exit_base
                AND market.expected_bars(d.calendar, t.timeframe, d.exit_open_at, d.exit_close_at) <= (
                    SELECT count(*) FROM market.bars AS c
                    WHERE c.instrument_id = d.instrument_id AND c.base_timeframe = t.timeframe
                        AND c.open_at >= d.exit_open_at AND c.open_at < d.exit_close_at
                )
        ) AS z
        WHERE z.is_stop OR z.is_target
        ORDER BY z.position, z.open_at
        LIMIT 1
    ) AS f ON d.touches_stop AND d.touches_target AND NOT d.opens_beyond_stop
),
judged AS MATERIALIZED (
    SELECT
        d.*,
        CASE
            WHEN d.filled_at IS NULL AND d.horizon >= d.valid_until THEN 'expired'
            WHEN d.is_gapped THEN 'cancelled'
            WHEN d.exit_open_at IS NULL AND d.horizon >= d.valid_until AND d.filled_at IS NOT NULL THEN 'expired'
            WHEN d.exit_open_at IS NULL THEN 'open'
            WHEN d.opens_beyond_stop THEN 'stop_hit'
            WHEN d.touches_stop AND d.touches_target
                THEN CASE WHEN d.first_is_target THEN 'target_hit' ELSE 'stop_hit' END
            WHEN d.touches_target THEN 'target_hit'
            ELSE 'stop_hit'
        END AS status,
        d.touches_stop AND d.touches_target AND NOT d.opens_beyond_stop AND d.first_is_target IS NULL AS is_ambiguous
    FROM decided AS d
),
measured AS MATERIALIZED (
    SELECT
        d.*,
        GREATEST(d.best_price * d.s, e.best) AS best,
        LEAST(d.worst_price * d.s, e.worst) AS worst,
        CASE
            WHEN d.filled_at IS NULL OR d.status IN ('open', 'cancelled') THEN NULL
            WHEN d.status = 'expired' THEN e.last_close
            WHEN d.status = 'target_hit' THEN d.target
            WHEN d.opens_beyond_stop THEN d.exit_open
            WHEN d.finer_opens_beyond_stop THEN d.finer_open
            ELSE d.stop
        END AS exit_price,
        CASE
            WHEN d.status = 'open' THEN NULL
            WHEN d.status = 'cancelled' THEN d.filled_at
            WHEN d.filled_at IS NULL THEN d.valid_until
            WHEN d.status = 'expired' THEN e.last_close_at
            WHEN d.opens_beyond_stop THEN d.exit_open_at
            ELSE COALESCE(d.finer_exit_at, d.exit_close_at)
        END AS exit_at
    FROM judged AS d
    LEFT JOIN LATERAL (
        -- The bars before the exit bar that are new since the last look; the last close may be of an older one.
        SELECT
            max(CASE WHEN d.s > 0 THEN b.high ELSE -b.low END) FILTER (WHERE b.is_new) AS best,
            min(CASE WHEN d.s > 0 THEN b.low ELSE -b.high END) FILTER (WHERE b.is_new) AS worst,
            (array_agg(b.close ORDER BY b.open_at DESC))[1] AS last_close,
            max(b.close_at) AS last_close_at
        FROM (
            SELECT
                c.open_at, c.high * k.scale AS high, c.low * k.scale AS low, c.close * k.scale AS close,
                c.open_at + t.span AS close_at,
                c.open_at > d.tracked_through - t.span AS is_new
            FROM market.ruling_spans AS r
            CROSS JOIN LATERAL (SELECT r.price_factor / d.price_factor AS scale) AS k
            INNER JOIN market.timeframes AS t ON r.base_timeframe = t.timeframe
            INNER JOIN market.bars AS c
                ON r.instrument_id = c.instrument_id AND r.base_timeframe = c.base_timeframe
                AND c.open_at >= r.from_at AND c.open_at < r.until_at
            WHERE r.instrument_id = d.instrument_id
                AND c.open_at >= d.filled_at
                AND (d.status = 'expired' OR c.open_at > d.tracked_through - t.span)
                AND c.open_at < d.horizon AND c.open_at <= d.horizon - t.span
                AND c.open_at >= %(earliest)s::timestamptz AND c.open_at < %(latest)s::timestamptz
                AND (d.exit_open_at IS NULL OR c.open_at < d.exit_open_at)
        ) AS b
    ) AS e ON d.filled_at IS NOT NULL AND NOT d.is_gapped
),
valued AS (
    SELECT
        d.*,
        (d.exit_price - d.filled_price) * d.s AS move,
        2.0::double precision * %(cost_bps)s::double precision / 100.0::double precision AS cost_pct
    FROM measured AS d
)
UPDATE engine.outcomes AS o SET
    status = v.status,
    tracked_through = v.horizon,
    fill_at = CASE WHEN v.is_gapped THEN NULL ELSE v.filled_at END,
    fill_price = CASE WHEN v.is_gapped THEN NULL ELSE v.filled_price END,
    best_price = v.best * v.s,
    worst_price = v.worst * v.s,
    exit_at = v.exit_at,
    exit_price = v.exit_price,
    is_ambiguous = COALESCE(v.is_ambiguous, FALSE),
    r_multiple = v.move / v.risk,
    gross_return_pct = 100.0::double precision * v.move / v.filled_price,
    net_return_pct = 100.0::double precision * v.move / v.filled_price - v.cost_pct,
    net_r = (v.move - v.filled_price * v.cost_pct / 100.0::double precision) / v.risk,
    mfe_r = CASE WHEN v.exit_price IS NOT NULL THEN GREATEST(
        0.0::double precision, v.move / v.risk, (v.best - v.filled_price * v.s) / v.risk
    ) END,
    mae_r = CASE WHEN v.exit_price IS NOT NULL THEN LEAST(
        0.0::double precision, v.move / v.risk, (v.worst - v.filled_price * v.s) / v.risk
    ) END
FROM valued AS v
WHERE o.signal_id = v.signal_id
RETURNING o.signal_id, o.status;
