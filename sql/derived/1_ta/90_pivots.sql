-- Family: pivot points, classic and Fibonacci, of the UTC day before.
-- Author: floor traders' arithmetic, no single author.
-- Source: the formulas of Stock.Indicators (DaveSkender), pivot-points, Standard and Fibonacci.
-- Read by: market.indicator_rows (ta.pivot_step, ta.pivot_state, the _value functions), analysts (ta.pivot,
--   ta.pivot_r, ta.pivot_s, ta.fibonacci_r, ta.fibonacci_s).
-- Units: those of the price.
-- "The day before" is the last earlier UTC day that has a bar: Friday, on a Monday of stocks.

-- ta.pivot_value: the pivot point of a day.
-- Formula: (high + low + close) / 3.
-- Parameters: high, low, close of the day before.
-- Warm-up: none.
-- Bounds: low to high.
-- NULL: NULL where an argument is NULL.
-- Flat: the price.
-- TA-Lib: none; Stock.Indicators (pivot-points, Standard).
CREATE OR REPLACE FUNCTION ta.pivot_value(high float8, low float8, close float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT (high + low + close) / 3.0::float8
$$;

-- ta.pivot_r_value: a classic resistance.
-- Formula: with p = ta.pivot_value: level 1: 2 p - low; level 2: p + (high - low); level 3: high + 2 (p - low).
-- Parameters: high, low, close of the day before; level 1 to 3.
-- Warm-up: none.
-- Bounds: >= the pivot point.
-- NULL: NULL where an argument is NULL, and for another level.
-- Flat: the price.
-- TA-Lib: none; Stock.Indicators (pivot-points, Standard).
CREATE OR REPLACE FUNCTION ta.pivot_r_value(high float8, low float8, close float8, level int) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE level
        WHEN 1 THEN 2.0::float8 * ta.pivot_value(high, low, close) - low
        WHEN 2 THEN ta.pivot_value(high, low, close) + (high - low)
        WHEN 3 THEN high + 2.0::float8 * (ta.pivot_value(high, low, close) - low)
    END
$$;

-- ta.pivot_s_value: a classic support.
-- Formula: with p = ta.pivot_value: level 1: 2 p - high; level 2: p - (high - low); level 3: low - 2 (high - p).
-- Parameters: high, low, close of the day before; level 1 to 3.
-- Warm-up: none.
-- Bounds: <= the pivot point; may turn negative.
-- NULL: NULL where an argument is NULL, and for another level.
-- Flat: the price.
-- TA-Lib: none; Stock.Indicators (pivot-points, Standard).
CREATE OR REPLACE FUNCTION ta.pivot_s_value(high float8, low float8, close float8, level int) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE level
        WHEN 1 THEN 2.0::float8 * ta.pivot_value(high, low, close) - high
        WHEN 2 THEN ta.pivot_value(high, low, close) - (high - low)
        WHEN 3 THEN low - 2.0::float8 * (high - ta.pivot_value(high, low, close))
    END
$$;

-- ta.fibonacci_r_value: a Fibonacci resistance.
-- Formula: ta.pivot_value + ratio * (high - low), ratio 0.382, 0.618 and 1 for level 1, 2 and 3.
-- Parameters: high, low, close of the day before; level 1 to 3.
-- Warm-up: none.
-- Bounds: >= the pivot point.
-- NULL: NULL where an argument is NULL, and for another level.
-- Flat: the price.
-- TA-Lib: none; Stock.Indicators (pivot-points, Fibonacci).
CREATE OR REPLACE FUNCTION ta.fibonacci_r_value(high float8, low float8, close float8, level int) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT ta.pivot_value(high, low, close) + (
        CASE level WHEN 1 THEN 0.382::float8 WHEN 2 THEN 0.618::float8 WHEN 3 THEN 1.0::float8 END
    ) * (high - low)
$$;

-- ta.fibonacci_s_value: a Fibonacci support.
-- Formula: ta.pivot_value - ratio * (high - low), ratio 0.382, 0.618 and 1 for level 1, 2 and 3.
-- Parameters: high, low, close of the day before; level 1 to 3.
-- Warm-up: none.
-- Bounds: <= the pivot point; may turn negative.
-- NULL: NULL where an argument is NULL, and for another level.
-- Flat: the price.
-- TA-Lib: none; Stock.Indicators (pivot-points, Fibonacci).
CREATE OR REPLACE FUNCTION ta.fibonacci_s_value(high float8, low float8, close float8, level int) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT ta.pivot_value(high, low, close) - (
        CASE level WHEN 1 THEN 0.382::float8 WHEN 2 THEN 0.618::float8 WHEN 3 THEN 1.0::float8 END
    ) * (high - low)
$$;

-- ta.pivot_step: the ONE keeper of the day before, one bar further.
-- Formula: state {day, in days since 2000-01-01; high, low, close of it so far; high, low, close of the day
--   before}, 7 long. A bar of a later day moves the running day into the day before.
-- Parameters: state = result for the bar before; high, low, close of the bar; day = UTC date of its opening; n =
--   dense ordinal of the bar from 1; seed = state to go on from where `state` is NULL (the first row of a
--   resumed aggregate); NULL otherwise.
-- Warm-up: elements 5 to 7 are NULL throughout the first day.
-- Bounds: none.
-- NULL: n < 1 gives NULL; a NULL input leaves the state as it is (and n should not count the bar); no state
--   where one is needed (n > 1) gives NULL, never a silent restart.
-- Flat: the price.
-- TA-Lib: none; Stock.Indicators (pivot-points).
CREATE OR REPLACE FUNCTION ta.pivot_step(
    state float8[], high float8, low float8, close float8, day date, n bigint, seed float8[] DEFAULT NULL
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    known float8[] := coalesce(state, seed);
    day_number float8 := (day - DATE '2000-01-01')::float8;
BEGIN
    RETURN CASE
        WHEN (n >= 1) IS NOT TRUE THEN NULL
        WHEN high IS NULL OR low IS NULL OR close IS NULL OR day IS NULL THEN known
        WHEN n = 1 THEN ARRAY[day_number, high, low, close, NULL, NULL, NULL]
        WHEN known IS NULL THEN NULL
        WHEN day_number > known[1] THEN ARRAY[day_number, high, low, close] || known[2:4]
        ELSE ARRAY[known[1], greatest(known[2], high), least(known[3], low), close] || known[5:7]
    END;
END
$$;

-- ta.pivot_state: ta.pivot_step as a resumable aggregate; elements 5 to 7 are what the _value
--   functions take.
-- Usage: ta.pivot_state(high, low, close, (open_at AT TIME ZONE 'UTC')::date, n, seed) OVER (PARTITION BY
--   instrument_id ORDER BY open_at).
-- Parameters, warm-up, NULL, flat: as ta.pivot_step; seed = the state stored with the last bar before these
--   rows.
-- TA-Lib: none; Stock.Indicators (pivot-points).
CREATE OR REPLACE AGGREGATE ta.pivot_state(
    high float8, low float8, close float8, day date, n bigint, seed float8[]
) (
    SFUNC = ta.pivot_step,
    STYPE = float8[],
    PARALLEL = SAFE
);
