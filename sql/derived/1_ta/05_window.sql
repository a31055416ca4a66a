-- Family: kept windows, for the rolling indicators of analysts' own queries.
-- Read by: the rolling aggregates of this schema. Our own store writes its frames out instead.
-- Units: those of what is pushed.
-- A window is one array: {size, width, values row by row, the oldest row first}. It costs a copy per bar, which no
-- analyst notices; in exchange every indicator works OVER (ORDER BY …) without a frame to get wrong.

-- ta.window_push: a window one row further; the oldest row leaves a full one.
-- Parameters: state as this function made it, or '{}'; row of the same width each time; size >= 1 in rows.
-- NULL: a row that holds a NULL changes nothing; size < 1 leaves the window empty.
CREATE OR REPLACE FUNCTION ta.window_push(state float8[], new_row float8[], size int) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    width int := cardinality(new_row);
BEGIN
    RETURN CASE
        WHEN size IS NULL OR size < 1 OR array_position(new_row, NULL) IS NOT NULL THEN state
        WHEN cardinality(state) = 0 THEN ARRAY[size::float8, width::float8] || new_row
        WHEN cardinality(state) < 2 + size * width THEN state || new_row
        ELSE state[1:2] || state[3 + width:] || new_row
    END;
END
$$;

-- ta.window_column: one column of a window, the oldest value first.
-- Parameters: state of ta.window_push; number of the column, from 1.
-- NULL: an empty window has empty columns.
CREATE OR REPLACE FUNCTION ta.window_column(state float8[], number int) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    IF state[2] = 1.0::float8 THEN
        RETURN state[3:];
    END IF;
    RETURN ARRAY(
        SELECT state[place]
        FROM generate_series(2 + number, cardinality(state), coalesce(state[2], 1.0::float8)::int) AS places (place)
    );
END
$$;

-- ta.window_is_full: whether a window holds as many rows as it is for.
-- NULL: an empty window is not full.
CREATE OR REPLACE FUNCTION ta.window_is_full(state float8[]) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN cardinality(state) > 2 AND cardinality(state)::float8 = 2.0::float8 + state[1] * state[2];
END
$$;
