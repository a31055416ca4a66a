-- Purpose: Signals that can be trusted: levels and size, validity, the ledger, trials of backtests.

-- Evaluation.

-- What a signal's levels and size are made of; null in rows that are older. atr in quote currency; position_size_pct of
-- the equity, so that the stop costs max_risk_pct of it; left_out: components that the instrument lacked; weights: of
-- those it had, as the strategy gives them; is_best: among the best of its cycle, null where that is not asked for.
ALTER TABLE engine.signals
ADD COLUMN atr double precision,
ADD COLUMN risk_reward numeric,
ADD COLUMN position_size_pct numeric,
ADD COLUMN max_risk_pct numeric,
ADD COLUMN weights jsonb,
ADD COLUMN left_out text[],
ADD COLUMN is_best boolean,
ADD CONSTRAINT risk_reward_is_positive CHECK (risk_reward > 0),
ADD CONSTRAINT size_and_risk_are_not_negative CHECK (position_size_pct >= 0 AND max_risk_pct >= 0);

-- snapshot_hits: frames (the timeframe's own and its contexts') that were kept from before and topped up;
-- snapshot_misses: those that were read whole. steps: milliseconds by step, for one close on average.
ALTER TABLE engine.evaluations
ADD COLUMN snapshot_hits integer,
ADD COLUMN snapshot_misses integer,
ADD COLUMN steps jsonb;

-- Compressed they take two thirds of the room, and compressing took most of the time of storing a signal.
ALTER TABLE engine.signal_inputs ALTER COLUMN inputs SET STORAGE EXTERNAL;

-- One row per change of what can still be done with a signal, append-only. since: the close of the base bar that
-- showed it; price: that bar's close; checked_at: when it was looked at.
CREATE TABLE engine.signal_validity (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    signal_id bigint NOT NULL REFERENCES engine.signals,
    state text NOT NULL,
    since timestamptz NOT NULL,
    price double precision,
    checked_at timestamptz NOT NULL,
    CONSTRAINT validity_is_known
    CHECK (state IN ('valid', 'entry_missed', 'invalidated', 'target_reached', 'expired'))
);
CREATE INDEX validity_of_signal ON engine.signal_validity (signal_id, change_id DESC);

-- One row per refresh and timeframe that wrote indicator rows, or made them otherwise than they were: the rows of
-- instrument_ids[i] that open at from_ats[i] or later may have changed. Kept for a day; ids only grow.
CREATE TABLE market.refreshes (
    refresh_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    timeframe text NOT NULL REFERENCES market.timeframes (timeframe),
    instrument_ids integer[] NOT NULL,
    from_ats timestamptz[] NOT NULL,
    refreshed_at timestamptz NOT NULL,
    CONSTRAINT each_instrument_has_its_instant CHECK (cardinality(instrument_ids) = cardinality(from_ats))
);

-- A signal may be recorded and yet not sent: others of its cycle were better.
ALTER TABLE outbox.decisions DROP CONSTRAINT decision_reason_is_known;
ALTER TABLE outbox.decisions ADD CONSTRAINT decision_reason_is_known CHECK (reason IN (
    'wanted', 'quiet_hours', 'symbol', 'asset_class', 'timeframe', 'direction', 'score_below_minimum',
    'no_channel', 'daily_cap', 'no_longer_valid', 'not_among_best'
));

-- Backtests.

-- One row per trial of a backtest: a strategy with these parameters over that span of stored bars. Appended whenever
-- one was made, so that who looks at the best one sees how many were tried. symbols: null for all that the strategy
-- serves; from_at null: from the first bar on; closes in (from_at, to_at]. data_version: the last refresh it knew of;
-- settings: those that count; statistics: a row of analytics.performance over its signals.
CREATE TABLE engine.trials (
    trial_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    strategy text NOT NULL,
    version text NOT NULL,
    parameters jsonb NOT NULL,
    timeframe text NOT NULL REFERENCES market.timeframes (timeframe),
    symbols text[],
    from_at timestamptz,
    to_at timestamptz NOT NULL,
    data_version bigint NOT NULL,
    settings jsonb NOT NULL,
    instruments integer NOT NULL,
    bars bigint NOT NULL,
    candidates integer NOT NULL,
    signals integer NOT NULL,
    statistics jsonb NOT NULL,
    milliseconds double precision NOT NULL,
    tried_at timestamptz NOT NULL,
    CONSTRAINT trial_span_has_length CHECK (from_at < to_at),
    CONSTRAINT trial_counts_are_not_negative
    CHECK (instruments >= 0 AND bars >= 0 AND candidates >= 0 AND signals >= 0)
);
CREATE INDEX trials_by_strategy ON engine.trials (strategy, timeframe, trial_id);

-- Provenance. What is stored is sealed when it is final: a later change of the row, or its end, shows in `verify`.
-- This block stays the last one: it seals the rows that are there already as they are after the others.

-- What a seal and the ledger hash of a row: its columns that are not null, so that a column which comes later leaves
-- older seals as they are. json, not jsonb, which writes numbers anew. Instants are in UTC where the caller's zone is.
-- Stable and not strict: so PostgreSQL writes them into the query, which halves their cost.
CREATE FUNCTION engine.record_of(record json) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_strip_nulls(record)::text;
CREATE FUNCTION engine.seal_of(record json) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN encode(sha256(convert_to(engine.record_of(record), 'UTF8')), 'hex');

-- One row per stored row that is final, append-only: a signal (kind signal) when it is inserted, its outcome (kind
-- outcome) when it is closed. No foreign key: a seal outlives the row it was made of, or nobody would miss that.
CREATE TABLE engine.seals (
    signal_id bigint NOT NULL,
    kind text NOT NULL,
    record_sha256 text NOT NULL,
    PRIMARY KEY (signal_id, kind),
    CONSTRAINT sealed_kind_is_known CHECK (kind IN ('signal', 'outcome')),
    CONSTRAINT seal_is_sha256 CHECK (record_sha256 ~ '^[0-9a-f]{64}$')
);

-- One row per live signal that was published (payload: its row's seal) and per closing of one (its outcome's seal),
-- append-only. seq has no gaps. chain_sha256 hashes the row before and this one: see docs/how-to/verify-the-record.md.
-- entered_at never goes back, whatever the clock does, so that a day that is over has its root for ever.
CREATE TABLE engine.ledger (
    seq bigint PRIMARY KEY,
    kind text NOT NULL,
    signal_id bigint NOT NULL,
    entered_at timestamptz NOT NULL,
    payload_sha256 text NOT NULL,
    chain_sha256 text NOT NULL,
    CONSTRAINT signal_is_entered_once_of_a_kind UNIQUE (signal_id, kind),
    CONSTRAINT entry_kind_is_known CHECK (kind IN ('published', 'closed')),
    CONSTRAINT seq_begins_with_1 CHECK (seq >= 1),
    CONSTRAINT payload_is_sha256 CHECK (payload_sha256 ~ '^[0-9a-f]{64}$'),
    CONSTRAINT chain_is_sha256 CHECK (chain_sha256 ~ '^[0-9a-f]{64}$')
);

CREATE FUNCTION engine.refuse_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only: nothing in it is changed or removed', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON engine.ledger
FOR EACH STATEMENT EXECUTE FUNCTION engine.refuse_change();
CREATE TRIGGER is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON engine.seals
FOR EACH STATEMENT EXECUTE FUNCTION engine.refuse_change();

-- By trigger, so that nothing is stored without its seal, whoever stores it.
CREATE FUNCTION engine.seal_signals() RETURNS trigger
LANGUAGE plpgsql SET timezone TO 'UTC' SET extra_float_digits TO 1
AS $$
BEGIN
    INSERT INTO engine.seals (signal_id, kind, record_sha256)
    SELECT s.signal_id, 'signal', engine.seal_of(to_json(s)) FROM added AS s;
    RETURN NULL;
END
$$;
CREATE FUNCTION engine.seal_outcomes() RETURNS trigger
LANGUAGE plpgsql SET timezone TO 'UTC' SET extra_float_digits TO 1
AS $$
BEGIN
    -- A second seal of a row is never made: an outcome that is closed is final.
    INSERT INTO engine.seals (signal_id, kind, record_sha256)
    SELECT o.signal_id, 'outcome', engine.seal_of(to_json(o)) FROM changed AS o
    WHERE o.status <> 'open'
    ON CONFLICT (signal_id, kind) DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER seal_signals AFTER INSERT ON engine.signals REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION engine.seal_signals();
CREATE TRIGGER seal_inserted AFTER INSERT ON engine.outcomes REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION engine.seal_outcomes();
CREATE TRIGGER seal_closed AFTER UPDATE ON engine.outcomes REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION engine.seal_outcomes();

-- What is there already, as it is; then the ledger of its live signals, in the order in which they came and ended.
CREATE FUNCTION engine.begin_ledger() RETURNS void
LANGUAGE plpgsql SET timezone TO 'UTC' SET extra_float_digits TO 1
AS $$
DECLARE
    entry record;
    last_seq bigint := 0;
    last_chain text := repeat('0', 64);
BEGIN
    INSERT INTO engine.seals (signal_id, kind, record_sha256)
    SELECT s.signal_id, 'signal', engine.seal_of(to_json(s)) FROM engine.signals AS s;
    INSERT INTO engine.seals (signal_id, kind, record_sha256)
    SELECT o.signal_id, 'outcome', engine.seal_of(to_json(o)) FROM engine.outcomes AS o WHERE o.status <> 'open';
    FOR entry IN
        SELECT e.kind, e.signal_id, e.record_sha256, max(e.at) OVER (ORDER BY e.at, e.signal_id, e.kind DESC) AS at
        FROM (
            SELECT
                CASE l.kind WHEN 'signal' THEN 'published' ELSE 'closed' END AS kind,
                l.signal_id,
                l.record_sha256,
                CASE l.kind
                    WHEN 'signal' THEN COALESCE(s.published_at, s.recorded_at)
                    ELSE GREATEST(s.published_at, s.recorded_at, o.tracked_through, o.exit_at)
                END AS at
            FROM engine.seals AS l
            INNER JOIN engine.signals AS s ON l.signal_id = s.signal_id AND s.origin = 'live'
            INNER JOIN engine.outcomes AS o ON l.signal_id = o.signal_id
        ) AS e
        ORDER BY e.at, e.signal_id, e.kind DESC
    LOOP
        last_seq := last_seq + 1;
        last_chain := encode(sha256(convert_to(concat_ws(
            '|', last_chain, last_seq, entry.kind, entry.signal_id,
            to_char(entry.at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), entry.record_sha256
        ), 'UTF8')), 'hex');
        INSERT INTO engine.ledger (seq, kind, signal_id, entered_at, payload_sha256, chain_sha256)
        VALUES (last_seq, entry.kind, entry.signal_id, entry.at, entry.record_sha256, last_chain);
    END LOOP;
END
$$;
SELECT engine.begin_ledger();
DROP FUNCTION engine.begin_ledger();
