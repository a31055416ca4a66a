-- Family: pivot points of the UTC day before, as aggregates for analysts; the arithmetic stands in 90_pivots.sql.
-- Author: floor traders' arithmetic, no single author.
-- Source: the formulas of Stock.Indicators (DaveSkender), pivot-points, Standard and Fibonacci.
-- Read by: analysts.
-- Units: those of the price.

-- ta.pivot_accumulate: state of ta.pivot: {bars seen, level, then the state of ta.pivot_step}.
CREATE OR REPLACE FUNCTION ta.pivot_accumulate(
    state float8[], high float8, low float8, close float8, day date, level int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN high IS NULL OR low IS NULL OR close IS NULL OR day IS NULL THEN state
        ELSE ARRAY[state[1] + 1.0::float8, level::float8]
            || ta.pivot_step(state[3:9], high, low, close, day, state[1]::bigint + 1)
    END;
END
$$;

-- ta.pivot_point_accumulate: ta.pivot_accumulate without a level.
CREATE OR REPLACE FUNCTION ta.pivot_point_accumulate(
    state float8[], high float8, low float8, close float8, day date
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.pivot_accumulate(state, high, low, close, day, 0);
END
$$;

-- ta.pivot_result: the pivot point out of the state.
CREATE OR REPLACE FUNCTION ta.pivot_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.pivot_value(state[7], state[8], state[9]);
END
$$;

-- ta.pivot_r_result: the classic resistance out of the state.
CREATE OR REPLACE FUNCTION ta.pivot_r_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.pivot_r_value(state[7], state[8], state[9], state[2]::int);
END
$$;

-- ta.pivot_s_result: the classic support out of the state.
CREATE OR REPLACE FUNCTION ta.pivot_s_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.pivot_s_value(state[7], state[8], state[9], state[2]::int);
END
$$;

-- ta.fibonacci_r_result: the Fibonacci resistance out of the state.
CREATE OR REPLACE FUNCTION ta.fibonacci_r_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.fibonacci_r_value(state[7], state[8], state[9], state[2]::int);
END
$$;

-- ta.fibonacci_s_result: the Fibonacci support out of the state.
CREATE OR REPLACE FUNCTION ta.fibonacci_s_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.fibonacci_s_value(state[7], state[8], state[9], state[2]::int);
END
$$;

-- ta.pivot: pivot point of the day before, for any table.
-- Usage: ta.pivot(high, low, close, (open_at AT TIME ZONE 'UTC')::date) OVER (PARTITION BY symbol ORDER BY
--   open_at). The frame must begin at the first row.
-- Formula: ta.pivot_value of high, low and close of the last earlier day that has a bar.
-- Parameters: high, low, close; day of the bar.
-- Warm-up: NULL throughout the first day.
-- Bounds: within the range of the day before.
-- NULL: a row with a NULL is skipped: it counts for nothing and shows the value so far.
-- Flat: the price.
-- TA-Lib: none; Stock.Indicators (pivot-points, Standard).
CREATE OR REPLACE AGGREGATE ta.pivot(high float8, low float8, close float8, day date) (
    SFUNC = ta.pivot_point_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.pivot_result,
    INITCOND = '{0}',
    PARALLEL = SAFE
);

-- ta.pivot_r: classic resistance 1 to 3 of the day before, for any table.
-- Usage: ta.pivot_r(high, low, close, (open_at AT TIME ZONE 'UTC')::date, 1) OVER (PARTITION BY symbol ORDER BY
--   open_at). The frame must begin at the first row.
-- Formula: ta.pivot_r_value of high, low and close of the last earlier day that has a bar.
-- Parameters: high, low, close; day of the bar; level 1 to 3 (the same on every row).
-- Warm-up: NULL throughout the first day.
-- Bounds: >= the pivot point.
-- NULL: a row with a NULL is skipped: it counts for nothing and shows the value so far; another level gives NULL.
-- Flat: the price.
-- TA-Lib: none; Stock.Indicators (pivot-points, Standard).
CREATE OR REPLACE AGGREGATE ta.pivot_r(high float8, low float8, close float8, day date, level int) (
    SFUNC = ta.pivot_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.pivot_r_result,
    INITCOND = '{0}',
    PARALLEL = SAFE
);

-- ta.pivot_s: classic support 1 to 3 of the day before, for any table.
-- Usage: ta.pivot_s(high, low, close, (open_at AT TIME ZONE 'UTC')::date, 1) OVER (PARTITION BY symbol ORDER BY
--   open_at). The frame must begin at the first row.
-- Formula: ta.pivot_s_value of high, low and close of the last earlier day that has a bar.
-- Parameters: high, low, close; day of the bar; level 1 to 3 (the same on every row).
-- Warm-up: NULL throughout the first day.
-- Bounds: <= the pivot point; may turn negative.
-- NULL: a row with a NULL is skipped: it counts for nothing and shows the value so far; another level gives NULL.
-- Flat: the price.
-- TA-Lib: none; Stock.Indicators (pivot-points, Standard).
CREATE OR REPLACE AGGREGATE ta.pivot_s(high float8, low float8, close float8, day date, level int) (
    SFUNC = ta.pivot_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.pivot_s_result,
    INITCOND = '{0}',
    PARALLEL = SAFE
);

-- ta.fibonacci_r: Fibonacci resistance 1 to 3 of the day before, for any table.
-- Usage: ta.fibonacci_r(high, low, close, (open_at AT TIME ZONE 'UTC')::date, 1) OVER (PARTITION BY symbol ORDER
--   BY open_at). The frame must begin at the first row.
-- Formula: ta.fibonacci_r_value of high, low and close of the last earlier day that has a bar.
-- Parameters: high, low, close; day of the bar; level 1 to 3 (the same on every row).
-- Warm-up: NULL throughout the first day.
-- Bounds: >= the pivot point.
-- NULL: a row with a NULL is skipped: it counts for nothing and shows the value so far; another level gives NULL.
-- Flat: the price.
-- TA-Lib: none; Stock.Indicators (pivot-points, Fibonacci).
CREATE OR REPLACE AGGREGATE ta.fibonacci_r(high float8, low float8, close float8, day date, level int) (
    SFUNC = ta.pivot_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.fibonacci_r_result,
    INITCOND = '{0}',
    PARALLEL = SAFE
);

-- ta.fibonacci_s: Fibonacci support 1 to 3 of the day before, for any table.
-- Usage: ta.fibonacci_s(high, low, close, (open_at AT TIME ZONE 'UTC')::date, 1) OVER (PARTITION BY symbol ORDER
--   BY open_at). The frame must begin at the first row.
-- Formula: ta.fibonacci_s_value of high, low and close of the last earlier day that has a bar.
-- Parameters: high, low, close; day of the bar; level 1 to 3 (the same on every row).
-- Warm-up: NULL throughout the first day.
-- Bounds: <= the pivot point; may turn negative.
-- NULL: a row with a NULL is skipped: it counts for nothing and shows the value so far; another level gives NULL.
-- Flat: the price.
-- TA-Lib: none; Stock.Indicators (pivot-points, Fibonacci).
CREATE OR REPLACE AGGREGATE ta.fibonacci_s(high float8, low float8, close float8, day date, level int) (
    SFUNC = ta.pivot_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.fibonacci_s_result,
    INITCOND = '{0}',
    PARALLEL = SAFE
);
