-- Purpose: everything back in rows; chunks that are made from now on span what they did before.

SELECT decompress_chunk(format('%I.%I', c.chunk_schema, c.chunk_name)::regclass, if_compressed => TRUE)
FROM timescaledb_information.chunks AS c
WHERE c.is_compressed
    AND (
        (c.hypertable_schema = 'market' AND c.hypertable_name IN ('bars', 'indicators'))
        OR EXISTS (
            SELECT 1 FROM timescaledb_information.continuous_aggregates AS a
            WHERE a.view_schema = 'market' AND a.materialization_hypertable_name = c.hypertable_name
        )
    );
ALTER MATERIALIZED VIEW market.bars_15m SET (timescaledb.enable_columnstore = FALSE);
ALTER MATERIALIZED VIEW market.bars_5m SET (timescaledb.enable_columnstore = FALSE);
ALTER TABLE market.indicators SET (timescaledb.enable_columnstore = FALSE);
ALTER TABLE market.bars SET (timescaledb.enable_columnstore = FALSE);
SELECT set_chunk_time_interval('market.bars_15m', INTERVAL '7200 hours');
SELECT set_chunk_time_interval('market.bars_5m', INTERVAL '7200 hours');
