-- Purpose: what subscribers/entitlements.py runs: spans granted, ended and read. One without end reads as null.
-- Units:   spans are [valid_from, valid_until), UTC instants.

-- name: grant
-- One row for each part of the span that no row covers yet. The caller holds the subscriber's row.
WITH wanted AS (
    SELECT
        w.strategy,
        tstzrange(%(valid_from)s::timestamptz, coalesce(%(valid_until)s::timestamptz, 'infinity')) AS span
    FROM unnest(%(strategies)s::text[]) AS w (strategy)
),
uncovered AS (
    SELECT
        w.strategy,
        tstzmultirange(w.span) - coalesce(
            (
                SELECT range_agg(tstzrange(e.valid_from, e.valid_until)) FROM account.entitlements AS e
                WHERE e.subscriber_id = %(subscriber_id)s::integer AND e.strategy = w.strategy
            ),
            '{}'
        ) AS spans
    FROM wanted AS w
)
INSERT INTO account.entitlements (subscriber_id, strategy, valid_from, valid_until, granted_at)
SELECT %(subscriber_id)s::integer, u.strategy, lower(p.span), upper(p.span), %(now)s::timestamptz
FROM uncovered AS u
CROSS JOIN LATERAL unnest(u.spans) AS p (span)
ORDER BY u.strategy COLLATE "C", p.span -- noqa: RF03
RETURNING entitlement_id, strategy, valid_from, nullif(valid_until, 'infinity') AS valid_until, granted_at;

-- name: revoke
-- What was to begin later ends as it begins: it stays on record, and never held.
UPDATE account.entitlements AS e SET valid_until = greatest(e.valid_from, %(now)s::timestamptz)
WHERE e.subscriber_id = %(subscriber_id)s::integer AND e.strategy = ANY(%(strategies)s::text[])
    AND e.valid_until > greatest(e.valid_from, %(now)s::timestamptz)
RETURNING e.strategy;

-- name: history
SELECT
    e.entitlement_id, e.strategy, e.valid_from, nullif(e.valid_until, 'infinity') AS valid_until, e.granted_at
FROM account.entitlements AS e
WHERE e.subscriber_id = %(subscriber_id)s::integer
ORDER BY e.strategy COLLATE "C", e.valid_from, e.entitlement_id; -- noqa: RF03

-- name: current
SELECT e.subscriber_id, array_agg(DISTINCT e.strategy ORDER BY e.strategy) AS strategies
FROM account.entitlements AS e
WHERE e.valid_from <= %(now)s::timestamptz AND e.valid_until > %(now)s::timestamptz
GROUP BY e.subscriber_id;
