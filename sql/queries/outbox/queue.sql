-- Purpose: what outbox/queue.py runs: messages claimed under a lease, begun, settled, given back, withheld, forgotten.
-- A lease is known by its end: whoever claims a message anew sets a later one, so that the end tells the holders apart.
-- Rows that somebody else is at are skipped, never waited for.

-- name: claim
-- Alerts come before their closings on a channel, and a closing whose alert never arrived says nothing to anybody.
-- = ANY(array(…)) and the alert's status as a value keep the planner to the indexes, however many messages there are.
WITH ready AS MATERIALIZED (
    SELECT m.message_id
    FROM outbox.messages AS m
    INNER JOIN account.subscribers AS a ON m.subscriber_id = a.subscriber_id AND a.is_active
    WHERE m.channel = %(channel)s::text AND m.status = 'pending' AND m.due_at <= %(now)s::timestamptz
        AND m.valid_until > %(now)s::timestamptz AND m.begun_at IS NULL
        AND (m.leased_until IS NULL OR m.leased_until <= %(now)s::timestamptz)
        AND (m.kind <> 'close' OR COALESCE((
            SELECT o.status FROM outbox.messages AS o
            WHERE o.signal_id = m.signal_id AND o.subscriber_id = m.subscriber_id AND o.channel = m.channel
                AND o.kind = 'alert'
        ), 'sent') IN ('sent', 'uncertain'))
    ORDER BY m.due_at, m.message_id
    LIMIT %(limit)s::integer
    FOR UPDATE OF m SKIP LOCKED
),
leased AS (
    UPDATE outbox.messages AS m SET leased_until = %(leased_until)s::timestamptz
    WHERE m.message_id = ANY(array(SELECT r.message_id FROM ready AS r))
    RETURNING
        m.message_id, m.kind, m.channel, m.subscriber_id, m.signal_id, m.period_on, m.attempts, m.created_at,
        m.due_at, m.leased_until
)
SELECT
    l.message_id, l.kind, l.channel, l.subscriber_id, l.signal_id, l.period_on, l.attempts, l.created_at,
    l.leased_until, a.name, a.email, a.telegram_chat_id, a.webhook_url, a.webhook_secret, a.time_zone
FROM leased AS l
INNER JOIN account.subscribers AS a ON l.subscriber_id = a.subscriber_id
ORDER BY l.due_at, l.message_id;

-- name: begin
-- Only under the lease they were claimed with, while it lasts.
UPDATE outbox.messages AS m SET begun_at = %(now)s::timestamptz
FROM unnest(%(message_ids)s::bigint[], %(leases)s::timestamptz[]) AS g (message_id, leased_until)
WHERE m.message_id = ANY(%(message_ids)s::bigint[])
    AND m.message_id = g.message_id AND m.leased_until = g.leased_until AND m.leased_until > %(now)s::timestamptz
    AND m.status = 'pending' AND m.begun_at IS NULL
RETURNING m.message_id;

-- name: settle
-- What was released as uncertain meanwhile is set right by the one who knows; a lease that went to somebody else
-- makes a verdict void: theirs counts.
WITH given AS MATERIALIZED (
    SELECT g.*
    FROM json_to_recordset(%(verdicts)s::json) AS g (
        message_id bigint, leased_until timestamptz, status text, due_at timestamptz, verdict text, detail text
    )
),
settled AS (
    UPDATE outbox.messages AS m SET
        status = g.status,
        due_at = COALESCE(g.due_at, m.due_at),
        attempts = m.attempts + 1,
        leased_until = NULL,
        begun_at = NULL,
        finished_at = CASE WHEN g.status <> 'pending' THEN %(now)s::timestamptz END,
        detail = g.detail
    FROM given AS g
    WHERE m.message_id = ANY(array(SELECT v.message_id FROM given AS v))
        AND m.message_id = g.message_id AND m.leased_until = g.leased_until AND m.status IN ('pending', 'uncertain')
    RETURNING m.message_id, m.attempts, g.verdict, g.detail
)
INSERT INTO outbox.attempts (message_id, attempt, finished_at, verdict, detail)
SELECT s.message_id, s.attempts, %(now)s::timestamptz, s.verdict, s.detail FROM settled AS s;

-- name: give_back
-- Nothing was tried: whoever comes next takes them at once.
UPDATE outbox.messages AS m SET leased_until = NULL, begun_at = NULL
FROM unnest(%(message_ids)s::bigint[], %(leases)s::timestamptz[]) AS g (message_id, leased_until)
WHERE m.message_id = ANY(%(message_ids)s::bigint[])
    AND m.message_id = g.message_id AND m.leased_until = g.leased_until AND m.status = 'pending';

-- name: put_off
-- Nothing was tried: the receiver's turn comes later.
UPDATE outbox.messages AS m SET leased_until = NULL, begun_at = NULL, due_at = g.due_at
FROM unnest(
    %(message_ids)s::bigint[], %(leases)s::timestamptz[], %(due_ats)s::timestamptz[]
) AS g (message_id, leased_until, due_at)
WHERE m.message_id = ANY(%(message_ids)s::bigint[])
    AND m.message_id = g.message_id AND m.leased_until = g.leased_until AND m.status = 'pending';

-- name: withhold
UPDATE outbox.messages AS m SET
    status = 'withheld', leased_until = NULL, finished_at = %(now)s::timestamptz, detail = %(detail)s::text
FROM unnest(%(message_ids)s::bigint[], %(leases)s::timestamptz[]) AS g (message_id, leased_until)
WHERE m.message_id = ANY(%(message_ids)s::bigint[])
    AND m.message_id = g.message_id AND m.leased_until = g.leased_until AND m.status = 'pending';

-- name: release_overdue
-- leased_until stays: should the sender be alive after all, it may still say what became of the message.
WITH overdue AS MATERIALIZED (
    SELECT m.message_id
    FROM outbox.messages AS m
    WHERE m.channel = %(channel)s::text AND m.status = 'pending' AND m.begun_at IS NOT NULL
        AND m.leased_until <= %(now)s::timestamptz
    ORDER BY m.message_id
    FOR UPDATE OF m SKIP LOCKED
),
released AS (
    UPDATE outbox.messages AS m SET
        status = 'uncertain', attempts = m.attempts + 1, finished_at = %(now)s::timestamptz,
        detail = 'the sender died after it had begun: it may have arrived'
    WHERE m.message_id = ANY(array(SELECT o.message_id FROM overdue AS o))
    RETURNING m.message_id, m.attempts, m.detail
)
INSERT INTO outbox.attempts (message_id, attempt, finished_at, verdict, detail)
SELECT r.message_id, r.attempts, %(now)s::timestamptz, 'uncertain', r.detail FROM released AS r;

-- name: may_withhold
-- One at a time, and the transaction that ends signals goes first (outbox/publish.sql).
SELECT pg_try_advisory_xact_lock(hashtext('outbox.withhold'));

-- name: withhold_stale
-- A decision becomes `withhold` when none of its alerts was or can be sent any more.
WITH stale AS MATERIALIZED (
    SELECT
        m.message_id,
        CASE
            WHEN m.valid_until <= %(now)s::timestamptz THEN 'no longer valid when it was due'
            WHEN NOT a.is_active THEN 'the subscriber is not active any more'
            ELSE 'its alert was not delivered'
        END AS detail
    FROM outbox.messages AS m
    INNER JOIN account.subscribers AS a ON m.subscriber_id = a.subscriber_id
    WHERE m.channel = %(channel)s::text AND m.status = 'pending' AND m.begun_at IS NULL
        AND (m.leased_until IS NULL OR m.leased_until <= %(now)s::timestamptz)
        AND (
            m.valid_until <= %(now)s::timestamptz OR NOT a.is_active
            OR (m.kind = 'close' AND (
                SELECT o.status FROM outbox.messages AS o
                WHERE o.signal_id = m.signal_id AND o.subscriber_id = m.subscriber_id AND o.channel = m.channel
                    AND o.kind = 'alert'
            ) IN ('failed', 'withheld'))
        )
    ORDER BY m.message_id
    FOR UPDATE OF m SKIP LOCKED
),
withheld AS (
    UPDATE outbox.messages AS m SET
        status = 'withheld', leased_until = NULL, finished_at = %(now)s::timestamptz, detail = s.detail
    FROM stale AS s
    WHERE m.message_id = s.message_id
    RETURNING m.message_id, m.kind, m.signal_id, m.subscriber_id
),
hopeless AS (
    SELECT
        w.signal_id,
        w.subscriber_id
    FROM withheld AS w
    WHERE w.kind = 'alert' AND NOT EXISTS (
        SELECT 1 FROM outbox.messages AS o
        WHERE o.signal_id = w.signal_id AND o.subscriber_id = w.subscriber_id AND o.kind = 'alert'
            AND o.status <> 'withheld' AND o.message_id NOT IN (SELECT v.message_id FROM withheld AS v)
    )
),
undone AS (
    UPDATE outbox.decisions AS d SET decision = 'withhold', reason = 'no_longer_valid', deferred_until = NULL
    FROM hopeless AS h
    WHERE d.signal_id = h.signal_id AND d.subscriber_id = h.subscriber_id
)
SELECT count(*) AS withheld FROM withheld;

-- name: next_due
SELECT m.due_at
FROM outbox.messages AS m
WHERE m.channel = %(channel)s::text AND m.status = 'pending' AND m.due_at > %(now)s::timestamptz
ORDER BY m.due_at
LIMIT 1;

-- name: listed
SELECT
    m.message_id, m.kind, m.channel, a.name AS subscriber, m.signal_id, m.period_on, m.status, m.due_at, m.attempts,
    m.created_at, m.finished_at, m.detail
FROM outbox.messages AS m
INNER JOIN account.subscribers AS a ON m.subscriber_id = a.subscriber_id
ORDER BY m.message_id DESC
LIMIT %(limit)s::integer;

-- name: listed_failed
-- Apart from `listed`, so that it walks the small index of what went wrong.
SELECT
    m.message_id, m.kind, m.channel, a.name AS subscriber, m.signal_id, m.period_on, m.status, m.due_at, m.attempts,
    m.created_at, m.finished_at, m.detail
FROM outbox.messages AS m
INNER JOIN account.subscribers AS a ON m.subscriber_id = a.subscriber_id
WHERE m.status IN ('failed', 'uncertain')
ORDER BY m.message_id DESC
LIMIT %(limit)s::integer;

-- name: message
SELECT
    m.status,
    m.valid_until <= %(now)s::timestamptz AS is_over
FROM outbox.messages AS m
WHERE m.message_id = %(message_id)s::bigint
FOR UPDATE OF m;

-- name: retry
UPDATE outbox.messages AS m SET
    status = 'pending', due_at = %(now)s::timestamptz, leased_until = NULL, begun_at = NULL, finished_at = NULL
WHERE m.message_id = %(message_id)s::bigint;

-- name: forget_old
WITH old AS MATERIALIZED (
    SELECT m.message_id
    FROM outbox.messages AS m
    WHERE m.finished_at < %(before)s::timestamptz
    ORDER BY m.message_id
    LIMIT %(limit)s::integer
    FOR UPDATE OF m SKIP LOCKED
),
forgotten AS (
    DELETE FROM outbox.attempts AS t
    WHERE t.message_id = ANY(array(SELECT o.message_id FROM old AS o))
)
DELETE FROM outbox.messages AS m
WHERE m.message_id = ANY(array(SELECT o.message_id FROM old AS o));

-- name: drop_partitions
SELECT outbox.drop_partitions_before(%(first_kept_day)s::date);

-- name: wake
SELECT pg_notify('signalhub_outbox', '');
