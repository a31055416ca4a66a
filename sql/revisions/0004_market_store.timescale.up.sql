-- Purpose: TimescaleDB Community: old chunks of bars and indicators may be kept in columns. Nothing is compressed here
--          and no policy is made: bars/retention.py does it from the daily upkeep, as the settings say.
-- Grain:   a segment is one instrument's series, so that a late bar unpacks no more than its own.
-- Why the shorter chunks: only whole chunks are compressed and dropped; by default an aggregate's span 300 days.

ALTER TABLE market.bars SET (
    timescaledb.enable_columnstore = TRUE,
    timescaledb.segmentby = 'instrument_id, base_timeframe',
    timescaledb.orderby = 'open_at'
);
ALTER TABLE market.indicators SET (
    timescaledb.enable_columnstore = TRUE,
    timescaledb.segmentby = 'instrument_id, timeframe',
    timescaledb.orderby = 'open_at'
);
ALTER MATERIALIZED VIEW market.bars_5m SET (
    timescaledb.enable_columnstore = TRUE,
    timescaledb.segmentby = 'instrument_id, base_timeframe',
    timescaledb.orderby = 'open_at'
);
ALTER MATERIALIZED VIEW market.bars_15m SET (
    timescaledb.enable_columnstore = TRUE,
    timescaledb.segmentby = 'instrument_id, base_timeframe',
    timescaledb.orderby = 'open_at'
);
SELECT set_chunk_time_interval('market.bars_5m', INTERVAL '720 hours');
SELECT set_chunk_time_interval('market.bars_15m', INTERVAL '2160 hours');
