-- Purpose: rolls up one span of one instrument and base on TimescaleDB without a refresh, which would do so for all
--          instruments and bases and delete the rollups of those whose bars were dropped.
-- Units:   from_at and to_at lie on the grid of the level. Returns the number of buckets.
-- Read by: bars/rollups.py, for spans before anything that was dropped.
-- The aggregate's own definition (its direct view) makes the rows: the same formula, the same bits as a refresh.
CREATE OR REPLACE FUNCTION market.roll_up_range(
    level text, instrument_id integer, base_timeframe text, from_at timestamptz, to_at timestamptz
)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    relation constant text := 'market.bars_' || level;
    definition text;
    buckets bigint;
BEGIN
    SELECT format('%I.%I', a.direct_view_schema, a.direct_view_name)
    INTO STRICT definition
    FROM _timescaledb_catalog.continuous_agg AS a
    WHERE format('%s.%s', a.user_view_schema, a.user_view_name) = relation;
    EXECUTE format(
        'DELETE FROM %s AS b WHERE b.instrument_id = %L AND b.base_timeframe = %L AND b.open_at >= %L AND b.open_at < %L',
        market.table_of(relation), instrument_id, base_timeframe, from_at, to_at
    );
    EXECUTE format(
        'INSERT INTO %s (instrument_id, base_timeframe, open_at, open, high, low, close, volume, turnover, '
        'bar_count, filled_count, high_at, low_at, known_at) '
        'SELECT b.instrument_id, b.base_timeframe, b.open_at, b.open, b.high, b.low, b.close, b.volume, b.turnover, '
        'b.bar_count, b.filled_count, b.high_at, b.low_at, b.known_at FROM %s AS b '
        'WHERE b.instrument_id = %L AND b.base_timeframe = %L AND b.open_at >= %L AND b.open_at < %L',
        market.table_of(relation), definition, instrument_id, base_timeframe, from_at, to_at
    );
    GET DIAGNOSTICS buckets = ROW_COUNT;
    RETURN buckets;
END
$$;
