-- Purpose: what api/metrics.py runs: gauges; the column value, and a label for each other column.

-- name: signals
SELECT s.origin, v.strategy, o.status, count(*) AS value
FROM engine.signals AS s
INNER JOIN engine.outcomes AS o ON s.signal_id = o.signal_id
INNER JOIN engine.strategies AS v ON s.strategy_id = v.strategy_id
GROUP BY s.origin, v.strategy, o.status
ORDER BY s.origin, v.strategy, o.status;

-- name: messages
SELECT m.channel, m.status, count(*) AS value
FROM outbox.messages AS m
GROUP BY m.channel, m.status
ORDER BY m.channel, m.status;

-- name: oldest_due_seconds
SELECT m.channel, greatest(date_part('epoch', %(now)s::timestamptz - min(m.due_at)), 0) AS value
FROM outbox.messages AS m
WHERE m.status = 'pending'
GROUP BY m.channel
ORDER BY m.channel;

-- name: part_seen_seconds
SELECT h.part, date_part('epoch', %(now)s::timestamptz - max(h.seen_at)) AS value
FROM engine.heartbeats AS h
GROUP BY h.part
ORDER BY h.part;

-- name: settled_lag_seconds
SELECT w.timeframe, date_part('epoch', %(now)s::timestamptz - max(w.settled_through)) AS value
FROM market.watermarks AS w
GROUP BY w.timeframe
ORDER BY w.timeframe;

-- name: attempts
SELECT m.channel, t.verdict, count(*) AS value
FROM outbox.attempts AS t
INNER JOIN outbox.messages AS m ON t.message_id = m.message_id
GROUP BY m.channel, t.verdict
ORDER BY m.channel, t.verdict;

-- name: instruments
SELECT s.state, count(b.instrument_id) AS value
FROM (VALUES ('current', FALSE), ('behind', TRUE)) AS s (state, is_behind)
LEFT JOIN market.instruments_behind(%(now)s::timestamptz) AS b ON s.is_behind = b.is_behind
GROUP BY s.state
ORDER BY s.state;

-- name: evaluation_milliseconds
-- One look into the index of engine.evaluations for each strategy, timeframe and origin.
SELECT o.origin, t.timeframe, max(e.milliseconds) AS value
FROM (VALUES ('live'), ('replay')) AS o (origin)
CROSS JOIN market.timeframes AS t
CROSS JOIN engine.strategies AS v
INNER JOIN LATERAL (
    SELECT n.milliseconds
    FROM engine.evaluations AS n
    WHERE n.origin = o.origin AND n.strategy_id = v.strategy_id AND n.timeframe = t.timeframe
    ORDER BY n.close_at DESC
    LIMIT 1
) AS e ON TRUE
GROUP BY o.origin, t.timeframe
ORDER BY o.origin, t.timeframe;
