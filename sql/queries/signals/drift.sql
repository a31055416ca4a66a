-- Purpose: what signals/drift.py runs: the signals there are, and the inputs they were made from.

-- name: known
-- One row per signal, block by block: closes that are near each other are looked at together.
SELECT
    s.signal_id,
    s.instrument_id,
    s.timeframe,
    s.close_at
FROM engine.signals AS s
WHERE s.close_at >= %(since)s::timestamptz
    AND (%(instrument_ids)s::integer[] IS NULL OR s.instrument_id = ANY(%(instrument_ids)s::integer[]))
ORDER BY s.timeframe COLLATE "C", s.close_at, s.signal_id; -- noqa: RF03

-- name: recorded
SELECT
    s.signal_id,
    s.instrument_id,
    i.public_symbol AS symbol,
    s.timeframe,
    v.strategy,
    v.version AS strategy_version,
    s.direction,
    s.origin,
    s.close_at,
    p.inputs
FROM engine.signals AS s
INNER JOIN engine.strategies AS v ON s.strategy_id = v.strategy_id
INNER JOIN market.instruments AS i ON s.instrument_id = i.instrument_id
INNER JOIN engine.signal_inputs AS p ON s.signal_id = p.signal_id
WHERE s.signal_id = ANY(%(signal_ids)s::bigint[])
ORDER BY s.close_at, s.signal_id;

-- name: kept_from
-- From when on there are still bars and indicators of the timeframe.
SELECT max(k.kept_from) AS kept_from
FROM market.retention AS k
WHERE k.timeframe = %(timeframe)s::text AND k.relation IN (
    'market.indicators',
    CASE WHEN %(timeframe)s::text = '1m' THEN 'market.bars' ELSE 'market.bars_' || %(timeframe)s::text END
);
