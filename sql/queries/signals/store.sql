-- Purpose: what signals/store.py runs: evaluations, abstentions and signals, set-based and by identity.
-- Rows come as JSON arrays; a row that is there already stays as it is.

-- name: register_strategies
INSERT INTO engine.strategies (strategy, version, parameters, created_at)
SELECT r.strategy, r.version, r.parameters, %(now)s::timestamptz
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (strategy text, version text, parameters jsonb)
ORDER BY r.strategy, r.version
ON CONFLICT ON CONSTRAINT strategy_version_is_unique DO NOTHING;

-- name: strategy_ids
-- In the order given; null where the version is not there yet.
SELECT v.strategy_id
FROM unnest(%(strategies)s::text[], %(versions)s::text[]) WITH ORDINALITY AS r (strategy, version, place)
LEFT JOIN engine.strategies AS v ON r.strategy = v.strategy AND r.version = v.version
ORDER BY r.place;

-- name: insert_evaluations
-- Evaluated again, the wider run stands: a replay of one symbol does not narrow one of all. A replay that could
-- score what abstained before (its bars are complete now, its history longer) stands over the earlier one.
INSERT INTO engine.evaluations AS e (
    origin, strategy_id, timeframe, close_at, instruments_seen, instruments_abstained, candidates, signals,
    milliseconds, snapshot_hits, snapshot_misses, steps, evaluated_at
)
SELECT
    %(origin)s::text, r.strategy_id, %(timeframe)s::text, r.close_at, r.instruments_seen,
    r.instruments_abstained, r.candidates, r.signals, r.milliseconds,
    %(snapshot_hits)s::integer, %(snapshot_misses)s::integer, %(steps)s::jsonb, %(now)s::timestamptz
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
    strategy_id integer, close_at timestamptz, instruments_seen integer, instruments_abstained integer,
    candidates integer, signals integer, milliseconds double precision
)
ORDER BY r.strategy_id, r.close_at
ON CONFLICT ON CONSTRAINT evaluation_happens_once DO UPDATE SET
    instruments_seen = excluded.instruments_seen,
    instruments_abstained = excluded.instruments_abstained,
    candidates = excluded.candidates,
    signals = excluded.signals,
    milliseconds = excluded.milliseconds,
    snapshot_hits = excluded.snapshot_hits,
    snapshot_misses = excluded.snapshot_misses,
    steps = excluded.steps,
    evaluated_at = excluded.evaluated_at
WHERE (e.instruments_seen + e.instruments_abstained, e.instruments_seen)
    < (excluded.instruments_seen + excluded.instruments_abstained, excluded.instruments_seen);

-- name: forget_healed
-- Replays only: an instrument that was scored this time does not abstain there any more.
DELETE FROM engine.abstentions AS a
USING engine.evaluations AS e
WHERE a.evaluation_id = e.evaluation_id
    AND e.origin = 'replay' AND e.strategy_id = ANY(%(strategy_ids)s::integer[])
    AND e.timeframe = %(timeframe)s::text AND e.close_at = ANY(%(closes)s::timestamptz[])
    AND a.direction IS NULL AND a.instrument_id = ANY(%(instrument_ids)s::integer[])
    -- NOT IN, for it is hashed: the planner takes the rows told for few, and would go through them for each abstention.
    AND (e.strategy_id, e.close_at, a.instrument_id) NOT IN (
        SELECT r.strategy_id, r.close_at, r.instrument_id
        FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
            strategy_id integer, close_at timestamptz, instrument_id integer, direction text
        )
        WHERE r.direction IS NULL
    );

-- name: insert_abstentions
INSERT INTO engine.abstentions (evaluation_id, instrument_id, direction, reason, score)
SELECT e.evaluation_id, r.instrument_id, r.direction, r.reason, r.score
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
    strategy_id integer, close_at timestamptz, instrument_id integer, direction text, reason text, score numeric
)
INNER JOIN engine.evaluations AS e
    ON e.origin = %(origin)s::text AND r.strategy_id = e.strategy_id
    AND e.timeframe = %(timeframe)s::text AND r.close_at = e.close_at
ON CONFLICT ON CONSTRAINT abstention_is_recorded_once DO NOTHING;

-- name: insert_signals
WITH given AS (
    SELECT r.*
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
        strategy_id integer, instrument_id integer, open_at timestamptz, close_at timestamptz, direction text,
        entry numeric, stop numeric, target numeric, score numeric, components jsonb, reason text,
        valid_until timestamptz, inputs text, input_hash text, atr double precision, risk_reward numeric,
        position_size_pct numeric, max_risk_pct numeric, weights jsonb, left_out text[], is_best boolean
    )
),
inserted AS (
    INSERT INTO engine.signals (
        origin, strategy_id, instrument_id, timeframe, open_at, close_at, direction, entry, stop, target,
        score, components, reason, valid_until, input_hash, published_at, recorded_at, atr, risk_reward,
        position_size_pct, max_risk_pct, weights, left_out, is_best
    )
    SELECT
        %(origin)s::text, g.strategy_id, g.instrument_id, %(timeframe)s::text, g.open_at, g.close_at,
        g.direction, g.entry, g.stop, g.target, g.score, g.components, g.reason, g.valid_until, g.input_hash,
        CASE WHEN %(origin)s::text = 'live' THEN %(now)s::timestamptz END, %(now)s::timestamptz, g.atr,
        g.risk_reward, g.position_size_pct, g.max_risk_pct, g.weights, g.left_out, g.is_best
    FROM given AS g
    ORDER BY g.strategy_id, g.close_at, g.instrument_id, g.direction
    ON CONFLICT ON CONSTRAINT signal_is_unique DO NOTHING
    RETURNING signal_id, strategy_id, instrument_id, close_at, direction
),
kept AS (
    INSERT INTO engine.signal_inputs (signal_id, inputs)
    SELECT i.signal_id, g.inputs
    FROM inserted AS i
    INNER JOIN given AS g
        ON i.strategy_id = g.strategy_id AND i.instrument_id = g.instrument_id AND i.close_at = g.close_at
        AND i.direction = g.direction
)
INSERT INTO engine.outcomes (signal_id, tracked_through)
SELECT i.signal_id, i.close_at FROM inserted AS i
RETURNING signal_id;

-- name: late_instruments
-- Instruments that were not settled in time for a close when it was evaluated live.
SELECT DISTINCT a.instrument_id
FROM engine.evaluations AS e
INNER JOIN engine.abstentions AS a ON e.evaluation_id = a.evaluation_id
WHERE e.origin = 'live' AND e.timeframe = %(timeframe)s::text AND e.close_at = %(close)s::timestamptz
    AND a.reason IN ('not_settled', 'stale')
ORDER BY a.instrument_id;

-- name: unevaluated_closes
-- Closes with more bars than the evaluations of this version cover. An abstention covers where it is final: what
-- was not scored live never will be, while a replay may try again. A replay that came before the bars were all there
-- (a start after a while: the pipeline looks before the feed has answered) covers nothing of what was missing.
SELECT c.close_at
FROM (
    SELECT
        b.close_at,
        count(*) AS bars
    FROM market.closed_bars AS b
    INNER JOIN market.instruments AS i ON b.instrument_id = i.instrument_id
    WHERE b.timeframe = %(timeframe)s::text
        AND b.close_at > %(after)s::timestamptz AND b.close_at <= %(until)s::timestamptz
        AND b.open_at > %(after)s::timestamptz - INTERVAL '48 hours' AND b.open_at < %(until)s::timestamptz
        AND i.asset_class = ANY(%(asset_classes)s::text[])
        AND NOT EXISTS (
            SELECT 1 FROM market.instrument_status AS u
            WHERE u.instrument_id = b.instrument_id AND u.status = 'delisted'
                AND u.valid_from <= b.close_at AND u.valid_until > b.close_at
        )
    GROUP BY b.close_at
) AS c
WHERE COALESCE((
    SELECT sum(
        e.instruments_seen + CASE WHEN %(abstained_is_final)s::boolean THEN e.instruments_abstained - (
            SELECT count(*) FROM engine.abstentions AS a
            WHERE a.evaluation_id = e.evaluation_id AND e.origin = 'replay'
                AND a.reason IN ('incomplete', 'dirty', 'stale')
        ) ELSE 0 END
    )
    FROM engine.evaluations AS e
    WHERE e.strategy_id = %(strategy_id)s::integer AND e.timeframe = %(timeframe)s::text
        AND e.close_at = c.close_at AND e.origin = ANY(%(origins)s::text[])
), 0) < c.bars
ORDER BY c.close_at;
