-- Purpose: what signals/validity.py runs: what can still be done with the live signals, as changes, appended.

-- name: check
-- Of open signals, by the newest base bars that have closed: outcomes wait for the watermark, this does not. s: +1 for
-- long, -1 for short. Prices are those of the signal's date. What is final stays. A signal of the newest bar is valid.
WITH due AS MATERIALIZED (
    SELECT
        g.signal_id, g.instrument_id, g.close_at, g.valid_until, o.tracked_through,
        CASE g.direction WHEN 'long' THEN 1.0::double precision ELSE -1.0::double precision END AS s,
        g.entry::double precision AS entry,
        g.stop::double precision AS stop,
        g.target::double precision AS target,
        COALESCE(a.price_factor, 1.0::double precision) AS price_factor,
        v.state AS last_state,
        v.since AS last_since
    FROM engine.outcomes AS o
    INNER JOIN engine.signals AS g ON o.signal_id = g.signal_id
    LEFT JOIN market.adjustments AS a
        ON g.instrument_id = a.instrument_id AND g.open_at >= a.from_at AND g.open_at < a.to_at
    LEFT JOIN LATERAL (
        SELECT c.state, c.since FROM engine.signal_validity AS c
        WHERE c.signal_id = g.signal_id
        ORDER BY c.change_id DESC
        LIMIT 1
    ) AS v ON TRUE
    WHERE o.status = 'open' AND g.origin = 'live' AND g.close_at <= %(now)s::timestamptz
        AND (%(instrument_ids)s::integer[] IS NULL OR g.instrument_id = ANY(%(instrument_ids)s::integer[]))
        AND (v.state IS NULL OR v.state IN ('valid', 'entry_missed'))
),
newest AS MATERIALIZED (
    -- Once an instrument, however many of its signals are open.
    SELECT i.instrument_id, b.close, b.close_at, b.price_factor
    FROM (SELECT DISTINCT d.instrument_id FROM due AS d) AS i
    CROSS JOIN LATERAL (
        SELECT x.close, x.close_at, r.price_factor
        FROM market.ruling_spans AS r
        INNER JOIN market.timeframes AS t ON r.base_timeframe = t.timeframe
        CROSS JOIN LATERAL (
            SELECT c.open_at, c.close, c.open_at + t.span AS close_at
            FROM market.bars AS c
            WHERE c.instrument_id = r.instrument_id AND c.base_timeframe = r.base_timeframe
                AND c.open_at >= r.from_at AND c.open_at < r.until_at
                AND c.open_at <= %(now)s::timestamptz - t.span
                AND c.open_at > %(now)s::timestamptz - INTERVAL '720 hours'
            ORDER BY c.open_at DESC
            LIMIT 1
        ) AS x
        WHERE r.instrument_id = i.instrument_id
        ORDER BY x.close_at DESC
        LIMIT 1
    ) AS b
),
seen AS (
    SELECT
        d.*, n.close_at AS newest_at, n.close * (n.price_factor / d.price_factor) AS price,
        x.close_at AS touched_at, x.close AS touched_close, x.is_stop
    FROM due AS d
    LEFT JOIN newest AS n ON d.instrument_id = n.instrument_id AND n.close_at >= d.close_at
    LEFT JOIN LATERAL (
        -- Only bars that outcomes have not looked at: before them nothing was touched, or it would not be open.
        SELECT
            b.open_at + t.span AS close_at,
            b.close * k.scale AS close,
            CASE WHEN d.s > 0 THEN b.low * k.scale <= d.stop ELSE b.high * k.scale >= d.stop END AS is_stop
        FROM market.ruling_spans AS r
        CROSS JOIN LATERAL (SELECT r.price_factor / d.price_factor AS scale) AS k
        INNER JOIN market.timeframes AS t ON r.base_timeframe = t.timeframe
        INNER JOIN market.bars AS b
            ON r.instrument_id = b.instrument_id AND r.base_timeframe = b.base_timeframe
            AND b.open_at >= r.from_at AND b.open_at < r.until_at
        WHERE r.instrument_id = d.instrument_id AND n.close_at > d.tracked_through
            AND b.open_at >= d.close_at AND b.open_at >= d.tracked_through
            AND b.open_at <= LEAST(d.valid_until, n.close_at) - t.span
            AND CASE
                WHEN d.s > 0 THEN b.low * k.scale <= d.stop OR b.high * k.scale >= d.target
                ELSE b.high * k.scale >= d.stop OR b.low * k.scale <= d.target
            END
        ORDER BY b.open_at
        LIMIT 1
    ) AS x ON TRUE
),
judged AS (
    SELECT
        s.signal_id, s.last_state, s.last_since,
        CASE
            WHEN s.is_stop THEN 'invalidated'
            WHEN s.touched_at IS NOT NULL THEN 'target_reached'
            WHEN s.valid_until <= %(now)s::timestamptz THEN 'expired'
            -- Whoever enters there risks more than there is left to win.
            WHEN s.price * s.s > s.entry * s.s AND (s.target - s.price) * s.s < (s.price - s.stop) * s.s
                THEN 'entry_missed'
            ELSE 'valid'
        END AS state,
        COALESCE(s.touched_at, CASE WHEN s.valid_until <= %(now)s::timestamptz THEN s.valid_until END, s.newest_at,
            s.close_at) AS since,
        COALESCE(s.touched_close, s.price) AS price
    FROM seen AS s
)
INSERT INTO engine.signal_validity (signal_id, state, since, price, checked_at)
SELECT j.signal_id, j.state, j.since, j.price, %(now)s::timestamptz
FROM judged AS j
WHERE j.last_state IS NULL OR (j.state <> j.last_state AND j.since >= j.last_since)
ORDER BY j.signal_id;

-- name: close
-- Of live signals that ended, in the words of their outcome.
INSERT INTO engine.signal_validity (signal_id, state, since, price, checked_at)
SELECT o.signal_id, k.state, COALESCE(o.exit_at, o.fill_at, o.tracked_through), o.exit_price, %(now)s::timestamptz
FROM unnest(%(signal_ids)s::bigint[]) AS e (signal_id)
INNER JOIN engine.outcomes AS o ON e.signal_id = o.signal_id
INNER JOIN engine.signals AS g ON o.signal_id = g.signal_id AND g.origin = 'live'
CROSS JOIN LATERAL (
    SELECT CASE o.status
        WHEN 'target_hit' THEN 'target_reached' WHEN 'expired' THEN 'expired' ELSE 'invalidated'
    END AS state
) AS k
WHERE o.status <> 'open' AND k.state IS DISTINCT FROM (
    SELECT c.state FROM engine.signal_validity AS c
    WHERE c.signal_id = o.signal_id
    ORDER BY c.change_id DESC
    LIMIT 1
)
ORDER BY o.signal_id;
