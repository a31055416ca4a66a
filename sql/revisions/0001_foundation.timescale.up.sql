-- Purpose: TimescaleDB Community: bars and indicators as hypertables, rollups as hierarchical continuous
--          aggregates. They are materialized only and have no policies: bars/rollups.py refreshes exactly
--          the dirty ranges.
-- Grain:   one row per (instrument, base timeframe, bucket).
-- Why the ordered aggregates: float sums depend on the order; ordered, both editions give the same bits.

SELECT create_hypertable('market.bars', by_range('open_at', INTERVAL '30 days'), create_default_indexes => FALSE);
SELECT create_hypertable('market.indicators', by_range('open_at', INTERVAL '90 days'), create_default_indexes => FALSE);

CREATE MATERIALIZED VIEW market.bars_5m
WITH (timescaledb.continuous, timescaledb.materialized_only = TRUE, timescaledb.create_group_indexes = FALSE) AS
SELECT
    instrument_id,
    base_timeframe,
    time_bucket(INTERVAL '5 minutes', open_at) AS open_at,
    first(open, open_at) AS open,
    max(high) AS high,
    min(low) AS low,
    last(close, open_at) AS close,
    sum(volume ORDER BY open_at) AS volume,
    sum(coalesce(turnover, volume * (high + low + close) / 3.0::double precision) ORDER BY open_at) AS turnover,
    sum(bar_count)::integer AS bar_count,
    sum(filled_count)::integer AS filled_count,
    (array_agg(high_at ORDER BY high DESC, open_at))[1] AS high_at,
    (array_agg(low_at ORDER BY low, open_at))[1] AS low_at,
    max(known_at) AS known_at
FROM market.bars
GROUP BY 1, 2, 3
WITH NO DATA;
CREATE INDEX bars_5m_by_instrument ON market.bars_5m (instrument_id, base_timeframe, open_at);

CREATE MATERIALIZED VIEW market.bars_15m
WITH (timescaledb.continuous, timescaledb.materialized_only = TRUE, timescaledb.create_group_indexes = FALSE) AS
SELECT
    instrument_id,
    base_timeframe,
    time_bucket(INTERVAL '15 minutes', open_at) AS open_at,
    first(open, open_at) AS open,
    max(high) AS high,
    min(low) AS low,
    last(close, open_at) AS close,
    sum(volume ORDER BY open_at) AS volume,
    sum(turnover ORDER BY open_at) AS turnover,
    sum(bar_count)::integer AS bar_count,
    sum(filled_count)::integer AS filled_count,
    (array_agg(high_at ORDER BY high DESC, open_at))[1] AS high_at,
    (array_agg(low_at ORDER BY low, open_at))[1] AS low_at,
    max(known_at) AS known_at
FROM market.bars_5m
GROUP BY 1, 2, 3
WITH NO DATA;
CREATE INDEX bars_15m_by_instrument ON market.bars_15m (instrument_id, base_timeframe, open_at);

CREATE MATERIALIZED VIEW market.bars_1h
WITH (timescaledb.continuous, timescaledb.materialized_only = TRUE, timescaledb.create_group_indexes = FALSE) AS
SELECT
    instrument_id,
    base_timeframe,
    time_bucket(INTERVAL '1 hour', open_at) AS open_at,
    first(open, open_at) AS open,
    max(high) AS high,
    min(low) AS low,
    last(close, open_at) AS close,
    sum(volume ORDER BY open_at) AS volume,
    sum(turnover ORDER BY open_at) AS turnover,
    sum(bar_count)::integer AS bar_count,
    sum(filled_count)::integer AS filled_count,
    (array_agg(high_at ORDER BY high DESC, open_at))[1] AS high_at,
    (array_agg(low_at ORDER BY low, open_at))[1] AS low_at,
    max(known_at) AS known_at
FROM market.bars_15m
GROUP BY 1, 2, 3
WITH NO DATA;
CREATE INDEX bars_1h_by_instrument ON market.bars_1h (instrument_id, base_timeframe, open_at);

CREATE MATERIALIZED VIEW market.bars_4h
WITH (timescaledb.continuous, timescaledb.materialized_only = TRUE, timescaledb.create_group_indexes = FALSE) AS
SELECT
    instrument_id,
    base_timeframe,
    time_bucket(INTERVAL '4 hours', open_at) AS open_at,
    first(open, open_at) AS open,
    max(high) AS high,
    min(low) AS low,
    last(close, open_at) AS close,
    sum(volume ORDER BY open_at) AS volume,
    sum(turnover ORDER BY open_at) AS turnover,
    sum(bar_count)::integer AS bar_count,
    sum(filled_count)::integer AS filled_count,
    (array_agg(high_at ORDER BY high DESC, open_at))[1] AS high_at,
    (array_agg(low_at ORDER BY low, open_at))[1] AS low_at,
    max(known_at) AS known_at
FROM market.bars_1h
GROUP BY 1, 2, 3
WITH NO DATA;
CREATE INDEX bars_4h_by_instrument ON market.bars_4h (instrument_id, base_timeframe, open_at);

CREATE MATERIALIZED VIEW market.bars_1d
WITH (timescaledb.continuous, timescaledb.materialized_only = TRUE, timescaledb.create_group_indexes = FALSE) AS
SELECT
    instrument_id,
    base_timeframe,
    time_bucket(INTERVAL '24 hours', open_at) AS open_at,
    first(open, open_at) AS open,
    max(high) AS high,
    min(low) AS low,
    last(close, open_at) AS close,
    sum(volume ORDER BY open_at) AS volume,
    sum(turnover ORDER BY open_at) AS turnover,
    sum(bar_count)::integer AS bar_count,
    sum(filled_count)::integer AS filled_count,
    (array_agg(high_at ORDER BY high DESC, open_at))[1] AS high_at,
    (array_agg(low_at ORDER BY low, open_at))[1] AS low_at,
    max(known_at) AS known_at
FROM market.bars_4h
GROUP BY 1, 2, 3
WITH NO DATA;
CREATE INDEX bars_1d_by_instrument ON market.bars_1d (instrument_id, base_timeframe, open_at);
