-- Purpose: what api/deliveries.py runs: messages and decisions of one subscriber, or of all, newest first.

-- name: deliveries
SELECT
    m.message_id, a.name AS subscriber, m.kind, m.channel, m.signal_id, m.period_on, m.status, m.due_at, m.attempts,
    m.created_at, m.finished_at, m.detail
FROM outbox.messages AS m
INNER JOIN account.subscribers AS a ON m.subscriber_id = a.subscriber_id
WHERE m.message_id < %(before)s::bigint
    AND (%(subscriber_id)s::integer IS NULL OR m.subscriber_id = %(subscriber_id)s::integer)
ORDER BY m.message_id DESC
LIMIT %(limit)s::integer;

-- name: decisions
-- One row per (signal, subscriber): the keyset is that pair, newest signal first.
SELECT
    d.signal_id, a.name AS subscriber, d.subscriber_id, d.decided_at, d.decision, d.reason, d.deferred_until, d.channels
FROM outbox.decisions AS d
INNER JOIN account.subscribers AS a ON d.subscriber_id = a.subscriber_id
WHERE (d.signal_id, d.subscriber_id) < (%(before_signal_id)s::bigint, %(before_subscriber_id)s::integer)
    AND (%(subscriber_id)s::integer IS NULL OR d.subscriber_id = %(subscriber_id)s::integer)
ORDER BY d.signal_id DESC, d.subscriber_id DESC
LIMIT %(limit)s::integer;
