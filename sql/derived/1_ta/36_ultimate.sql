-- Family: ultimate oscillator.
-- Author: Larry Williams (1976).
-- Source: Williams, The Ultimate Oscillator, Technical Analysis of Stocks & Commodities 3:4 (1985).
-- Read by: sql/queries/indicators (ta.buying_pressure, ta.ultosc_value), analysts (ta.ultosc).
-- Units: 0 to 100; buying pressure that of the price.

-- ta.buying_pressure: how far the close stands above the true low of its bar.
-- Formula: close - least(low, previous_close).
-- Parameters: low, close of the bar; previous_close of the bar before.
-- Warm-up: from bar 2 on.
-- Bounds: 0 to ta.true_range.
-- NULL: NULL where an argument is NULL (the first bar).
-- Flat: 0.
-- TA-Lib: a term inside ULTOSC.
CREATE OR REPLACE FUNCTION ta.buying_pressure(low float8, close float8, previous_close float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN previous_close < low THEN close - previous_close
        WHEN previous_close >= low THEN close - low
    END
$$;

-- ta.ultosc_value: ultimate oscillator from six sums.
-- Formula: 100 * (4 * short_pressure / short_range + 2 * middle_pressure / middle_range
--   + long_pressure / long_range) / 7.
-- Parameters: sums, the oldest bar first, of ta.buying_pressure and of ta.true_range over the last bars: short
--   (7), middle (14) and long (28), this bar included.
-- Warm-up: the caller's: meaningful from bar long + 1 on (the first bar has neither pressure nor range).
-- Bounds: 0 to 100, up to the last rounding.
-- NULL: NULL where an argument is NULL.
-- Flat: a term whose range is 0 counts as 0.
-- TA-Lib: the last step of ULTOSC.
CREATE OR REPLACE FUNCTION ta.ultosc_value(
    short_pressure float8, short_range float8,
    middle_pressure float8, middle_range float8,
    long_pressure float8, long_range float8
) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT 100.0::float8 * ((
        CASE WHEN short_range <= 0.0::float8 THEN 0.0::float8 ELSE 4.0::float8 * (short_pressure / short_range) END
        + CASE WHEN middle_range <= 0.0::float8 THEN 0.0::float8 ELSE 2.0::float8 * (middle_pressure / middle_range) END
        + CASE WHEN long_range <= 0.0::float8 THEN 0.0::float8 ELSE long_pressure / long_range END
    ) / 7.0::float8)
$$;

-- ta.ultosc_accumulate: state of ta.ultosc: a window, one row longer than the longest period, of rows
--   {close, buying pressure, true range, short, middle, long}. The first bar of all brings 0 for what it lacks;
--   a full window reads everything but its oldest row.
CREATE OR REPLACE FUNCTION ta.ultosc_accumulate(
    state float8[], high float8, low float8, close float8, period_1 int, period_2 int, period_3 int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    previous_close float8 := state[cardinality(state) - 5];
    shortest int := least(period_1, period_2, period_3);
    longest int := greatest(period_1, period_2, period_3);
BEGIN
    RETURN ta.window_push(
        state,
        ARRAY[
            close,
            ta.buying_pressure(low, close, coalesce(previous_close, low)),
            -- The true range would make do without a high.
            CASE WHEN high IS NOT NULL THEN ta.true_range(high, low, coalesce(previous_close, low)) END,
            shortest::float8,
            (period_1 + period_2 + period_3 - shortest - longest)::float8,
            longest::float8
        ],
        CASE WHEN shortest >= 1 THEN longest + 1 END
    );
END
$$;

-- ta.ultosc_result: masks the warm-up of ta.ultosc.
CREATE OR REPLACE FUNCTION ta.ultosc_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    short_period int := state[6];
    middle_period int := state[7];
    long_period int := state[8];
BEGIN
    RETURN CASE
        WHEN ta.window_is_full(state) THEN ta.ultosc_value(
            ta.window_sum(state, 2, short_period), ta.window_sum(state, 3, short_period),
            ta.window_sum(state, 2, middle_period), ta.window_sum(state, 3, middle_period),
            ta.window_sum(state, 2, long_period), ta.window_sum(state, 3, long_period)
        )
    END;
END
$$;

-- ta.ultosc: ultimate oscillator, for any table.
-- Usage: ta.ultosc(high, low, close, 7, 14, 28) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin
--   at the first row.
-- Formula: ta.ultosc_value of sums over the three periods.
-- Parameters: high, low, close; three periods >= 1 in any order (the same on every row): the shortest weighs 4,
--   the longest 1, as in TA-Lib.
-- Warm-up: NULL until the bar number longest period + 1.
-- Bounds: 0 to 100, up to the last rounding.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; a period < 1
--   gives NULL.
-- Flat: 0.
-- TA-Lib: ULTOSC.
CREATE OR REPLACE AGGREGATE ta.ultosc(
    high float8, low float8, close float8, period_1 int, period_2 int, period_3 int
) (
    SFUNC = ta.ultosc_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.ultosc_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);
