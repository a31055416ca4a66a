-- Purpose: what signals/read.py runs: signals newest first, and one signal.
-- The columns are those of the views, which are the contract.

-- name: page
-- The keyset and since are plain bounds without a null test, so that they bound the scan of signals_by_close.
SELECT s.* -- noqa: AM04
FROM analytics.signals AS s
WHERE (s.close_at, s.signal_id) < (%(before_close_at)s::timestamptz, %(before_signal_id)s::bigint)
    AND s.close_at >= %(since)s::timestamptz
    AND (%(symbol)s::text IS NULL OR s.symbol = %(symbol)s::text)
    AND (%(timeframe)s::text IS NULL OR s.timeframe = %(timeframe)s::text)
    AND (%(strategy)s::text IS NULL OR s.strategy = %(strategy)s::text)
    AND (%(direction)s::text IS NULL OR s.direction = %(direction)s::text)
    AND (%(status)s::text IS NULL OR s.status = %(status)s::text)
    AND (%(origin)s::text IS NULL OR s.origin = %(origin)s::text)
    AND (%(is_open)s::boolean IS NULL OR (s.status = 'open') = %(is_open)s::boolean)
    AND (
        %(visible_strategies)s::text[] IS NULL
        OR s.strategy = ANY(%(visible_strategies)s::text[])
        OR EXISTS (
            SELECT 1
            FROM unnest(
                %(span_strategies)s::text[], %(spans_from)s::timestamptz[], %(spans_until)s::timestamptz[]
            ) AS g (strategy, valid_from, valid_until)
            WHERE g.strategy = s.strategy AND g.valid_from <= s.close_at AND g.valid_until > s.close_at
        )
    )
ORDER BY s.close_at DESC, s.signal_id DESC
LIMIT %(limit)s::integer;

-- name: some
SELECT s.* -- noqa: AM04
FROM analytics.signals AS s
WHERE s.signal_id = ANY(%(signal_ids)s::bigint[])
ORDER BY s.signal_id;

-- name: strategies
SELECT DISTINCT v.strategy FROM engine.strategies AS v;
