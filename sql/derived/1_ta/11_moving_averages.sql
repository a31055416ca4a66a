-- Family: simple and linearly weighted moving averages (SMA, WMA).
-- Author: older than their names.
-- Source: TA-Lib 0.8.
-- Read by: the indicator store (ta.wma_value on native frames), analysts (ta.sma, ta.wma), 12_regression.sql.
-- Units: those of x.
-- Computed from each window anew, never by a running sum: no rounding is carried from where the series begins.
-- PostgreSQL's own avg, stddev_pop and regr_sxy square what they see: |x| must stay below 1e150.

-- ta.window_of_one: state of the aggregates that keep the last `size` values of one column.
CREATE OR REPLACE FUNCTION ta.window_of_one(state float8[], x float8, size int) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.window_push(state, ARRAY[x], size);
END
$$;

-- ta.window_line: what a line through a window rests on: {mean, population deviation, sum of products of the
--   deviations of value and ordinal}; NULL unless the window is full. The same bits as avg(x), stddev_pop(x) and
--   regr_sxy(x, n) OVER (ROWS period - 1 PRECEDING): integer ordinals n may begin anywhere.
-- Parameters: state of ta.window_of_one.
-- NULL: a window that is not full gives NULL.
CREATE OR REPLACE FUNCTION ta.window_line(state float8[]) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN ta.window_is_full(state)
            THEN (
                SELECT ARRAY[avg(w.x), stddev_pop(w.x), regr_sxy(w.x, w.n)]
                FROM unnest(state[3:]) WITH ORDINALITY AS w (x, n)
            )
    END;
END
$$;

-- ta.sma_result: the mean of a full window; the bits of avg, which would square huge values.
CREATE OR REPLACE FUNCTION ta.sma_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    total float8 := 0.0::float8;
BEGIN
    FOR i IN 3 .. cardinality(state) LOOP
        total := total + state[i];
    END LOOP;
    RETURN CASE WHEN ta.window_is_full(state) THEN total / state[1] END;
END
$$;

-- ta.sma: simple moving average, for any table. avg(x) OVER (ROWS period - 1 PRECEDING) has the same bits without the
--   masks; our own compute uses that.
-- Usage: ta.sma(close, 20) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first row.
-- Formula: sum of the last `period` values / period.
-- Parameters: x; period >= 1 (the same on every row).
-- Warm-up: NULL until the period-th value.
-- Bounds: within the least and the greatest x of the window.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 1 gives NULL.
-- Flat: x, up to a rounding.
-- TA-Lib: SMA.
CREATE OR REPLACE AGGREGATE ta.sma(x float8, period int) (
    SFUNC = ta.window_of_one,
    STYPE = float8[],
    FINALFUNC = ta.sma_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.wma_value: the linearly weighted mean of a window, from its mean and its co-deviation with the ordinal.
-- Formula: mean + 2 * sxy / (period * (period + 1)); that is sum(i * x[i]) / sum(i) with i = 1 at the oldest.
-- Parameters: mean = avg(x), sxy = regr_sxy(x, n), both over the last `period` rows; period >= 1.
-- Warm-up: the caller's: meaningful from value `period` on.
-- Bounds: within the least and the greatest x of the window.
-- NULL: NULL where an argument is NULL; period < 1 gives NULL.
-- Flat: x, up to a rounding.
-- TA-Lib: WMA.
CREATE OR REPLACE FUNCTION ta.wma_value(mean float8, sxy float8, period int) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN period >= 1 AND abs(sxy) < 1e-280::float8 THEN mean
        WHEN period >= 1 THEN mean + 2.0::float8 * sxy / (period::float8 * (period::float8 + 1.0::float8))
    END
$$;

-- ta.wma_result: ta.wma_value of a full window.
CREATE OR REPLACE FUNCTION ta.wma_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    line float8[] := ta.window_line(state);
BEGIN
    RETURN ta.wma_value(line[1], line[3], state[1]::int);
END
$$;

-- ta.wma: linearly weighted moving average, for any table.
-- Usage: ta.wma(close, 20) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first row.
-- Formula: ta.wma_value.
-- Parameters: x; period >= 1 (the same on every row).
-- Warm-up: NULL until the period-th value.
-- Bounds: within the least and the greatest x of the window.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 1 gives NULL.
-- Flat: x, up to a rounding.
-- TA-Lib: WMA. (cinar/indicator gives the oldest value the greatest weight: it is not followed.)
CREATE OR REPLACE AGGREGATE ta.wma(x float8, period int) (
    SFUNC = ta.window_of_one,
    STYPE = float8[],
    FINALFUNC = ta.wma_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);
