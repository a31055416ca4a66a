-- Purpose: what api/preferences.py runs: test messages.

-- name: queue_tests
INSERT INTO outbox.messages (kind, channel, subscriber_id, due_at, created_at)
SELECT 'test', c.channel, %(subscriber_id)s::integer, %(now)s::timestamptz, %(now)s::timestamptz
FROM unnest(%(channels)s::text[]) AS c (channel);

-- name: wake
SELECT pg_notify('signalhub_outbox', '');
