-- Family: sums that begin anew at the marks of a calendar.
-- Read by: our own store (on-balance volume, accumulation/distribution, the VWAP of a session).
-- Units: those of x.
-- Why marks: a sum since the first bar of all would change in every later row when one bar of long ago is corrected
-- or filled in; this one only up to the next mark.

-- ta.sum_since_step: the sum of x since the last mark, one bar further.
-- Formula: x where the mark is another one than the bar before had, else sum + x.
-- Parameters: state = {mark, sum} of the bar before; x; mark = the instant of the last mark in seconds; seed = state to
--   go on from where `state` is NULL (the first row of a resumed aggregate); NULL otherwise.
-- Warm-up: none.
-- Bounds: none.
-- NULL: x NULL counts as 0; mark NULL is a mark like any other: one sum over all.
-- Flat: as x.
-- TA-Lib: none.
CREATE OR REPLACE FUNCTION ta.sum_since_step(
    state float8[], x float8, mark float8, seed float8[] DEFAULT NULL
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN state IS NOT NULL AND state[1] IS NOT DISTINCT FROM mark
            THEN ARRAY[mark, state[2] + coalesce(x, 0.0::float8)]
        WHEN state IS NULL AND seed IS NOT NULL AND seed[1] IS NOT DISTINCT FROM mark
            THEN ARRAY[mark, seed[2] + coalesce(x, 0.0::float8)]
        ELSE ARRAY[mark, coalesce(x, 0.0::float8)]
    END;
END
$$;
