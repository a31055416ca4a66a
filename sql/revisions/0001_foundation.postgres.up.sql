-- Purpose: PostgreSQL without continuous aggregates: the same relations as plain tables, rolled up
--          incrementally by bars/rollups.py.
-- Grain:   one row per (instrument, base timeframe, bucket).

CREATE TABLE market.bars_5m (
    instrument_id integer NOT NULL,
    base_timeframe text NOT NULL,
    open_at timestamptz NOT NULL,
    open double precision NOT NULL,
    high double precision NOT NULL,
    low double precision NOT NULL,
    close double precision NOT NULL,
    volume double precision NOT NULL,
    turnover double precision NOT NULL,
    bar_count integer NOT NULL,
    filled_count integer NOT NULL,
    high_at timestamptz NOT NULL,
    low_at timestamptz NOT NULL,
    known_at timestamptz NOT NULL,
    PRIMARY KEY (instrument_id, base_timeframe, open_at)
);

CREATE TABLE market.bars_15m (
    instrument_id integer NOT NULL,
    base_timeframe text NOT NULL,
    open_at timestamptz NOT NULL,
    open double precision NOT NULL,
    high double precision NOT NULL,
    low double precision NOT NULL,
    close double precision NOT NULL,
    volume double precision NOT NULL,
    turnover double precision NOT NULL,
    bar_count integer NOT NULL,
    filled_count integer NOT NULL,
    high_at timestamptz NOT NULL,
    low_at timestamptz NOT NULL,
    known_at timestamptz NOT NULL,
    PRIMARY KEY (instrument_id, base_timeframe, open_at)
);

CREATE TABLE market.bars_1h (
    instrument_id integer NOT NULL,
    base_timeframe text NOT NULL,
    open_at timestamptz NOT NULL,
    open double precision NOT NULL,
    high double precision NOT NULL,
    low double precision NOT NULL,
    close double precision NOT NULL,
    volume double precision NOT NULL,
    turnover double precision NOT NULL,
    bar_count integer NOT NULL,
    filled_count integer NOT NULL,
    high_at timestamptz NOT NULL,
    low_at timestamptz NOT NULL,
    known_at timestamptz NOT NULL,
    PRIMARY KEY (instrument_id, base_timeframe, open_at)
);

CREATE TABLE market.bars_4h (
    instrument_id integer NOT NULL,
    base_timeframe text NOT NULL,
    open_at timestamptz NOT NULL,
    open double precision NOT NULL,
    high double precision NOT NULL,
    low double precision NOT NULL,
    close double precision NOT NULL,
    volume double precision NOT NULL,
    turnover double precision NOT NULL,
    bar_count integer NOT NULL,
    filled_count integer NOT NULL,
    high_at timestamptz NOT NULL,
    low_at timestamptz NOT NULL,
    known_at timestamptz NOT NULL,
    PRIMARY KEY (instrument_id, base_timeframe, open_at)
);

CREATE TABLE market.bars_1d (
    instrument_id integer NOT NULL,
    base_timeframe text NOT NULL,
    open_at timestamptz NOT NULL,
    open double precision NOT NULL,
    high double precision NOT NULL,
    low double precision NOT NULL,
    close double precision NOT NULL,
    volume double precision NOT NULL,
    turnover double precision NOT NULL,
    bar_count integer NOT NULL,
    filled_count integer NOT NULL,
    high_at timestamptz NOT NULL,
    low_at timestamptz NOT NULL,
    known_at timestamptz NOT NULL,
    PRIMARY KEY (instrument_id, base_timeframe, open_at)
);
