-- Purpose: what outbox/publish.py runs: a signal's decisions and messages, and its closing messages, set-based.
-- Runs in the transaction that stores the signal or its outcome.

-- name: ensure_partitions
SELECT outbox.ensure_partitions(%(first)s::date, %(last)s::date);

-- name: publish
-- One decision per (signal, entitled active subscriber); the first reason that applies is the one that is kept. One
-- message per (subscriber, channel) of what is not withheld. Replayed signals are never delivered.
-- used: what was decided to be sent on the subscriber's local day, counted only where there is a cap; the best
-- signals of a batch come first under it. A subscriber without preferences wants everything. A signal that was
-- decided on before is left alone. What is materialized is read once, whatever the planner thinks of its size.
WITH fresh AS MATERIALIZED (
    SELECT
        s.signal_id, v.strategy, i.public_symbol, i.asset_class, s.timeframe, s.direction, s.score, s.valid_until,
        s.is_best
    FROM engine.signals AS s
    INNER JOIN engine.strategies AS v ON s.strategy_id = v.strategy_id
    INNER JOIN market.instruments AS i ON s.instrument_id = i.instrument_id
    WHERE s.signal_id = ANY(%(signal_ids)s::bigint[]) AND s.origin = 'live'
        AND NOT EXISTS (SELECT 1 FROM outbox.decisions AS d WHERE d.signal_id = s.signal_id)
),
entitled AS MATERIALIZED (
    -- Grouped, for of DISTINCT TimescaleDB makes a skip scan, which looks into the index once a subscriber.
    SELECT
        e.subscriber_id,
        e.strategy
    FROM account.entitlements AS e
    WHERE e.strategy = ANY(array(SELECT f.strategy FROM fresh AS f))
        AND e.valid_from <= %(now)s::timestamptz AND e.valid_until > %(now)s::timestamptz
    GROUP BY e.subscriber_id, e.strategy
),
people AS MATERIALIZED (
    SELECT
        a.subscriber_id,
        p.symbols,
        p.asset_classes,
        p.timeframes,
        p.directions,
        p.min_score,
        p.daily_cap,
        account.quiet_until(%(now)s::timestamptz, a.time_zone, p.quiet_from, p.quiet_until) AS quiet_until,
        CASE
            WHEN p.daily_cap IS NULL THEN 0
            ELSE (
                SELECT count(*) FROM (
                    SELECT 1 FROM outbox.decisions AS d
                    WHERE d.subscriber_id = a.subscriber_id AND d.decision <> 'withhold'
                        AND d.decided_at >= date_trunc('day', %(now)s::timestamptz, a.time_zone)
                        AND d.decided_on
                        >= (date_trunc('day', %(now)s::timestamptz, a.time_zone) AT TIME ZONE 'UTC')::date
                    ORDER BY d.decided_at
                    LIMIT p.daily_cap
                ) AS c
            )
        END AS used,
        array_remove(ARRAY[
            CASE WHEN a.email IS NOT NULL AND (p.channels IS NULL OR 'email' = ANY(p.channels)) THEN 'email' END,
            CASE WHEN a.telegram_chat_id IS NOT NULL AND (p.channels IS NULL OR 'telegram' = ANY(p.channels))
                THEN 'telegram' END,
            CASE WHEN a.webhook_url IS NOT NULL AND (p.channels IS NULL OR 'webhook' = ANY(p.channels))
                THEN 'webhook' END
        ], NULL) AS channels
    FROM account.subscribers AS a
    LEFT JOIN account.preferences AS p ON a.subscriber_id = p.subscriber_id
    WHERE a.is_active
),
judged AS (
    SELECT
        f.signal_id,
        f.score,
        f.valid_until,
        p.subscriber_id,
        p.quiet_until,
        p.channels,
        p.daily_cap,
        p.used,
        CASE
            WHEN NOT f.public_symbol = ANY(p.symbols) THEN 'symbol'
            WHEN NOT f.asset_class = ANY(p.asset_classes) THEN 'asset_class'
            WHEN NOT f.timeframe = ANY(p.timeframes) THEN 'timeframe'
            WHEN NOT f.direction = ANY(p.directions) THEN 'direction'
            WHEN f.score < p.min_score THEN 'score_below_minimum'
            WHEN NOT f.is_best THEN 'not_among_best'
            WHEN cardinality(p.channels) = 0 THEN 'no_channel'
        END AS reason
    FROM fresh AS f
    INNER JOIN entitled AS e ON f.strategy = e.strategy
    INNER JOIN people AS p ON e.subscriber_id = p.subscriber_id
),
capped AS (
    SELECT
        j.*,
        CASE
            WHEN j.reason IS NOT NULL THEN j.reason
            WHEN j.daily_cap < j.used + row_number() OVER (
                PARTITION BY j.subscriber_id, j.reason IS NULL ORDER BY j.score DESC, j.signal_id
            ) THEN 'daily_cap'
            WHEN j.quiet_until IS NOT NULL THEN 'quiet_hours'
            ELSE 'wanted'
        END AS final_reason
    FROM judged AS j
),
decided AS (
    INSERT INTO outbox.decisions (
        signal_id, subscriber_id, decided_on, decided_at, decision, reason, deferred_until, channels
    )
    SELECT
        c.signal_id,
        c.subscriber_id,
        (%(now)s::timestamptz AT TIME ZONE 'UTC')::date,
        %(now)s::timestamptz,
        CASE c.final_reason WHEN 'wanted' THEN 'send' WHEN 'quiet_hours' THEN 'defer' ELSE 'withhold' END,
        c.final_reason,
        CASE WHEN c.final_reason = 'quiet_hours' THEN c.quiet_until END,
        CASE WHEN c.final_reason IN ('wanted', 'quiet_hours') THEN c.channels ELSE '{}' END
    FROM capped AS c
    RETURNING signal_id
),
queued AS (
    INSERT INTO outbox.messages (kind, channel, subscriber_id, signal_id, due_at, valid_until, created_at)
    SELECT
        'alert',
        unnest(c.channels),
        c.subscriber_id,
        c.signal_id,
        COALESCE(c.quiet_until, %(now)s::timestamptz),
        c.valid_until,
        %(now)s::timestamptz
    FROM capped AS c
    WHERE c.final_reason IN ('wanted', 'quiet_hours')
    RETURNING message_id
)
SELECT
    (SELECT count(*) FROM decided) AS decisions,
    (SELECT count(*) FROM queued) AS messages;

-- name: live_ones
SELECT s.signal_id FROM engine.signals AS s
WHERE s.signal_id = ANY(%(signal_ids)s::bigint[]) AND s.origin = 'live'
ORDER BY s.signal_id;

-- name: begin_publishing
SELECT pg_advisory_xact_lock(hashtext('outbox.publish'));

-- name: begin_withholding
-- One transaction withholds at a time, so that each sees what the other withheld and no two lock crosswise; the
-- delivery workers do not wait for it (outbox/queue.sql).
SELECT pg_advisory_xact_lock(hashtext('outbox.withhold'));

-- name: withhold_alerts_of
-- Alerts that nobody has begun to send when their signal ends say nothing any more. A decision becomes `withhold`
-- when none of its alerts was or can be sent any more.
WITH withheld AS (
    UPDATE outbox.messages AS m SET
        status = 'withheld', leased_until = NULL, finished_at = %(now)s::timestamptz,
        detail = 'the signal ended before it was due'
    WHERE m.signal_id = ANY(%(signal_ids)s::bigint[]) AND m.kind = 'alert' AND m.status = 'pending'
        AND m.begun_at IS NULL AND (m.leased_until IS NULL OR m.leased_until <= %(now)s::timestamptz)
    RETURNING m.message_id, m.signal_id, m.subscriber_id
),
hopeless AS (
    SELECT
        w.signal_id,
        w.subscriber_id
    FROM withheld AS w
    WHERE NOT EXISTS (
        SELECT 1 FROM outbox.messages AS o
        WHERE o.signal_id = w.signal_id AND o.subscriber_id = w.subscriber_id AND o.kind = 'alert'
            AND o.status <> 'withheld' AND o.message_id NOT IN (SELECT v.message_id FROM withheld AS v)
    )
)
UPDATE outbox.decisions AS d SET decision = 'withhold', reason = 'no_longer_valid', deferred_until = NULL
FROM hopeless AS h
WHERE d.signal_id = h.signal_id AND d.subscriber_id = h.subscriber_id;

-- name: publish_closings
-- Whoever was sent the alert, or may have been, hears how it ended on the same channel; after their quiet hours.
INSERT INTO outbox.messages (kind, channel, subscriber_id, signal_id, due_at, created_at)
SELECT
    'close',
    m.channel,
    m.subscriber_id,
    m.signal_id,
    COALESCE(
        account.quiet_until(%(now)s::timestamptz, a.time_zone, p.quiet_from, p.quiet_until), %(now)s::timestamptz
    ),
    %(now)s::timestamptz
FROM outbox.messages AS m
INNER JOIN account.subscribers AS a ON m.subscriber_id = a.subscriber_id AND a.is_active
LEFT JOIN account.preferences AS p ON m.subscriber_id = p.subscriber_id
WHERE m.signal_id = ANY(%(signal_ids)s::bigint[]) AND m.kind = 'alert' AND m.status IN ('pending', 'sent', 'uncertain')
ON CONFLICT (signal_id, subscriber_id, channel, kind) WHERE signal_id IS NOT NULL DO NOTHING;

-- name: queue_test
-- Of use for as long as somebody waits for it: on a channel that is not set up yet it is withheld after that.
INSERT INTO outbox.messages (kind, channel, subscriber_id, due_at, valid_until, created_at)
SELECT
    'test', c.channel, %(subscriber_id)s::integer, %(now)s::timestamptz, %(now)s::timestamptz + INTERVAL '1 hour',
    %(now)s::timestamptz
FROM unnest(%(channels)s::text[]) AS c (channel)
RETURNING message_id;

-- name: announce
-- To whoever shows signals as they come: the live feed of the API and the page.
SELECT pg_notify('signalhub_signals', %(payload)s::text);

-- name: wake
-- To the workers of the outbox: there may be something to send.
SELECT pg_notify('signalhub_outbox', '');
