-- Family: standard deviation of a kept window.
-- Author: Karl Pearson (1894).
-- Source: TA-Lib 0.8.
-- Read by: sql/queries/indicators (ta.stddev_value over avg and stddev_pop of a native frame), analysts (ta.stddev),
--   51_bands.sql.
-- Units: those of x.

-- ta.squares_of_four: the sum of four squares: how far the means of four parts of a window lie from that of all.
-- Formula: a * a + b * b + c * c + d * d.
-- Parameters: a, b, c, d, distances.
-- Warm-up: none.
-- Bounds: >= 0.
-- NULL: NULL.
-- Flat: 0.
-- TA-Lib: none.
CREATE OR REPLACE FUNCTION ta.squares_of_four(a float8, b float8, c float8, d float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT a * a + b * b + c * c + d * d
$$;

-- ta.stddev_value: a standard deviation without rounding noise.
-- Formula: deviation; 0 where it is at most 1e-14 * abs(mean), which is what equal values leave behind.
-- Parameters: mean, deviation: avg and stddev_pop of the same frame.
-- Warm-up: the caller's: the frame must be full.
-- Bounds: >= 0.
-- NULL: NULL where an argument is NULL.
-- Flat: 0.
-- TA-Lib: the last step of STDDEV and BBANDS.
CREATE OR REPLACE FUNCTION ta.stddev_value(mean float8, deviation float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN deviation > 1e-14::float8 * abs(mean) THEN deviation
        WHEN deviation <= 1e-14::float8 * abs(mean) THEN 0.0::float8
    END
$$;

-- ta.stddev_result: standard deviation of a full window's first column.
CREATE OR REPLACE FUNCTION ta.stddev_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN ta.window_is_full(state)
            THEN (
                SELECT ta.stddev_value(avg(kept.x), stddev_pop(kept.x))
                FROM unnest(ta.window_column(state, 1)) AS kept (x)
            )
    END;
END
$$;

-- ta.stddev: standard deviation of the last period values, for any table.
-- Usage: ta.stddev(close, 20) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first
--   row.
-- Formula: sqrt(mean of the squared distances from the mean), over period (the population).
-- Parameters: x; period >= 2 for TA-Lib's values (the same on every row).
-- Warm-up: NULL until the period-th value.
-- Bounds: >= 0.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 1 gives NULL.
-- Flat: 0.
-- TA-Lib: STDDEV with nbdev 1.
CREATE OR REPLACE AGGREGATE ta.stddev(x float8, period int) (
    SFUNC = ta.window_of_one,
    STYPE = float8[],
    FINALFUNC = ta.stddev_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);
