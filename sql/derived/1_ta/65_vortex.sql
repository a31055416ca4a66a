-- Family: vortex indicator, upward and downward movement against the true range.
-- Author: Etienne Botes and Douglas Siepman.
-- Source: E. Botes, D. Siepman, "The Vortex Indicator", Technical Analysis of Stocks & Commodities 28:1 (2010).
-- Read by: market.indicator_rows (ta.vortex_value), analysts (ta.vortex_plus, ta.vortex_minus).
-- Units: a ratio, around 1.

-- ta.vortex_value: one vortex line from the sums over its window.
-- Formula: movement_sum / tr_sum; 0 where tr_sum is 0.
-- Parameters: movement_sum: sum of abs(high - low of the bar before) for the plus line, of abs(low - high of the
--   bar before) for the minus line; tr_sum: sum of ta.true_range; both over the last period bars.
-- Warm-up: the caller's: meaningful from bar period + 1 on.
-- Bounds: >= 0.
-- NULL: NULL where an argument is NULL.
-- Flat: 0. TA-Lib gives 0 at an exact zero; here a tr_sum below 1e-250 counts as zero, so that nothing overflows.
-- TA-Lib: the last step of VORTEX.
CREATE OR REPLACE FUNCTION ta.vortex_value(movement_sum float8, tr_sum float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE WHEN tr_sum < 1e-250::float8 THEN 0.0::float8 ELSE movement_sum / tr_sum END
$$;

-- ta.vortex_accumulate: state of the vortex aggregates: a window of period + 1 rows {high, low, close}.
CREATE OR REPLACE FUNCTION ta.vortex_accumulate(
    state float8[], high float8, low float8, close float8, period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.window_push(state, ARRAY[high, low, close], CASE WHEN period >= 1 THEN period + 1 END);
END
$$;

-- ta.vortex_lines: both lines out of a full window, {plus, minus}.
CREATE OR REPLACE FUNCTION ta.vortex_lines(state float8[]) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    plus_sum float8 := 0.0::float8;
    minus_sum float8 := 0.0::float8;
    tr_sum float8 := 0.0::float8;
BEGIN
    IF NOT ta.window_is_full(state) THEN
        RETURN NULL;
    END IF;
    -- A row of the window is three elements wide: three back is the same column of the bar before.
    FOR place IN 6 .. cardinality(state) BY 3 LOOP
        plus_sum := plus_sum + abs(state[place] - state[place - 2]);
        minus_sum := minus_sum + abs(state[place + 1] - state[place - 3]);
        tr_sum := tr_sum + ta.true_range(state[place], state[place + 1], state[place - 1]);
    END LOOP;
    RETURN ARRAY[ta.vortex_value(plus_sum, tr_sum), ta.vortex_value(minus_sum, tr_sum)];
END
$$;

-- ta.vortex_plus_result: masks the warm-up of ta.vortex_plus.
CREATE OR REPLACE FUNCTION ta.vortex_plus_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN (ta.vortex_lines(state))[1];
END
$$;

-- ta.vortex_minus_result: masks the warm-up of ta.vortex_minus.
CREATE OR REPLACE FUNCTION ta.vortex_minus_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN (ta.vortex_lines(state))[2];
END
$$;

-- ta.vortex_plus: upward vortex line, for any table.
-- Usage: ta.vortex_plus(high, low, close, 14) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin
--   at the first row.
-- Formula: ta.vortex_value of abs(high - low of the bar before) over the last period bars.
-- Parameters: high, low, close; period >= 1 (the same on every row).
-- Warm-up: NULL until the bar number period + 1.
-- Bounds: >= 0.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; period < 1 gives
--   NULL.
-- Flat: 0.
-- TA-Lib: VORTEX (first output).
CREATE OR REPLACE AGGREGATE ta.vortex_plus(high float8, low float8, close float8, period int) (
    SFUNC = ta.vortex_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.vortex_plus_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.vortex_minus: downward vortex line, for any table.
-- Usage: ta.vortex_minus(high, low, close, 14) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin
--   at the first row.
-- Formula: ta.vortex_value of abs(low - high of the bar before) over the last period bars.
-- Parameters: high, low, close; period >= 1 (the same on every row).
-- Warm-up: NULL until the bar number period + 1.
-- Bounds: >= 0.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; period < 1 gives
--   NULL.
-- Flat: 0.
-- TA-Lib: VORTEX (second output).
CREATE OR REPLACE AGGREGATE ta.vortex_minus(high float8, low float8, close float8, period int) (
    SFUNC = ta.vortex_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.vortex_minus_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);
