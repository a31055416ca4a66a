-- Purpose: what signals/verify.py runs: what is stored of each signal, and the seals that its rows would get now.
-- The caller's time zone is UTC: instants of rows are sealed in it.

-- name: extent
-- How many signals there are, and after which id those that are looked at begin.
SELECT
    (SELECT count(*) FROM engine.signals) AS signals,
    COALESCE((
        SELECT s.signal_id FROM engine.signals AS s
        ORDER BY s.signal_id DESC
        LIMIT 1 OFFSET %(newest)s::bigint
    ), 0) AS after;

-- name: recorded
-- The next ids that any relation speaks of, with what each says: what one lacks was removed.
WITH ids AS MATERIALIZED (
    SELECT u.signal_id
    FROM (
        (
            SELECT a.signal_id FROM engine.seals AS a
            WHERE a.signal_id > %(after)s::bigint ORDER BY a.signal_id LIMIT 2 * %(limit)s::bigint
        )
        UNION
        (
            SELECT b.signal_id FROM engine.signals AS b
            WHERE b.signal_id > %(after)s::bigint ORDER BY b.signal_id LIMIT %(limit)s::bigint
        )
        UNION
        (
            SELECT c.signal_id FROM engine.signal_inputs AS c
            WHERE c.signal_id > %(after)s::bigint ORDER BY c.signal_id LIMIT %(limit)s::bigint
        )
        UNION
        (
            SELECT d.signal_id FROM engine.outcomes AS d
            WHERE d.signal_id > %(after)s::bigint ORDER BY d.signal_id LIMIT %(limit)s::bigint
        )
    ) AS u
    ORDER BY u.signal_id
    LIMIT %(limit)s::bigint
)
SELECT
    ids.signal_id,
    s.signal_id IS NOT NULL AS has_signal,
    p.inputs,
    o.status,
    o.signal_id IS NOT NULL AS has_outcome,
    v.strategy,
    v.version,
    i.venue,
    i.symbol,
    i.public_symbol,
    s.timeframe,
    s.open_at,
    s.close_at,
    s.direction,
    s.entry,
    s.stop,
    s.target,
    s.score,
    s.components,
    s.weights,
    s.left_out,
    s.atr,
    s.risk_reward,
    s.position_size_pct,
    s.max_risk_pct,
    s.reason,
    s.input_hash,
    engine.seal_of(to_json(s)) AS signal_now,
    ss.record_sha256 AS signal_seal,
    ls.payload_sha256 AS signal_entered,
    CASE WHEN o.status <> 'open' THEN engine.seal_of(to_json(o)) END AS outcome_now,
    os.record_sha256 AS outcome_seal,
    lo.payload_sha256 AS outcome_entered
FROM ids
LEFT JOIN engine.signals AS s ON ids.signal_id = s.signal_id
LEFT JOIN engine.strategies AS v ON s.strategy_id = v.strategy_id
LEFT JOIN market.instruments AS i ON s.instrument_id = i.instrument_id
LEFT JOIN engine.signal_inputs AS p ON ids.signal_id = p.signal_id
LEFT JOIN engine.outcomes AS o ON ids.signal_id = o.signal_id
LEFT JOIN engine.seals AS ss ON ids.signal_id = ss.signal_id AND ss.kind = 'signal'
LEFT JOIN engine.seals AS os ON ids.signal_id = os.signal_id AND os.kind = 'outcome'
LEFT JOIN engine.ledger AS ls ON ids.signal_id = ls.signal_id AND ls.kind = 'published'
LEFT JOIN engine.ledger AS lo ON ids.signal_id = lo.signal_id AND lo.kind = 'closed'
ORDER BY ids.signal_id;

-- name: as_sealed
-- Rows are sealed in UTC and with all digits of their floats, whatever the session has set.
SELECT
    set_config('timezone', 'UTC', TRUE) AS timezone,
    set_config('extra_float_digits', '1', TRUE) AS extra_float_digits;
