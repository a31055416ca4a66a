-- Purpose: what api/feed.py runs after it lost its connection: what it may have missed.

-- name: live_since
-- A live signal is committed within 15 minutes of its close.
SELECT s.signal_id, o.status = 'open' AS is_open
FROM engine.signals AS s
INNER JOIN engine.outcomes AS o ON s.signal_id = o.signal_id
WHERE s.origin = 'live' AND s.close_at > %(since)s::timestamptz
ORDER BY s.signal_id;

-- name: open_live
SELECT s.signal_id
FROM engine.outcomes AS o
INNER JOIN engine.signals AS s ON o.signal_id = s.signal_id
WHERE o.status = 'open' AND s.origin = 'live';
