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

-- ta.sum_since_state: ta.sum_since_step as an aggregate for our own compute.
-- Usage: (ta.sum_since_state(x, mark, seed) OVER (PARTITION BY instrument_id ORDER BY open_at))[2].
-- Parameters, warm-up, NULL, flat: as ta.sum_since_step.
-- TA-Lib: none.
CREATE OR REPLACE AGGREGATE ta.sum_since_state(x float8, mark float8, seed float8[]) (
    SFUNC = ta.sum_since_step,
    STYPE = float8[],
    PARALLEL = SAFE
);

-- ta.keep_step: the last values of a series, the oldest first: what a lag is where the series itself is a state.
-- Parameters: state = the values kept so far; x; size >= 1; seed as in ta.sum_since_step.
-- Warm-up: fewer values than `size` until there are so many.
-- Bounds: none.
-- NULL: a NULL is not kept.
-- Flat: as x.
-- TA-Lib: none.
CREATE OR REPLACE FUNCTION ta.keep_step(
    state float8[], x float8, size int, seed float8[] DEFAULT NULL
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    kept float8[] := coalesce(state, seed, '{}');
BEGIN
    RETURN CASE
        WHEN x IS NULL THEN kept
        WHEN cardinality(kept) < size THEN kept || x
        ELSE kept[2:] || x
    END;
END
$$;

-- ta.keep_state: ta.keep_step as an aggregate for our own compute.
-- Usage: ta.keep_state(x, size, seed) OVER (PARTITION BY instrument_id ORDER BY open_at).
-- Parameters, warm-up, NULL, flat: as ta.keep_step.
-- TA-Lib: none.
CREATE OR REPLACE AGGREGATE ta.keep_state(x float8, size int, seed float8[]) (
    SFUNC = ta.keep_step,
    STYPE = float8[],
    PARALLEL = SAFE
);

-- ta.greatest_of, ta.least_of: the extremes of a short array.
-- Formula: max and min over the elements.
-- Parameters: x, a few values.
-- Warm-up: none.
-- Bounds: those of x.
-- NULL: a NULL element is left out; no element gives NULL.
-- Flat: the value.
-- TA-Lib: none.
CREATE OR REPLACE FUNCTION ta.greatest_of(x float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    found float8;
    value float8;
BEGIN
    FOREACH value IN ARRAY coalesce(x, '{}') LOOP
        found := greatest(found, value);
    END LOOP;
    RETURN found;
END
$$;

CREATE OR REPLACE FUNCTION ta.least_of(x float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    found float8;
    value float8;
BEGIN
    FOREACH value IN ARRAY coalesce(x, '{}') LOOP
        found := least(found, value);
    END LOOP;
    RETURN found;
END
$$;
