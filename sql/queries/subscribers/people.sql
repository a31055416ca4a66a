-- Purpose: what subscribers/people.py runs: subscribers added, found and changed.

-- name: add
-- No row where the name is taken, also by somebody who takes it at the same time.
INSERT INTO account.subscribers (
    name, email, telegram_chat_id, webhook_url, webhook_secret, time_zone, is_active, created_at
)
VALUES (
    %(name)s::text,
    %(email)s::text,
    %(telegram_chat_id)s::bigint,
    %(webhook_url)s::text,
    %(webhook_secret)s::text,
    %(time_zone)s::text,
    %(is_active)s::boolean,
    %(now)s::timestamptz
)
ON CONFLICT (name) DO NOTHING
RETURNING subscriber_id;

-- name: add_preferences
INSERT INTO account.preferences (subscriber_id, updated_at)
VALUES (%(subscriber_id)s::integer, %(now)s::timestamptz);

-- name: by_name
SELECT
    a.subscriber_id, a.name, a.email, a.telegram_chat_id, a.webhook_url, a.time_zone, a.is_active, a.created_at
FROM account.subscribers AS a
WHERE a.name = %(name)s::text;

-- name: by_id
SELECT
    a.subscriber_id, a.name, a.email, a.telegram_chat_id, a.webhook_url, a.time_zone, a.is_active, a.created_at
FROM account.subscribers AS a
WHERE a.subscriber_id = %(subscriber_id)s::integer;

-- name: all
SELECT
    a.subscriber_id, a.name, a.email, a.telegram_chat_id, a.webhook_url, a.time_zone, a.is_active, a.created_at
FROM account.subscribers AS a
ORDER BY a.name COLLATE "C"; -- noqa: RF03

-- name: a_few_names
SELECT a.name FROM account.subscribers AS a
ORDER BY a.name COLLATE "C" -- noqa: RF03
LIMIT 9;

-- name: lock
SELECT a.subscriber_id FROM account.subscribers AS a
WHERE a.subscriber_id = %(subscriber_id)s::integer
FOR NO KEY UPDATE;

-- name: change
-- The secret stays with its URL. Nothing is written, and nobody told, where nothing changes.
UPDATE account.subscribers AS a SET
    email = %(email)s::text,
    telegram_chat_id = %(telegram_chat_id)s::bigint,
    webhook_url = %(webhook_url)s::text,
    webhook_secret = CASE
        WHEN a.webhook_url = %(webhook_url)s::text THEN a.webhook_secret
        ELSE %(webhook_secret)s::text
    END,
    time_zone = %(time_zone)s::text,
    is_active = %(is_active)s::boolean
WHERE a.subscriber_id = %(subscriber_id)s::integer
    AND (a.email, a.telegram_chat_id, a.webhook_url, a.time_zone, a.is_active) IS DISTINCT FROM (
        %(email)s::text,
        %(telegram_chat_id)s::bigint,
        %(webhook_url)s::text,
        %(time_zone)s::text,
        %(is_active)s::boolean
    );

-- name: webhook_secret
SELECT a.webhook_secret FROM account.subscribers AS a
WHERE a.subscriber_id = %(subscriber_id)s::integer;

-- name: knows_time_zone
SELECT TRUE FROM pg_catalog.pg_timezone_names AS z
WHERE z.name = %(time_zone)s::text;
