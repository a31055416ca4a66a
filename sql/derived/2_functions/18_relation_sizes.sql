-- Purpose: how big the relations that hold data are.
-- Grain:   one row per table of ours, a partitioned one as a whole, and per rollup. Units: rows counted where
--          they are fewer than 100,000, else as the server's statistics estimate them; bytes on disk with indexes;
--          compression_ratio: bytes before compression by bytes after it, of what is compressed; null where nothing is.
-- Read by: `signalhub db size`.
-- PL/pgSQL: what the other edition lacks is looked for only where it is.
CREATE OR REPLACE FUNCTION market.relation_sizes()
RETURNS TABLE (relation text, row_count bigint, bytes bigint, compression_ratio double precision)
LANGUAGE plpgsql
AS $$
DECLARE
    has_hypertables constant boolean := to_regclass('timescaledb_information.hypertables') IS NOT NULL;
    item record;
    is_hypertable boolean;
BEGIN
    FOR item IN
        SELECT
            format('%I.%I', n.nspname, c.relname) AS name,
            market.table_of(format('%s.%s', n.nspname, c.relname)) AS place
        FROM pg_class AS c
        INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
        WHERE n.nspname IN ('market', 'engine', 'account', 'outbox')
            AND NOT c.relispartition
            AND (
                c.relkind IN ('r', 'p')
                OR (c.relkind = 'v' AND market.table_of(format('%s.%s', n.nspname, c.relname)) LIKE '\_timescaledb%')
            )
    LOOP
        relation := item.name;
        compression_ratio := NULL;
        is_hypertable := FALSE;
        IF has_hypertables THEN
            -- The table beneath an aggregate is not among the hypertables that are shown.
            SELECT item.place <> item.name OR count(*) > 0
            INTO is_hypertable
            FROM timescaledb_information.hypertables AS h
            WHERE format('%I.%I', h.hypertable_schema, h.hypertable_name) = item.place;
        END IF;
        IF is_hypertable THEN
            bytes := hypertable_size(item.place::regclass);
            row_count := approximate_row_count(item.place::regclass);
            SELECT
                sum(s.before_compression_total_bytes)::double precision
                / NULLIF(sum(s.after_compression_total_bytes), 0)::double precision
            INTO compression_ratio
            FROM hypertable_compression_stats(item.place::regclass) AS s;
        ELSE
            SELECT
                sum(pg_total_relation_size(p.relid))::bigint,
                CASE WHEN min(c.reltuples) >= 0 THEN sum(c.reltuples)::bigint END
            INTO bytes, row_count
            FROM pg_partition_tree(item.place::regclass) AS p
            INNER JOIN pg_class AS c ON p.relid = c.oid
            WHERE p.isleaf;
            IF bytes IS NULL THEN
                SELECT pg_total_relation_size(c.oid), CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END
                INTO bytes, row_count
                FROM pg_class AS c
                WHERE c.oid = item.place::regclass;
            END IF;
        END IF;
        IF COALESCE(row_count < 100000, TRUE) THEN
            EXECUTE format('SELECT count(*) FROM %s', item.place) INTO row_count;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
