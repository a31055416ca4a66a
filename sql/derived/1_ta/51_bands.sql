-- Family: Bollinger bands.
-- Author: John Bollinger (early 1980s), Bollinger on Bollinger Bands (2001).
-- Source: TA-Lib 0.8; width and %b as DaveSkender/Stock.Indicators, which TA-Lib has not.
-- Read by: sql/queries/indicators (the …_value functions over avg and stddev_pop of a native frame), analysts.
-- Units: those of x; width and %b are plain fractions.

-- ta.bb_upper_value: upper Bollinger band (the lower one with the factor negated).
-- Formula: mean + factor * deviation.
-- Parameters: mean = avg of the frame; deviation = ta.stddev_value; factor.
-- Warm-up: the caller's: the frame must be full.
-- Bounds: >= mean for a factor >= 0.
-- NULL: NULL where an argument is NULL.
-- Flat: the mean.
-- TA-Lib: the last step of BBANDS.
CREATE OR REPLACE FUNCTION ta.bb_upper_value(mean float8, deviation float8, factor float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT mean + factor * deviation
$$;

-- ta.bb_width_value: distance of the Bollinger bands relative to their middle.
-- Formula: (upper - lower) / mean.
-- Parameters: as ta.bb_upper_value.
-- Warm-up: the caller's: the frame must be full.
-- Bounds: >= 0 for positive prices.
-- NULL: NULL where an argument is NULL or the mean is 0.
-- Flat: 0.
-- TA-Lib: none; DaveSkender/Stock.Indicators (Lean gives it times 100).
CREATE OR REPLACE FUNCTION ta.bb_width_value(mean float8, deviation float8, factor float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE WHEN mean <> 0.0::float8 THEN ((mean + factor * deviation) - (mean - factor * deviation)) / mean END
$$;

-- ta.bb_percent_value: place of x between the Bollinger bands (%b): 0 on the lower, 1 on the upper.
-- Formula: (x - lower) / (upper - lower).
-- Parameters: x of the bar; the others as ta.bb_upper_value.
-- Warm-up: the caller's: the frame must be full.
-- Bounds: none; below 0 and above 1 outside the bands.
-- NULL: NULL where an argument is NULL or the bands coincide.
-- Flat: undefined (NULL).
-- TA-Lib: none; DaveSkender/Stock.Indicators.
CREATE OR REPLACE FUNCTION ta.bb_percent_value(
    x float8, mean float8, deviation float8, factor float8
) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN mean + factor * deviation > mean - factor * deviation
            THEN (x - (mean - factor * deviation)) / ((mean + factor * deviation) - (mean - factor * deviation))
    END
$$;

-- ta.bb_accumulate: the window of the five Bollinger aggregates: {x, factor} a row.
CREATE OR REPLACE FUNCTION ta.bb_accumulate(
    state float8[], x float8, period int, factor float8
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.window_push(state, ARRAY[x, factor], period);
END
$$;

-- ta.bb_mean: mean of a full window's first column, oldest value first, as avg() OVER a native frame.
CREATE OR REPLACE FUNCTION ta.bb_mean(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN ta.window_is_full(state) THEN (SELECT avg(kept.x) FROM unnest(ta.window_column(state, 1)) AS kept (x))
    END;
END
$$;

-- ta.bb_upper_result, ta.bb_lower_result, ta.bb_width_result, ta.bb_percent_result: pick what is asked for. The
-- newest row of a window stands at its end: {…, x, factor}.
CREATE OR REPLACE FUNCTION ta.bb_upper_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.bb_upper_value(ta.bb_mean(state), ta.stddev_result(state), state[cardinality(state)]);
END
$$;

CREATE OR REPLACE FUNCTION ta.bb_lower_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.bb_upper_value(ta.bb_mean(state), ta.stddev_result(state), -state[cardinality(state)]);
END
$$;

CREATE OR REPLACE FUNCTION ta.bb_width_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.bb_width_value(ta.bb_mean(state), ta.stddev_result(state), state[cardinality(state)]);
END
$$;

CREATE OR REPLACE FUNCTION ta.bb_percent_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    size int := cardinality(state);
BEGIN
    RETURN ta.bb_percent_value(state[size - 1], ta.bb_mean(state), ta.stddev_result(state), state[size]);
END
$$;

-- ta.bb_middle: middle Bollinger band, for any table.
-- Usage: ta.bb_middle(close, 20, 2.0) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first
--   row.
-- Formula: mean of the last period values.
-- Parameters: x; period >= 2 for TA-Lib's values; factor of the standard deviation (both the same on every row).
-- Warm-up: NULL until the period-th value.
-- Bounds: within the least and the greatest of them.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 1 gives NULL.
-- Flat: x.
-- TA-Lib: BBANDS, second output.
CREATE OR REPLACE AGGREGATE ta.bb_middle(x float8, period int, factor float8) (
    SFUNC = ta.bb_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.bb_mean,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.bb_upper: upper Bollinger band, for any table.
-- Usage: ta.bb_upper(close, 20, 2.0) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first
--   row.
-- Formula: ta.bb_middle + factor * ta.stddev.
-- Parameters: x; period >= 2 for TA-Lib's values; factor of the standard deviation (both the same on every row).
-- Warm-up: NULL until the period-th value.
-- Bounds: >= ta.bb_middle for a factor >= 0.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 1 gives NULL.
-- Flat: x.
-- TA-Lib: BBANDS, first output.
CREATE OR REPLACE AGGREGATE ta.bb_upper(x float8, period int, factor float8) (
    SFUNC = ta.bb_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.bb_upper_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.bb_lower: lower Bollinger band, for any table.
-- Usage: ta.bb_lower(close, 20, 2.0) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first
--   row.
-- Formula: ta.bb_middle - factor * ta.stddev.
-- Parameters: x; period >= 2 for TA-Lib's values; factor of the standard deviation (both the same on every row).
-- Warm-up: NULL until the period-th value.
-- Bounds: <= ta.bb_middle for a factor >= 0.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 1 gives NULL.
-- Flat: x.
-- TA-Lib: BBANDS, third output.
CREATE OR REPLACE AGGREGATE ta.bb_lower(x float8, period int, factor float8) (
    SFUNC = ta.bb_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.bb_lower_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.bb_width: distance of the Bollinger bands relative to their middle, for any table.
-- Usage: ta.bb_width(close, 20, 2.0) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first
--   row.
-- Formula: (ta.bb_upper - ta.bb_lower) / ta.bb_middle.
-- Parameters: x; period >= 2 for TA-Lib's values; factor of the standard deviation (both the same on every row).
-- Warm-up: NULL until the period-th value.
-- Bounds: >= 0 for positive prices.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 1 gives NULL.
-- Flat: 0.
-- TA-Lib: none; DaveSkender/Stock.Indicators (Lean gives it times 100).
CREATE OR REPLACE AGGREGATE ta.bb_width(x float8, period int, factor float8) (
    SFUNC = ta.bb_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.bb_width_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.bb_percent: place of x between the Bollinger bands (%b), 0 on the lower and 1 on the upper, for any table.
-- Usage: ta.bb_percent(close, 20, 2.0) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first
--   row.
-- Formula: (x - ta.bb_lower) / (ta.bb_upper - ta.bb_lower).
-- Parameters: x; period >= 2 for TA-Lib's values; factor of the standard deviation (both the same on every row).
-- Warm-up: NULL until the period-th value.
-- Bounds: none; below 0 and above 1 outside the bands.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 1 gives NULL.
-- Flat: undefined (NULL): the bands coincide.
-- TA-Lib: none; DaveSkender/Stock.Indicators.
CREATE OR REPLACE AGGREGATE ta.bb_percent(x float8, period int, factor float8) (
    SFUNC = ta.bb_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.bb_percent_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);
