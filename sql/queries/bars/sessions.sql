-- Purpose: what bars/sessions.py runs: sessions of trading calendars and the span for which they are known.

-- name: coverage
SELECT c.from_at, c.to_at FROM market.session_coverage AS c WHERE c.calendar = %(calendar)s::text;

-- name: lock
-- One at a time makes a calendar grow: two that grew it apart would leave a hole that counts as covered.
SELECT pg_advisory_xact_lock(hashtext('market.sessions'));

-- name: insert
INSERT INTO market.sessions (calendar, open_at, close_at)
SELECT %(calendar)s::text, u.open_at, u.close_at
FROM unnest(%(opens)s::timestamptz[], %(closes)s::timestamptz[]) AS u (open_at, close_at)
ON CONFLICT (calendar, open_at) DO NOTHING;

-- name: cover
INSERT INTO market.session_coverage (calendar, from_at, to_at)
VALUES (%(calendar)s::text, %(from_at)s::timestamptz, %(to_at)s::timestamptz)
ON CONFLICT (calendar) DO UPDATE SET
    from_at = LEAST(market.session_coverage.from_at, excluded.from_at),
    to_at = GREATEST(market.session_coverage.to_at, excluded.to_at);

-- name: load
SELECT s.open_at, s.close_at
FROM market.sessions AS s
WHERE s.calendar = %(calendar)s::text AND s.close_at > %(from_at)s::timestamptz AND s.open_at < %(to_at)s::timestamptz
ORDER BY s.open_at;
