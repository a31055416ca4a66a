-- Family: Williams %R.
-- Author: Larry Williams.
-- Source: Williams, How I Made One Million Dollars Last Year Trading Commodities (1973).
-- Read by: sql/queries/indicators (ta.williams_r_value), analysts (ta.williams_r).
-- Units: -100 to 0.

-- ta.williams_r_value: the distance of the close from the highest high, in per cent of the window's range.
-- Formula: -100 * (highest - close) / (highest - lowest).
-- Parameters: close of the bar; highest high and lowest low of the last period bars, this one included.
-- Warm-up: the caller's: meaningful from bar period on.
-- Bounds: -100 to 0 for lowest <= close <= highest.
-- NULL: NULL where an argument is NULL.
-- Flat: 0 where highest - lowest is at most 1e-14 * (abs(highest) + abs(lowest)), as in TA-Lib >= 0.8.
-- TA-Lib: WILLR.
CREATE OR REPLACE FUNCTION ta.williams_r_value(close float8, highest float8, lowest float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        -- Subtracted from 0, so that no -0 comes out.
        WHEN highest - lowest > 1e-14::float8 * (abs(highest) + abs(lowest))
            THEN 0.0::float8 - (highest - close) / (highest - lowest) * 100.0::float8
        WHEN close IS NOT NULL AND highest - lowest IS NOT NULL THEN 0.0::float8
    END
$$;

-- ta.williams_r_accumulate: state of ta.williams_r: a window of rows {high, low, close}.
CREATE OR REPLACE FUNCTION ta.williams_r_accumulate(
    state float8[], high float8, low float8, close float8, period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.window_push(state, ARRAY[high, low, close], period);
END
$$;

-- ta.williams_r_result: masks the warm-up of ta.williams_r.
CREATE OR REPLACE FUNCTION ta.williams_r_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN ta.window_is_full(state) THEN ta.williams_r_value(
            state[cardinality(state)],
            ta.window_highest(state, 1, state[1]::int),
            ta.window_lowest(state, 2, state[1]::int)
        )
    END;
END
$$;

-- ta.williams_r: Williams %R, for any table.
-- Usage: ta.williams_r(high, low, close, 14) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin
--   at the first row.
-- Formula: ta.williams_r_value of the highest high and the lowest low of period bars.
-- Parameters: high, low, close; period >= 2 for TA-Lib's values (the same on every row).
-- Warm-up: NULL until the bar number period.
-- Bounds: -100 to 0.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; period < 1
--   gives NULL.
-- Flat: 0.
-- TA-Lib: WILLR.
CREATE OR REPLACE AGGREGATE ta.williams_r(high float8, low float8, close float8, period int) (
    SFUNC = ta.williams_r_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.williams_r_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);
