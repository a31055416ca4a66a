-- Family: what rolling indicators read from a kept window (05_window.sql): sum and extremes of its newest rows.
-- Read by: rolling aggregates of this schema (31_stochastic.sql, 32_williams_r.sql, 36_ultimate.sql, 37_mfi.sql,
--   39_awesome.sql). Our own store writes its frames out instead.
-- Units: those of what was pushed.
-- Loops over subscripts: a subquery over unnest(ta.window_column(…)) takes ten times as long.

-- ta.window_sum: sum of the newest values of a column of a window, the oldest of them first: the bits of
--   sum(x) OVER (… ROWS size - 1 PRECEDING).
-- Parameters: state of ta.window_push; number of the column, from 1; size = rows to read, all if there are fewer.
-- NULL: 0 for an empty window or size < 1.
CREATE OR REPLACE FUNCTION ta.window_sum(state float8[], number int, size int) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    width int := coalesce(state[2], 1.0::float8);
    total float8 := 0.0::float8;
BEGIN
    FOR place IN greatest(2, cardinality(state) - width * size) + number .. cardinality(state) BY width LOOP
        total := total + state[place];
    END LOOP;
    RETURN total;
END
$$;

-- ta.window_highest: greatest of the newest values of a column of a window.
-- Parameters: as ta.window_sum.
-- NULL: NULL for an empty window or size < 1.
CREATE OR REPLACE FUNCTION ta.window_highest(state float8[], number int, size int) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    width int := coalesce(state[2], 1.0::float8);
    highest float8;
BEGIN
    FOR place IN greatest(2, cardinality(state) - width * size) + number .. cardinality(state) BY width LOOP
        highest := greatest(highest, state[place]);
    END LOOP;
    RETURN highest;
END
$$;

-- ta.window_lowest: least of the newest values of a column of a window.
-- Parameters: as ta.window_sum.
-- NULL: NULL for an empty window or size < 1.
CREATE OR REPLACE FUNCTION ta.window_lowest(state float8[], number int, size int) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    width int := coalesce(state[2], 1.0::float8);
    lowest float8;
BEGIN
    FOR place IN greatest(2, cardinality(state) - width * size) + number .. cardinality(state) BY width LOOP
        lowest := least(lowest, state[place]);
    END LOOP;
    RETURN lowest;
END
$$;
