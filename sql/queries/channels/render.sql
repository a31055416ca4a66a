-- Purpose: what channels/render.py runs: the facts that messages are made of, read when a message is rendered.
-- Digests speak of live signals only. Decided = filled and closed, win = net R > 0, as everywhere in analytics.
-- visible: (strategy, from, until) of one subscriber: signals of that strategy that closed in [from, until) are theirs.

-- name: signal
SELECT s.* -- noqa: AM04
FROM analytics.signals AS s
WHERE s.signal_id = %(signal_id)s::bigint;

-- name: visible
-- Who owns a strategy at an instant sees all of it, else what closed while they did (subscribers/entitlements.py).
-- As text, for infinity is no datetime in Python.
SELECT
    e.strategy,
    bool_or(e.valid_from <= %(now)s::timestamptz AND e.valid_until > %(now)s::timestamptz) AS is_owned,
    array_agg(e.valid_from::text ORDER BY e.valid_from, e.valid_until) AS froms,
    array_agg(e.valid_until::text ORDER BY e.valid_from, e.valid_until) AS untils
FROM account.entitlements AS e
WHERE e.subscriber_id = %(subscriber_id)s::integer AND e.valid_from <= %(now)s::timestamptz
GROUP BY e.strategy
ORDER BY e.strategy COLLATE "C"; -- noqa: RF03

-- name: new_signals
-- Those that closed in the period, the newest last; n_real and n_simulated count them beyond the limit.
SELECT
    c.signal_id,
    c.symbol,
    c.timeframe,
    c.strategy,
    c.direction,
    c.score,
    c.close_at,
    c.status,
    c.is_simulated,
    c.n_real,
    c.n_simulated
FROM (
    SELECT
        s.*,
        count(*) FILTER (WHERE NOT s.is_simulated) OVER () AS n_real,
        count(*) FILTER (WHERE s.is_simulated) OVER () AS n_simulated
    FROM analytics.signals AS s
    WHERE s.origin = 'live'
        AND s.close_at >= %(since)s::timestamptz AND s.close_at < %(until)s::timestamptz
        AND EXISTS (
            SELECT 1
            FROM unnest(%(strategies)s::text[], %(froms)s::timestamptz[], %(untils)s::timestamptz[])
                AS v (strategy, since, until)
            WHERE v.strategy = s.strategy AND s.close_at >= v.since AND s.close_at < v.until
        )
    ORDER BY s.close_at DESC, s.signal_id DESC
    LIMIT %(limit)s::integer
) AS c
ORDER BY c.close_at, c.signal_id;

-- name: ended_signals
-- Those that ended in the period, the latest last.
SELECT
    c.signal_id,
    c.symbol,
    c.timeframe,
    c.strategy,
    c.direction,
    c.exit_at,
    c.status,
    c.net_r,
    c.is_ambiguous,
    c.is_simulated
FROM (
    SELECT s.*
    FROM analytics.signals AS s
    WHERE s.origin = 'live' AND s.status <> 'open'
        AND s.exit_at >= %(since)s::timestamptz AND s.exit_at < %(until)s::timestamptz
        AND EXISTS (
            SELECT 1
            FROM unnest(%(strategies)s::text[], %(froms)s::timestamptz[], %(untils)s::timestamptz[])
                AS v (strategy, since, until)
            WHERE v.strategy = s.strategy AND s.close_at >= v.since AND s.close_at < v.until
        )
    ORDER BY s.exit_at DESC, s.signal_id DESC
    LIMIT %(limit)s::integer
) AS c
ORDER BY c.exit_at, c.signal_id;

-- name: ended_by_strategy
-- What became of those that ended in the period. Simulated ones are never counted with real ones.
SELECT
    s.is_simulated,
    s.strategy,
    count(*) AS n_ended,
    count(*) FILTER (WHERE s.status = 'target_hit') AS n_target_hit,
    count(*) FILTER (WHERE s.status = 'stop_hit') AS n_stop_hit,
    count(*) FILTER (WHERE s.status = 'expired') AS n_expired,
    count(*) FILTER (WHERE s.status = 'cancelled') AS n_cancelled,
    count(*) FILTER (WHERE s.is_ambiguous) AS n_ambiguous,
    count(*) FILTER (WHERE s.is_decided) AS n_decided,
    count(*) FILTER (WHERE s.is_win) AS n_won,
    -- The order makes float sums the same on every plan.
    COALESCE(sum(s.net_r ORDER BY s.signal_id) FILTER (WHERE s.is_decided), 0.0::double precision) AS net_r
FROM analytics.signal_outcomes AS s
WHERE s.origin = 'live' AND s.status <> 'open'
    AND s.exit_at >= %(since)s::timestamptz AND s.exit_at < %(until)s::timestamptz
    AND EXISTS (
        SELECT 1
        FROM unnest(%(strategies)s::text[], %(froms)s::timestamptz[], %(untils)s::timestamptz[])
            AS v (strategy, since, until)
        WHERE v.strategy = s.strategy AND s.close_at >= v.since AND s.close_at < v.until
    )
GROUP BY s.is_simulated, s.strategy
ORDER BY s.is_simulated, s.strategy COLLATE "C"; -- noqa: RF03
