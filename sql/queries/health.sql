-- Purpose: what jobs/health.py runs: how fresh the bars are, by the watermarks, quick at any number of bars.

-- name: newest_close
-- A coarser timeframe has closed as far as the finer bars are settled.
SELECT t.timeframe, (
    SELECT max(date_bin(t.span, w.settled_through, '2000-01-01 00:00:00+00'::timestamptz))
    FROM market.watermarks AS w
    INNER JOIN market.timeframes AS b ON w.timeframe = b.timeframe
    WHERE b.position <= t.position
) AS newest_close
FROM market.timeframes AS t
ORDER BY t.position;

-- name: freshness
SELECT
    count(*) AS instruments,
    count(*) FILTER (WHERE b.is_behind) AS behind
FROM market.instruments_behind(%(now)s::timestamptz) AS b;

-- name: parts
-- A part may run in several processes: it is as alive as the one that was seen last.
SELECT DISTINCT ON (h.part) h.part, h.seen_at, h.detail
FROM engine.heartbeats AS h
WHERE h.part IN ('feeds', 'pipeline', 'delivery')
ORDER BY h.part, h.seen_at DESC;

-- name: outbox
-- Both counts go by small partial indexes. recent_failures: of what went wrong since an instant.
SELECT
    (
        SELECT count(*) FROM outbox.messages AS m
        WHERE m.status = 'pending' AND m.due_at <= %(now)s::timestamptz
    ) AS due,
    (SELECT min(m.due_at) FROM outbox.messages AS m WHERE m.status = 'pending') AS oldest_due_at,
    (SELECT count(*) FROM outbox.messages AS m WHERE m.status IN ('failed', 'uncertain')) AS dead,
    (
        SELECT count(*) FROM outbox.messages AS m
        WHERE m.status IN ('failed', 'uncertain') AND m.finished_at > %(since)s::timestamptz
    ) AS recent_dead;
