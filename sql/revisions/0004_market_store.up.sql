-- Purpose: what is known about the bars: gaps, splits, listings, flags, audits, and from when on bars are kept.
-- Grain:   said at each table. Units: times UTC instants, spans [from_at, to_at).

-- One row per span of a base timeframe in which bars that the calendar lets us expect are missing below the watermark.
-- closed_session: a calendar that was learnt later says that nothing was to be expected.
CREATE TABLE market.gaps (
    gap_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instrument_id integer NOT NULL REFERENCES market.instruments,
    base_timeframe text NOT NULL REFERENCES market.timeframes (timeframe),
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    expected integer NOT NULL,
    missing integer NOT NULL,
    status text NOT NULL DEFAULT 'open',
    detected_at timestamptz NOT NULL,
    asked_at timestamptz,
    closed_at timestamptz,
    detail text,
    CONSTRAINT gap_is_recorded_once UNIQUE (instrument_id, base_timeframe, from_at),
    CONSTRAINT gap_has_length CHECK (from_at < to_at),
    CONSTRAINT gap_status_is_known CHECK (status IN ('open', 'filled', 'unavailable', 'closed_session')),
    CONSTRAINT no_more_are_missing_than_expected CHECK (missing >= 0 AND missing <= expected)
);
CREATE INDEX open_gaps ON market.gaps (instrument_id, base_timeframe, from_at) WHERE status = 'open';

-- One row per split: from effective_at on one old share is `ratio` new ones. A UTC midnight: no bar straddles it.
CREATE TABLE market.splits (
    instrument_id integer NOT NULL REFERENCES market.instruments,
    effective_at timestamptz NOT NULL,
    ratio double precision NOT NULL,
    source text NOT NULL,
    known_at timestamptz NOT NULL,
    PRIMARY KEY (instrument_id, effective_at),
    CONSTRAINT split_ratio_is_positive_and_finite
    CHECK (ratio > 0.0::double precision AND ratio < 'Infinity'::double precision),
    CONSTRAINT split_takes_effect_at_midnight
    CHECK (effective_at = date_bin('24 hours'::interval, effective_at, '2000-01-01 00:00:00+00'::timestamptz))
);

-- One row per (instrument with splits, span between two of them): by what its raw prices are multiplied to be those
-- of today. Derived from market.splits whenever these change, so that reading bars is one cheap join.
CREATE TABLE market.adjustments (
    instrument_id integer NOT NULL REFERENCES market.instruments,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    price_factor double precision NOT NULL,
    PRIMARY KEY (instrument_id, from_at),
    CONSTRAINT adjustment_has_length CHECK (from_at < to_at),
    CONSTRAINT price_factor_is_positive CHECK (price_factor > 0.0::double precision)
);

-- One row per span in which an instrument had a status. No row: listed for as long as it has bars.
CREATE TABLE market.instrument_status (
    instrument_id integer NOT NULL REFERENCES market.instruments,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    status text NOT NULL,
    source text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (instrument_id, valid_from),
    CONSTRAINT listing_status_is_known CHECK (status IN ('listed', 'halted', 'delisted')),
    CONSTRAINT status_holds_for_some_time CHECK (valid_from < valid_until)
);

-- One row per base bar that looks wrong: kept as it came, and said so. score: the robust z-score of its jump.
CREATE TABLE market.bar_flags (
    instrument_id integer NOT NULL,
    base_timeframe text NOT NULL,
    open_at timestamptz NOT NULL,
    flag text NOT NULL,
    score double precision NOT NULL,
    flagged_at timestamptz NOT NULL,
    PRIMARY KEY (instrument_id, base_timeframe, open_at, flag),
    CONSTRAINT flag_is_known CHECK (flag IN ('outlier'))
);

-- One row per value that the auditor found to differ from a recomputation out of the base bars. A row that is missing,
-- or should not be there, differs in open_at alone: null where it is not. base_timeframe: of rollups, kept per base.
CREATE TABLE market.audit_findings (
    finding_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    relation text NOT NULL,
    instrument_id integer NOT NULL REFERENCES market.instruments,
    base_timeframe text REFERENCES market.timeframes (timeframe),
    timeframe text NOT NULL REFERENCES market.timeframes (timeframe),
    open_at timestamptz NOT NULL,
    column_name text NOT NULL,
    stored text,
    expected text,
    found_at timestamptz NOT NULL,
    repaired_at timestamptz,
    CONSTRAINT finding_is_recorded_once UNIQUE NULLS NOT DISTINCT (
        relation, instrument_id, base_timeframe, timeframe, open_at, column_name, repaired_at
    )
);

-- One row per (instrument, timeframe): how far the scheduled audit has come; it goes round and round in slices.
CREATE TABLE market.audit_progress (
    instrument_id integer NOT NULL REFERENCES market.instruments,
    timeframe text NOT NULL REFERENCES market.timeframes (timeframe),
    audited_through timestamptz NOT NULL,
    audited_at timestamptz NOT NULL,
    PRIMARY KEY (instrument_id, timeframe)
);

-- One row per relation of bars or indicators, and timeframe, whose old rows were dropped: what begins before
-- kept_from is gone, and nothing is rolled up from there again.
CREATE TABLE market.retention (
    relation text NOT NULL,
    timeframe text NOT NULL REFERENCES market.timeframes (timeframe),
    kept_from timestamptz NOT NULL,
    dropped_at timestamptz NOT NULL,
    PRIMARY KEY (relation, timeframe)
);

-- Corrections of a span, newest first.
CREATE INDEX bar_revisions_by_time ON market.bar_revisions (superseded_at);

-- Three more reasons not to score an instrument at a close.
ALTER TABLE engine.abstentions DROP CONSTRAINT reason_is_known;
ALTER TABLE engine.abstentions ADD CONSTRAINT reason_is_known CHECK (reason IN (
    'warming_up', 'not_settled', 'filled_bars', 'incomplete', 'dirty', 'stale', 'not_listed', 'flagged_bars',
    'cooldown', 'score_below_threshold', 'risk_below_tick'
));
ALTER TABLE engine.abstentions DROP CONSTRAINT only_candidates_are_held_back;
ALTER TABLE engine.abstentions ADD CONSTRAINT only_candidates_are_held_back CHECK (
    (direction IS NULL) = (reason IN (
        'warming_up', 'not_settled', 'filled_bars', 'incomplete', 'dirty', 'stale', 'not_listed', 'flagged_bars'
    ))
);
