-- Purpose: what performance/trials.py and performance/counting.py run: the shape of signals that are counted and not
-- stored, the definitions that count them, and the record of trials.

-- name: create_signals
-- Signals of a backtest, as analytics.signals would show them if they were stored.
CREATE TEMPORARY TABLE backtest_signals (LIKE analytics.signals) ON COMMIT DROP;

-- name: view
SELECT pg_get_viewdef('analytics.signal_outcomes'::regclass);

-- name: function
SELECT pg_get_functiondef(p.oid)
FROM pg_proc AS p
INNER JOIN pg_namespace AS n ON p.pronamespace = n.oid
WHERE n.nspname = 'analytics' AND p.proname = %(name)s::text;

-- name: insert_trial
INSERT INTO engine.trials (
    strategy, version, parameters, timeframe, symbols, from_at, to_at, data_version, settings, instruments, bars,
    candidates, signals, statistics, milliseconds, tried_at
)
VALUES (
    %(strategy)s::text, %(version)s::text, %(parameters)s::jsonb, %(timeframe)s::text, %(symbols)s::text[],
    %(from_at)s::timestamptz, %(to_at)s::timestamptz, %(data_version)s::bigint, %(settings)s::jsonb,
    %(instruments)s::integer, %(bars)s::bigint, %(candidates)s::integer, %(signals)s::integer, %(statistics)s::jsonb,
    %(milliseconds)s::double precision, %(now)s::timestamptz
)
RETURNING trial_id;

-- name: fields
-- The columns of analytics.signals, in their order.
SELECT a.attname AS name
FROM pg_attribute AS a
WHERE a.attrelid = 'analytics.signals'::regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;
