-- Purpose: drops and compresses old rows of a relation of bars or indicators, whatever the edition.
-- Grain:   drop_rows: one instrument's series of one base (of indicators: one timeframe). drop_chunks_before: whole
--          chunks. compress_chunk_of: one chunk. Units: rows, chunks.
-- Read by: bars/retention.py.
-- Constants in the text, not parameters: PostgreSQL leaves out chunks by them, and TimescaleDB unpacks only the
-- segments that they name.
-- The names of parameters stand beside columns of the same name:
-- noqa: disable=RF01,RF03
CREATE OR REPLACE FUNCTION market.series_column(relation text)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
SELECT CASE relation WHEN 'market.indicators' THEN 'timeframe' ELSE 'base_timeframe' END
$$;

-- Deletes the oldest rows before an instant, `most` of them at a time; how many there were.
CREATE OR REPLACE FUNCTION market.drop_rows(
    relation text, instrument_id integer, series text, before_at timestamptz, most integer
)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    series_filter constant text := format(
        '%s AS b WHERE b.instrument_id = %L AND b.%I = %L', market.table_of(relation), instrument_id,
        market.series_column(relation), series
    );
    slice_end timestamptz;
    dropped bigint;
BEGIN
    EXECUTE format(
        'SELECT b.open_at FROM %s AND b.open_at < %L ORDER BY b.open_at OFFSET %s LIMIT 1', series_filter, before_at, most
    ) INTO slice_end;
    EXECUTE format('DELETE FROM %s AND b.open_at < %L', series_filter, COALESCE(slice_end, before_at));
    GET DIAGNOSTICS dropped = ROW_COUNT;
    RETURN dropped;
END
$$;

-- Drops the chunks none of whose rows is kept: cuts says from when on, series by series; null: all are.
CREATE OR REPLACE FUNCTION market.drop_chunks_before(
    relation text, instrument_ids integer[], series text[], cuts timestamptz[]
)
RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    chunk record;
    is_kept boolean;
    dropped integer := 0;
BEGIN
    IF to_regclass('timescaledb_information.chunks') IS NULL THEN
        RETURN 0;
    END IF;
    FOR chunk IN
        SELECT c.range_start, c.range_end
        FROM timescaledb_information.chunks AS c
        WHERE format('%I.%I', c.hypertable_schema, c.hypertable_name) = market.table_of(relation)
            AND c.range_end <= (SELECT max(u.cut) FROM unnest(cuts) AS u (cut))
        ORDER BY c.range_start
    LOOP
        EXECUTE format(
            'SELECT EXISTS (SELECT 1 FROM unnest($1, $2, $3) AS u (instrument_id, series, cut) WHERE EXISTS ('
            'SELECT 1 FROM %s AS b WHERE b.instrument_id = u.instrument_id AND b.%I = u.series '
            'AND b.open_at >= %L AND b.open_at < %L AND b.open_at >= COALESCE(u.cut, %L)))',
            market.table_of(relation), market.series_column(relation), chunk.range_start, chunk.range_end,
            chunk.range_start
        ) INTO is_kept USING instrument_ids, series, cuts;
        IF NOT is_kept THEN
            PERFORM drop_chunks(relation::regclass, older_than => chunk.range_end, newer_than => chunk.range_start);
            dropped := dropped + 1;
        END IF;
    END LOOP;
    RETURN dropped;
END
$$;

-- The chunks that end by an instant and hold rows that stand outside columns, as far as TimescaleDB can tell.
CREATE OR REPLACE FUNCTION market.chunks_before(before_at timestamptz)
RETURNS TABLE (chunk text)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF to_regclass('timescaledb_information.chunks') IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT format('%I.%I', c.chunk_schema, c.chunk_name)
    FROM timescaledb_information.chunks AS c
    WHERE c.range_end <= before_at
        AND format('%I.%I', c.hypertable_schema, c.hypertable_name) IN (
            'market.bars', 'market.indicators', market.table_of('market.bars_5m'), market.table_of('market.bars_15m')
        )
    ORDER BY c.range_start, c.chunk_name;
END
$$;

-- Compresses a chunk, or the part of it that was written since; nothing where all of it is. Whether it was none before.
CREATE OR REPLACE FUNCTION market.compress_chunk_of(chunk text)
RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    is_first boolean;
BEGIN
    SELECT NOT c.is_compressed
    INTO is_first
    FROM timescaledb_information.chunks AS c
    WHERE format('%I.%I', c.chunk_schema, c.chunk_name) = chunk;
    PERFORM set_config('client_min_messages', 'warning', TRUE);
    PERFORM compress_chunk(chunk::regclass);
    RETURN COALESCE(is_first, FALSE);
END
$$;
