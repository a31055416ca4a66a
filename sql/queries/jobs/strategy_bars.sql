-- Purpose: what jobs/strategy_bars.py runs: made-up observations for a strategy that is tried.

-- name: observe
INSERT INTO market.observations (instrument_id, kind, observed_at, known_at, value, source)
SELECT
    %(instrument_id)s::integer, %(kind)s::text, r.observed_at, r.known_at, r.value, %(source)s::text
FROM unnest(
    %(instants)s::timestamptz[], %(instants)s::timestamptz[], %(values)s::double precision[]
) AS r (observed_at, known_at, value);
