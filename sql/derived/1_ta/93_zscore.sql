-- Family: z-score, the distance from the mean in standard deviations.
-- Author: common statistics.
-- Source: cinar/indicator (z_score); population deviation, as in Bollinger bands.
-- Read by: market.indicator_rows (ta.zscore_value), analysts (ta.zscore).
-- Units: standard deviations.

-- ta.zscore_value: z-score from mean and deviation of its window.
-- Formula: (x - mean) / deviation; 0 where the deviation is 0.
-- Parameters: x = the newest value; mean (avg), deviation (stddev_pop) of the last period values.
-- Warm-up: the caller's: a full window.
-- Bounds: -sqrt(period - 1) to sqrt(period - 1).
-- NULL: NULL where an argument is NULL.
-- Flat: 0. A deviation of at most 1e-13 of the mean is the rounding of equal values, not a spread, and so is one
--   below 1e-280.
-- TA-Lib: none; cinar/indicator (z_score).
CREATE OR REPLACE FUNCTION ta.zscore_value(x float8, mean float8, deviation float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN x IS NULL OR mean IS NULL THEN NULL::float8
        WHEN x = mean AND deviation IS NOT NULL OR deviation < 1e-280::float8 THEN 0.0::float8
        WHEN deviation / 1e-13::float8 <= abs(mean) THEN 0.0::float8
        ELSE (x - mean) / deviation
    END
$$;

-- ta.zscore_accumulate: state of ta.zscore: a window of period values.
CREATE OR REPLACE FUNCTION ta.zscore_accumulate(state float8[], x float8, period int) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.window_push(state, ARRAY[x], CASE WHEN period >= 2 THEN period END);
END
$$;

-- ta.zscore_result: the z-score of the newest value of a full window.
CREATE OR REPLACE FUNCTION ta.zscore_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    IF NOT ta.window_is_full(state) THEN
        RETURN NULL;
    END IF;
    RETURN (
        SELECT ta.zscore_value(state[cardinality(state)], avg(one.x), stddev_pop(one.x))
        FROM unnest(state[3:]) AS one (x)
    );
END
$$;

-- ta.zscore: distance from the moving average in standard deviations, for any table.
-- Usage: ta.zscore(close, 20) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first row.
-- Formula: ta.zscore_value with avg and stddev_pop of the last period values.
-- Parameters: x, up to about 1e150 in size (the deviation squares it); period >= 2 (the same on every row).
-- Warm-up: NULL until the period-th value.
-- Bounds: -sqrt(period - 1) to sqrt(period - 1).
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 2 gives NULL.
-- Flat: 0.
-- TA-Lib: none; cinar/indicator (z_score).
CREATE OR REPLACE AGGREGATE ta.zscore(x float8, period int) (
    SFUNC = ta.zscore_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.zscore_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);
