-- Purpose: what outbox/digests.py runs: daily digests and weekly performance, one message per subscriber and channel,
--          at the subscriber's local time. The unique index on the period makes a second run do nothing.

-- name: create_digests
-- A local day's digest time is looked at for today and yesterday, local: no more can fall into the time that is looked
-- back. period_on is the first local day that the digest is about: yesterday, and the week that ended yesterday. A time
-- that the clocks skip comes when they have been moved, one that comes twice is the later one. Who was not there yet at
-- that time missed nothing. What is there is left out before the unique index would refuse it: each refusal would use
-- up an id, for every subscriber every minute.
WITH people AS (
    SELECT
        a.subscriber_id,
        a.time_zone,
        a.created_at,
        p.digest_at,
        p.is_weekly_wanted,
        c.channel
    FROM account.subscribers AS a
    INNER JOIN account.preferences AS p ON a.subscriber_id = p.subscriber_id
    CROSS JOIN (VALUES ('email'), ('telegram'), ('webhook')) AS c (channel)
    WHERE a.is_active
        AND (p.digest_at IS NOT NULL OR p.is_weekly_wanted)
        AND (p.channels IS NULL OR c.channel = ANY(p.channels))
        AND CASE c.channel
            WHEN 'email' THEN a.email IS NOT NULL
            WHEN 'telegram' THEN a.telegram_chat_id IS NOT NULL
            ELSE a.webhook_url IS NOT NULL
        END
),
days AS (
    SELECT
        p.*,
        (%(now)s::timestamptz AT TIME ZONE p.time_zone)::date - b.days_back AS digest_on
    FROM people AS p
    CROSS JOIN (VALUES (0), (1)) AS b (days_back)
),
wanted AS (
    SELECT
        d.subscriber_id,
        d.channel,
        d.created_at,
        'daily_digest' AS kind,
        d.digest_on - 1 AS period_on,
        (d.digest_on + d.digest_at) AT TIME ZONE d.time_zone AS due_at
    FROM days AS d
    WHERE d.digest_at IS NOT NULL
    UNION ALL
    SELECT
        d.subscriber_id,
        d.channel,
        d.created_at,
        'weekly_performance' AS kind,
        d.digest_on - 7 AS period_on,
        (d.digest_on + COALESCE(d.digest_at, %(weekly_at)s::time)) AT TIME ZONE d.time_zone AS due_at
    FROM days AS d
    WHERE d.is_weekly_wanted AND extract(ISODOW FROM d.digest_on) = 1
),
made AS (
    INSERT INTO outbox.messages (kind, channel, subscriber_id, period_on, due_at, valid_until, created_at)
    SELECT
        w.kind,
        w.channel,
        w.subscriber_id,
        w.period_on,
        w.due_at,
        w.due_at + %(late)s::interval,
        %(now)s::timestamptz
    FROM wanted AS w
    WHERE w.due_at <= %(now)s::timestamptz AND w.due_at + %(late)s::interval > %(now)s::timestamptz
        AND w.created_at <= w.due_at
        AND NOT EXISTS (
            SELECT 1 FROM outbox.messages AS m
            WHERE m.subscriber_id = w.subscriber_id AND m.period_on = w.period_on AND m.channel = w.channel
                AND m.kind = w.kind
        )
    ORDER BY w.due_at, w.subscriber_id, w.channel
    ON CONFLICT (subscriber_id, period_on, channel, kind) WHERE period_on IS NOT NULL DO NOTHING
    RETURNING message_id
)
SELECT
    count(*) AS messages,
    CASE WHEN count(*) > 0 THEN pg_notify('signalhub_outbox', '')::text END AS woken
FROM made;
