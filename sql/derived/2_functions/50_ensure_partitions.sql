-- Purpose: partitions of outbox.decisions, one a UTC day, made before they are needed and dropped after the retention.
-- Read by: outbox/publish.py and the daily upkeep. One process at a time: an advisory lock of the transaction.
CREATE OR REPLACE FUNCTION outbox.ensure_partitions(first_day date, last_day date) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    the_day date;
    made integer := 0;
BEGIN
    FOR the_day IN SELECT first_day + n FROM generate_series(0, last_day - first_day) AS n LOOP
        CONTINUE WHEN to_regclass('outbox.decisions_' || to_char(the_day, 'YYYYMMDD')) IS NOT NULL;
        PERFORM pg_advisory_xact_lock(hashtext('outbox.ensure_partitions'));
        EXECUTE format(
            'CREATE TABLE IF NOT EXISTS outbox.%I PARTITION OF outbox.decisions FOR VALUES FROM (%L) TO (%L)',
            'decisions_' || to_char(the_day, 'YYYYMMDD'), the_day, the_day + 1
        );
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;

CREATE OR REPLACE FUNCTION outbox.drop_partitions_before(first_kept_day date) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    old_partition record;
    dropped integer := 0;
BEGIN
    FOR old_partition IN
        SELECT c.relname
        FROM pg_catalog.pg_inherits AS h
        INNER JOIN pg_catalog.pg_class AS c ON h.inhrelid = c.oid
        WHERE h.inhparent = 'outbox.decisions'::regclass
            AND c.relname < 'decisions_' || to_char(first_kept_day, 'YYYYMMDD')
    LOOP
        EXECUTE format('DROP TABLE outbox.%I', old_partition.relname);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;
