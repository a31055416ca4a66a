-- Purpose: the walls of the house: market data, indicators, and the engine's record. Same on both editions;
--          what differs (hypertables, continuous aggregates) stands in 0001_foundation.<edition>.up.sql.
-- Grain:   said at each table. Units: prices in quote currency, volume in base units, times UTC instants.

CREATE SCHEMA IF NOT EXISTS market;
CREATE SCHEMA engine;
CREATE SCHEMA ta;
CREATE SCHEMA analytics;

-- One row per fact about this database that must never change unseen (edition, made_at_version).
CREATE TABLE market.meta (
    key text PRIMARY KEY,
    value text NOT NULL
);

-- One row per object of sql/derived that is in the database now; migrate compares hashes with the files.
CREATE TABLE market.derived_objects (
    path text PRIMARY KEY,
    sha256 text NOT NULL,
    identities text[] NOT NULL
);

-- One row per timeframe; position orders them from fine to coarse.
CREATE TABLE market.timeframes (
    timeframe text PRIMARY KEY,
    span interval NOT NULL,
    seconds integer NOT NULL,
    position integer NOT NULL UNIQUE
);
INSERT INTO market.timeframes (timeframe, span, seconds, position) VALUES
('1m', INTERVAL '1 minute', 60, 1),
('5m', INTERVAL '5 minutes', 300, 2),
('15m', INTERVAL '15 minutes', 900, 3),
('1h', INTERVAL '1 hour', 3600, 4),
('4h', INTERVAL '4 hours', 14400, 5),
-- Hours, not a day: a day's length depends on the session's time zone.
('1d', INTERVAL '24 hours', 86400, 6);

-- One row per feed or kind of file. Bars of a live source may give signals of origin live.
CREATE TABLE market.sources (
    source_id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL UNIQUE,
    is_live boolean NOT NULL DEFAULT FALSE
);

-- One row per tradable thing at a venue. public_symbol is the symbol, with @VENUE where another had it first.
CREATE TABLE market.instruments (
    instrument_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    venue text NOT NULL,
    symbol text NOT NULL,
    public_symbol text NOT NULL UNIQUE,
    asset_class text NOT NULL,
    calendar text NOT NULL,
    tick_size numeric,
    is_simulated boolean NOT NULL DEFAULT FALSE,
    is_active boolean NOT NULL DEFAULT TRUE,
    created_at timestamptz NOT NULL,
    CONSTRAINT symbol_is_unique_within_venue UNIQUE (venue, symbol),
    CONSTRAINT symbol_is_not_empty CHECK (symbol <> '' AND venue <> ''),
    CONSTRAINT asset_class_is_known
    CHECK (asset_class IN ('crypto', 'equity', 'forex', 'commodity', 'index')),
    CONSTRAINT tick_size_is_positive CHECK (tick_size > 0)
);

-- One row per (instrument, source) that may write its bars. A lower priority never overwrites a higher one.
CREATE TABLE market.instrument_sources (
    instrument_id integer NOT NULL REFERENCES market.instruments,
    source text NOT NULL REFERENCES market.sources (source),
    source_symbol text NOT NULL,
    priority integer NOT NULL DEFAULT 0,
    PRIMARY KEY (instrument_id, source)
);

-- One row per span of whole UTC days in which one base timeframe rules an instrument.
CREATE TABLE market.instrument_bases (
    instrument_id integer NOT NULL REFERENCES market.instruments,
    base_timeframe text NOT NULL REFERENCES market.timeframes (timeframe),
    rules_from timestamptz NOT NULL,
    rules_until timestamptz NOT NULL DEFAULT 'infinity',
    PRIMARY KEY (instrument_id, rules_from),
    CONSTRAINT base_rules_for_some_time CHECK (rules_from < rules_until)
);

-- One row per trading session of a calendar. The calendar 24/7 has no rows: it never closes.
CREATE TABLE market.sessions (
    calendar text NOT NULL,
    open_at timestamptz NOT NULL,
    close_at timestamptz NOT NULL,
    PRIMARY KEY (calendar, open_at),
    CONSTRAINT session_opens_before_it_closes CHECK (open_at < close_at)
);

-- One row per calendar: the span for which market.sessions holds every session.
CREATE TABLE market.session_coverage (
    calendar text PRIMARY KEY,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    CONSTRAINT coverage_has_length CHECK (from_at < to_at)
);

-- One row per base bar as known now. filled_count is 1 where we filled the bar in ourselves.
-- Read by the rollups, by outcomes and by analytics.bars (1m only; coarser ones come through the rollups).
CREATE TABLE market.bars (
    instrument_id integer NOT NULL,
    base_timeframe text NOT NULL,
    open_at timestamptz NOT NULL,
    open double precision NOT NULL,
    high double precision NOT NULL,
    low double precision NOT NULL,
    close double precision NOT NULL,
    volume double precision NOT NULL,
    turnover double precision,
    bar_count integer NOT NULL DEFAULT 1,
    filled_count integer NOT NULL DEFAULT 0,
    high_at timestamptz NOT NULL,
    low_at timestamptz NOT NULL,
    known_at timestamptz NOT NULL,
    source_id smallint NOT NULL,
    PRIMARY KEY (instrument_id, base_timeframe, open_at),
    CONSTRAINT base_timeframe_is_known
    CHECK (base_timeframe IN ('1m', '5m', '15m', '1h', '4h', '1d')),
    CONSTRAINT high_encloses_open_and_close CHECK (high >= open AND high >= close),
    CONSTRAINT low_encloses_open_and_close CHECK (low <= open AND low <= close),
    CONSTRAINT prices_are_positive CHECK (low > 0.0::double precision),
    CONSTRAINT prices_are_finite CHECK (high < 'Infinity'::double precision),
    CONSTRAINT volume_is_finite_and_not_negative
    CHECK (volume >= 0.0::double precision AND volume < 'Infinity'::double precision),
    CONSTRAINT turnover_is_finite_and_not_negative
    CHECK (turnover >= 0.0::double precision AND turnover < 'Infinity'::double precision),
    CONSTRAINT a_base_bar_counts_as_one CHECK (bar_count = 1 AND filled_count IN (0, 1)),
    CONSTRAINT open_is_on_the_minute_grid
    CHECK (open_at = date_bin('1 minute'::interval, open_at, '2000-01-01 00:00:00+00'::timestamptz))
);

-- One row per superseded version of a base bar: believed from known_at until superseded_at.
CREATE TABLE market.bar_revisions (
    revision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instrument_id integer NOT NULL,
    base_timeframe text NOT NULL,
    open_at timestamptz NOT NULL,
    open double precision NOT NULL,
    high double precision NOT NULL,
    low double precision NOT NULL,
    close double precision NOT NULL,
    volume double precision NOT NULL,
    turnover double precision,
    filled_count integer NOT NULL,
    known_at timestamptz NOT NULL,
    superseded_at timestamptz NOT NULL,
    source_id smallint NOT NULL,
    CONSTRAINT version_was_known_before_it_was_superseded CHECK (known_at <= superseded_at)
);
CREATE INDEX bar_revisions_by_bar ON market.bar_revisions (instrument_id, base_timeframe, open_at, known_at);

-- One row per (instrument, timeframe) for which everything up to settled_through was obtained.
CREATE TABLE market.watermarks (
    instrument_id integer NOT NULL REFERENCES market.instruments,
    timeframe text NOT NULL REFERENCES market.timeframes (timeframe),
    settled_through timestamptz NOT NULL,
    PRIMARY KEY (instrument_id, timeframe)
);

-- One row per span that was written and not yet rolled up. timeframe null: all that hangs on the span;
-- else only that rollup, whose last bucket was still forming when the rest was refreshed.
CREATE TABLE market.dirty_ranges (
    dirty_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instrument_id integer NOT NULL,
    base_timeframe text NOT NULL,
    timeframe text,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    CONSTRAINT dirty_range_has_length CHECK (from_at < to_at),
    CONSTRAINT dirty_range_is_recorded_once
    UNIQUE NULLS NOT DISTINCT (instrument_id, base_timeframe, timeframe, from_at, to_at)
);

-- One row per version of a fact that is not computed from bars; joined as-of on known_at.
CREATE TABLE market.observations (
    instrument_id integer NOT NULL REFERENCES market.instruments,
    kind text NOT NULL,
    observed_at timestamptz NOT NULL,
    known_at timestamptz NOT NULL,
    value double precision NOT NULL,
    source text NOT NULL REFERENCES market.sources (source),
    PRIMARY KEY (instrument_id, kind, source, observed_at, known_at),
    CONSTRAINT observation_is_known_after_it_was_made CHECK (known_at >= observed_at)
);

-- One row per closed bar of every timeframe: indicator columns (name + parameters), null during warm-up.
-- n is the bar's ordinal, 1 at the instrument's first bar of the timeframe.
CREATE TABLE market.indicators (
    instrument_id integer NOT NULL,
    timeframe text NOT NULL,
    open_at timestamptz NOT NULL,
    n bigint NOT NULL,
    sma_20 double precision,
    sma_50 double precision,
    ema_9 double precision,
    ema_21 double precision,
    ema_50 double precision,
    rsi_14 double precision,
    macd_12_26_9 double precision,
    macd_signal_12_26_9 double precision,
    macd_hist_12_26_9 double precision,
    atr_14 double precision,
    bb_upper_20_2 double precision,
    bb_middle_20_2 double precision,
    bb_lower_20_2 double precision,
    donchian_upper_20 double precision,
    donchian_lower_20 double precision,
    volume_sma_20 double precision,
    obv double precision,
    adx_14 double precision,
    PRIMARY KEY (instrument_id, timeframe, open_at),
    CONSTRAINT ordinal_counts_from_one CHECK (n >= 1)
);

-- One row per anchor: what the recursive indicators need to go on after the bar at open_at. The latest bar
-- of each (instrument, timeframe) has one, and every 500th.
CREATE TABLE market.indicator_state (
    instrument_id integer NOT NULL,
    timeframe text NOT NULL,
    open_at timestamptz NOT NULL,
    n bigint NOT NULL,
    ema_9_state double precision,
    ema_21_state double precision,
    ema_50_state double precision,
    macd_fast_state double precision,
    macd_slow_state double precision,
    macd_signal_state double precision,
    gain_state double precision,
    loss_state double precision,
    atr_state double precision,
    plus_dm_state double precision,
    minus_dm_state double precision,
    tr_state double precision,
    adx_state double precision,
    obv_state double precision,
    PRIMARY KEY (instrument_id, timeframe, open_at)
);

-- One row per version of a strategy: same name, code and parameters are the same version, for ever.
CREATE TABLE engine.strategies (
    strategy_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    strategy text NOT NULL,
    version text NOT NULL,
    parameters jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT strategy_version_is_unique UNIQUE (strategy, version)
);

-- One row per (origin, strategy version, timeframe, close) that was evaluated, with what came of it.
-- instruments_seen were scored; instruments_abstained had a settled bar or should have had one.
CREATE TABLE engine.evaluations (
    evaluation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin text NOT NULL,
    strategy_id integer NOT NULL REFERENCES engine.strategies,
    timeframe text NOT NULL REFERENCES market.timeframes (timeframe),
    close_at timestamptz NOT NULL,
    instruments_seen integer NOT NULL,
    instruments_abstained integer NOT NULL,
    candidates integer NOT NULL,
    signals integer NOT NULL,
    milliseconds double precision NOT NULL,
    evaluated_at timestamptz NOT NULL,
    CONSTRAINT evaluation_happens_once UNIQUE (origin, strategy_id, timeframe, close_at),
    CONSTRAINT origin_is_known CHECK (origin IN ('live', 'replay')),
    CONSTRAINT counts_are_not_negative
    CHECK (instruments_seen >= 0 AND instruments_abstained >= 0 AND candidates >= 0 AND signals >= 0)
);

-- One row per instrument that was not scored at a close (direction null), or per candidate that was held
-- back (direction given), with the reason.
CREATE TABLE engine.abstentions (
    evaluation_id bigint NOT NULL REFERENCES engine.evaluations ON DELETE CASCADE,
    instrument_id integer NOT NULL REFERENCES market.instruments,
    direction text,
    reason text NOT NULL,
    score numeric,
    CONSTRAINT abstention_is_recorded_once
    UNIQUE NULLS NOT DISTINCT (evaluation_id, instrument_id, direction),
    CONSTRAINT direction_is_known CHECK (direction IN ('long', 'short')),
    CONSTRAINT reason_is_known CHECK (reason IN (
        'warming_up', 'not_settled', 'filled_bars', 'incomplete', 'dirty',
        'cooldown', 'score_below_threshold', 'risk_below_tick'
    )),
    CONSTRAINT only_candidates_are_held_back CHECK (
        (direction IS NULL)
        = (reason IN ('warming_up', 'not_settled', 'filled_bars', 'incomplete', 'dirty'))
    )
);

-- One row per signal, append-only. Prices are numeric, rounded to the tick. published_at is null for replays,
-- which are never published.
CREATE TABLE engine.signals (
    signal_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin text NOT NULL,
    strategy_id integer NOT NULL REFERENCES engine.strategies,
    instrument_id integer NOT NULL REFERENCES market.instruments,
    timeframe text NOT NULL REFERENCES market.timeframes (timeframe),
    open_at timestamptz NOT NULL,
    close_at timestamptz NOT NULL,
    direction text NOT NULL,
    entry numeric NOT NULL,
    stop numeric NOT NULL,
    target numeric NOT NULL,
    score numeric NOT NULL,
    components jsonb NOT NULL,
    confidence numeric,
    confidence_n integer NOT NULL DEFAULT 0,
    reason text NOT NULL,
    valid_until timestamptz NOT NULL,
    input_hash text NOT NULL,
    published_at timestamptz,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT signal_is_unique
    UNIQUE (origin, strategy_id, instrument_id, timeframe, close_at, direction),
    CONSTRAINT signal_origin_is_known CHECK (origin IN ('live', 'replay')),
    CONSTRAINT signal_direction_is_known CHECK (direction IN ('long', 'short')),
    CONSTRAINT stop_is_below_entry_for_long CHECK (direction <> 'long' OR stop < entry),
    CONSTRAINT target_is_above_entry_for_long CHECK (direction <> 'long' OR target > entry),
    CONSTRAINT stop_is_above_entry_for_short CHECK (direction <> 'short' OR stop > entry),
    CONSTRAINT target_is_below_entry_for_short CHECK (direction <> 'short' OR target < entry),
    CONSTRAINT levels_are_positive CHECK (entry > 0 AND stop > 0 AND target > 0),
    CONSTRAINT score_is_from_0_to_100 CHECK (score BETWEEN 0 AND 100),
    CONSTRAINT confidence_is_a_percentage CHECK (confidence BETWEEN 0 AND 100),
    CONSTRAINT signal_is_valid_after_its_close CHECK (valid_until > close_at),
    CONSTRAINT input_hash_is_sha256 CHECK (input_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT replays_are_never_published CHECK (origin = 'live' OR published_at IS NULL)
);
CREATE INDEX signals_by_close ON engine.signals (close_at DESC, signal_id DESC);
CREATE INDEX signals_by_instrument ON engine.signals (instrument_id, timeframe, close_at DESC);

-- One row per signal: exactly the bytes its score and levels were made from; input_hash is their sha256.
CREATE TABLE engine.signal_inputs (
    signal_id bigint PRIMARY KEY REFERENCES engine.signals,
    inputs text NOT NULL,
    CONSTRAINT inputs_are_json CHECK (jsonb_typeof(inputs::jsonb) = 'object')
);

-- One row per signal: where it stands after the base bars up to tracked_through. best_price and worst_price
-- are the most favourable and most adverse prices of the bars before the exit bar.
CREATE TABLE engine.outcomes (
    signal_id bigint PRIMARY KEY REFERENCES engine.signals,
    status text NOT NULL DEFAULT 'open',
    tracked_through timestamptz NOT NULL,
    fill_at timestamptz,
    fill_price double precision,
    best_price double precision,
    worst_price double precision,
    exit_at timestamptz,
    exit_price double precision,
    is_ambiguous boolean NOT NULL DEFAULT FALSE,
    gross_return_pct double precision,
    net_return_pct double precision,
    r_multiple double precision,
    net_r double precision,
    mfe_r double precision,
    mae_r double precision,
    CONSTRAINT status_is_known
    CHECK (status IN ('open', 'target_hit', 'stop_hit', 'expired', 'cancelled')),
    CONSTRAINT open_signals_have_no_exit CHECK (status <> 'open' OR exit_at IS NULL),
    CONSTRAINT hits_have_fill_and_exit CHECK (
        status NOT IN ('target_hit', 'stop_hit') OR (fill_price IS NOT NULL AND exit_price IS NOT NULL)
    ),
    CONSTRAINT exit_comes_with_its_returns CHECK ((exit_price IS NULL) = (r_multiple IS NULL)),
    CONSTRAINT only_stops_are_ambiguous CHECK (NOT is_ambiguous OR status = 'stop_hit'),
    CONSTRAINT excursions_enclose_zero CHECK (mfe_r >= 0 AND mae_r <= 0)
);
CREATE INDEX open_outcomes ON engine.outcomes (signal_id) WHERE status = 'open';
