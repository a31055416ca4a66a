-- Purpose: where the rows of a relation lie: the hypertable beneath a continuous aggregate, which cannot be written to
--          by its own name, or the relation itself.
-- Units:   names, schema-qualified.
-- Read by: market.roll_up_range, bars/retention.py.
-- PL/pgSQL: what the other edition lacks is looked for only where it is.
CREATE OR REPLACE FUNCTION market.table_of(relation text)
RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    beneath text;
BEGIN
    IF to_regclass('timescaledb_information.continuous_aggregates') IS NULL THEN
        RETURN relation;
    END IF;
    SELECT format('%I.%I', a.materialization_hypertable_schema, a.materialization_hypertable_name)
    INTO beneath
    FROM timescaledb_information.continuous_aggregates AS a
    WHERE format('%s.%s', a.view_schema, a.view_name) = relation;
    RETURN COALESCE(beneath, relation);
END
$$;
