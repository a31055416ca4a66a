-- Purpose: what outbox/explain.py runs: why a subscriber did or did not get a signal, and what became of it.

-- name: decision
-- The newest, should a signal have been decided on in two days.
SELECT d.decision, d.reason, d.decided_at, d.deferred_until, d.channels
FROM outbox.decisions AS d
WHERE d.signal_id = %(signal_id)s::bigint AND d.subscriber_id = %(subscriber_id)s::integer
ORDER BY d.decided_on DESC
LIMIT 1;

-- name: is_remembered
-- Whether decisions of that day are still there.
SELECT to_regclass('outbox.decisions_' || to_char(%(at)s::timestamptz AT TIME ZONE 'UTC', 'YYYYMMDD')) IS NOT NULL;

-- name: messages
SELECT
    m.message_id, m.kind, m.channel, m.status, m.due_at, m.begun_at, m.attempts, m.created_at, m.finished_at, m.detail
FROM outbox.messages AS m
WHERE m.signal_id = %(signal_id)s::bigint AND m.subscriber_id = %(subscriber_id)s::integer
ORDER BY m.message_id;

-- name: attempts
SELECT t.message_id, t.attempt, t.finished_at, t.verdict, t.detail
FROM outbox.attempts AS t
WHERE t.message_id = ANY(%(message_ids)s::bigint[])
ORDER BY t.message_id, t.attempt;
