-- Purpose: the rooms of the service: people (account), what is sent to them (outbox), and what runs when.
-- Grain:   said at each table. Units: times UTC instants; local times of day in the subscriber's time zone.

CREATE SCHEMA account;
CREATE SCHEMA outbox;

-- One row per person or program that receives signals. name is how operators call them.
-- webhook_secret is kept readable: every webhook is signed with it.
CREATE TABLE account.subscribers (
    subscriber_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    email text,
    telegram_chat_id bigint,
    webhook_url text,
    webhook_secret text,
    time_zone text NOT NULL DEFAULT 'UTC',
    is_active boolean NOT NULL DEFAULT TRUE,
    created_at timestamptz NOT NULL,
    CONSTRAINT subscriber_name_is_unique UNIQUE (name),
    CONSTRAINT subscriber_name_is_one_word CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$'),
    CONSTRAINT email_has_one_at CHECK (email ~ '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+$'),
    CONSTRAINT webhook_has_url_and_secret CHECK ((webhook_url IS NULL) = (webhook_secret IS NULL))
);

-- One row per API key: 256 random bits, of which only the sha256 is kept. hint is its beginning, to tell keys apart.
CREATE TABLE account.keys (
    key_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscriber_id integer NOT NULL REFERENCES account.subscribers,
    role text NOT NULL DEFAULT 'subscriber',
    key_sha256 text NOT NULL,
    hint text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL DEFAULT 'infinity',
    revoked_at timestamptz,
    CONSTRAINT key_is_unique UNIQUE (key_sha256),
    CONSTRAINT key_is_kept_as_sha256 CHECK (key_sha256 ~ '^[0-9a-f]{64}$'),
    CONSTRAINT role_is_known CHECK (role IN ('subscriber', 'analyst', 'operator'))
);

-- One row per login to the page: 256 random bits, of which only the sha256 is kept. It dies with its key.
CREATE TABLE account.sessions (
    session_sha256 text PRIMARY KEY,
    key_id integer NOT NULL REFERENCES account.keys,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT session_is_kept_as_sha256 CHECK (session_sha256 ~ '^[0-9a-f]{64}$')
);

-- One row per span in which a subscriber owns a strategy. Revoking ends the span; the row stays as history.
CREATE TABLE account.entitlements (
    entitlement_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscriber_id integer NOT NULL REFERENCES account.subscribers,
    strategy text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    granted_at timestamptz NOT NULL,
    CONSTRAINT entitlement_does_not_end_before_it_begins CHECK (valid_from <= valid_until)
);
CREATE INDEX entitlements_by_subscriber ON account.entitlements (subscriber_id, strategy);

-- One row per subscriber: what they want, when and where. Null lists do not narrow; null channels means every
-- channel they have an address for. Quiet hours are local and may wrap midnight.
CREATE TABLE account.preferences (
    subscriber_id integer PRIMARY KEY REFERENCES account.subscribers,
    symbols text[],
    asset_classes text[],
    timeframes text[],
    directions text[],
    min_score numeric NOT NULL DEFAULT 0,
    channels text[],
    quiet_from time,
    quiet_until time,
    daily_cap integer,
    digest_at time,
    is_weekly_wanted boolean NOT NULL DEFAULT FALSE,
    updated_at timestamptz NOT NULL,
    CONSTRAINT min_score_is_from_0_to_100 CHECK (min_score BETWEEN 0 AND 100),
    CONSTRAINT quiet_hours_have_two_ends CHECK ((quiet_from IS NULL) = (quiet_until IS NULL)),
    CONSTRAINT quiet_hours_have_length CHECK (quiet_from <> quiet_until),
    CONSTRAINT daily_cap_is_positive CHECK (daily_cap >= 1)
);

-- One row per (subscriber, signal) that somebody said something about.
CREATE TABLE account.feedback (
    subscriber_id integer NOT NULL REFERENCES account.subscribers,
    signal_id bigint NOT NULL REFERENCES engine.signals,
    rating text NOT NULL,
    comment text,
    given_at timestamptz NOT NULL,
    PRIMARY KEY (subscriber_id, signal_id),
    CONSTRAINT rating_is_known CHECK (rating IN ('useful', 'not_useful', 'taken', 'skipped')),
    CONSTRAINT comment_is_short CHECK (length(comment) <= 2000)
);

-- One row per (signal, subscriber who was entitled and active when it was published): what was decided, and why.
-- decided_on is the UTC day of decided_at; a partition holds one such day. No foreign keys: the fan-out to
-- 10,000 subscribers would spend most of its time on checking them.
CREATE TABLE outbox.decisions (
    signal_id bigint NOT NULL,
    subscriber_id integer NOT NULL,
    decided_on date NOT NULL,
    decided_at timestamptz NOT NULL,
    decision text NOT NULL,
    reason text NOT NULL,
    deferred_until timestamptz,
    channels text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (signal_id, subscriber_id, decided_on),
    CONSTRAINT decision_is_known CHECK (decision IN ('send', 'defer', 'withhold')),
    CONSTRAINT decision_reason_is_known CHECK (reason IN (
        'wanted', 'quiet_hours', 'symbol', 'asset_class', 'timeframe', 'direction', 'score_below_minimum',
        'no_channel', 'daily_cap', 'no_longer_valid'
    )),
    CONSTRAINT only_deferred_ones_wait CHECK (decision <> 'defer' OR deferred_until IS NOT NULL)
) PARTITION BY RANGE (decided_on);
CREATE INDEX decisions_by_subscriber ON outbox.decisions (subscriber_id, decided_at);

-- One row per message to one subscriber on one channel. Alerts and closings hang on a signal, digests on the local
-- day they are for. leased_until: a worker has it until then. begun_at: its bytes may have left, on a channel
-- whose receivers cannot tell a message sent twice.
CREATE TABLE outbox.messages (
    message_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    channel text NOT NULL,
    subscriber_id integer NOT NULL,
    signal_id bigint,
    period_on date,
    status text NOT NULL DEFAULT 'pending',
    due_at timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    leased_until timestamptz,
    begun_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    detail text,
    CONSTRAINT message_kind_is_known
    CHECK (kind IN ('alert', 'close', 'daily_digest', 'weekly_performance', 'test')),
    CONSTRAINT message_status_is_known CHECK (status IN ('pending', 'sent', 'withheld', 'failed', 'uncertain')),
    CONSTRAINT alerts_and_closings_have_a_signal CHECK ((kind IN ('alert', 'close')) = (signal_id IS NOT NULL)),
    CONSTRAINT digests_have_a_period
    CHECK ((kind IN ('daily_digest', 'weekly_performance')) = (period_on IS NOT NULL)),
    CONSTRAINT finished_messages_say_when CHECK ((status = 'pending') = (finished_at IS NULL))
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX message_of_a_signal_is_unique
ON outbox.messages (signal_id, subscriber_id, channel, kind) WHERE signal_id IS NOT NULL;
CREATE UNIQUE INDEX message_of_a_period_is_unique
ON outbox.messages (subscriber_id, period_on, channel, kind) WHERE period_on IS NOT NULL;
CREATE INDEX pending_messages ON outbox.messages (channel, due_at, message_id) WHERE status = 'pending';
CREATE INDEX messages_by_subscriber ON outbox.messages (subscriber_id, message_id DESC);
CREATE INDEX messages_gone_wrong ON outbox.messages (message_id DESC) WHERE status IN ('failed', 'uncertain');

-- One row per try to send a message. No foreign key: checking it would take as long as settling; what forgets
-- messages forgets their attempts.
CREATE TABLE outbox.attempts (
    message_id bigint NOT NULL,
    attempt integer NOT NULL,
    finished_at timestamptz NOT NULL,
    verdict text NOT NULL,
    detail text,
    PRIMARY KEY (message_id, attempt),
    CONSTRAINT verdict_is_known CHECK (verdict IN ('sent', 'retry_at', 'undeliverable', 'uncertain'))
);

-- One row per scheduled run of a job: what ran is not repeated, what did not is caught up.
CREATE TABLE engine.job_runs (
    job text NOT NULL,
    scheduled_for timestamptz NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    error text,
    PRIMARY KEY (job, scheduled_for)
);

-- One row per part of the running service and process: when it last said that it works.
CREATE TABLE engine.heartbeats (
    part text NOT NULL,
    instance text NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    detail text,
    PRIMARY KEY (part, instance),
    CONSTRAINT part_is_known CHECK (part IN ('feeds', 'pipeline', 'delivery', 'api'))
);

-- Digests and daily statistics read what ended in a span.
CREATE INDEX outcomes_by_exit ON engine.outcomes (exit_at) WHERE exit_at IS NOT NULL;

-- Whoever caches what is read from these tables listens on the channel signalhub_changed; the payload is the
-- table's name. Once a statement, and only when it touched a row.
CREATE FUNCTION engine.announce_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM changed) THEN
        PERFORM pg_notify('signalhub_changed', TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME);
    END IF;
    RETURN NULL;
END
$$;
DO $$
DECLARE
    relation text;
BEGIN
    FOREACH relation IN ARRAY ARRAY[
        'engine.signals', 'engine.outcomes', 'market.instruments', 'account.subscribers', 'account.keys',
        'account.sessions', 'account.entitlements', 'account.preferences'
    ] LOOP
        EXECUTE format(
            'CREATE TRIGGER announce_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS changed '
            'FOR EACH STATEMENT EXECUTE FUNCTION engine.announce_change()', relation
        );
        EXECUTE format(
            'CREATE TRIGGER announce_update AFTER UPDATE ON %s REFERENCING NEW TABLE AS changed '
            'FOR EACH STATEMENT EXECUTE FUNCTION engine.announce_change()', relation
        );
        EXECUTE format(
            'CREATE TRIGGER announce_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS changed '
            'FOR EACH STATEMENT EXECUTE FUNCTION engine.announce_change()', relation
        );
    END LOOP;
END
$$;
