-- Family: stochastic oscillator (fast K, slow K, slow D) and the same of the RSI (StochRSI).
-- Author: George C. Lane (1950s); StochRSI by Tushar Chande and Stanley Kroll.
-- Source: Lane, Lane's Stochastics, Technical Analysis of Stocks & Commodities 2:3 (1984); Chande and Kroll,
--   Stochastic RSI and Dynamic Momentum Index, ibid. 11:5 (1993).
-- Read by: sql/queries/indicators (ta.stochf_k_value, ta.stoch_smooth), analysts (ta.stochf_k, ta.stoch_k,
--   ta.stoch_d, ta.stochrsi_k, ta.stochrsi_d).
-- Units: 0 to 100.

-- ta.stochf_k_value: fast K, the place of the close between the extremes of a window.
-- Formula: (close - lowest) / (highest - lowest) * 100.
-- Parameters: close of the bar; highest high and lowest low of the last k_period bars, this one included.
--   StochRSI: the RSI of the bar, greatest and least RSI of the last k_period bars.
-- Warm-up: the caller's: meaningful from bar k_period on.
-- Bounds: 0 to 100 for lowest <= close <= highest.
-- NULL: NULL where an argument is NULL.
-- Flat: 0 where highest - lowest is at most 1e-14 * (abs(highest) + abs(lowest)), as in TA-Lib >= 0.8.
-- TA-Lib: STOCHF, first output; STOCHRSI, first output (of RSI values).
CREATE OR REPLACE FUNCTION ta.stochf_k_value(close float8, highest float8, lowest float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN highest - lowest > 1e-14::float8 * (abs(highest) + abs(lowest))
            THEN (close - lowest) / (highest - lowest) * 100.0::float8
        WHEN close IS NOT NULL AND highest - lowest IS NOT NULL THEN 0.0::float8
    END
$$;

-- ta.stoch_smooth: mean of three values, the step from fast K to slow K, from slow K to slow D and from
--   StochRSI K to its D.
-- Formula: (oldest + middle + newest) / 3, the bits of avg(x) OVER (… ROWS 2 PRECEDING).
-- Parameters: the values of the bar before the last, of the last and of this one.
-- Warm-up: by NULL: masked inputs mask the result.
-- Bounds: within the least and the greatest of the three, up to the last rounding.
-- NULL: NULL where an argument is NULL.
-- Flat: the value, up to its last rounding.
-- TA-Lib: SMA of period 3 inside STOCHF, STOCH and STOCHRSI.
CREATE OR REPLACE FUNCTION ta.stoch_smooth(oldest float8, middle float8, newest float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT (oldest + middle + newest) / 3.0::float8
$$;

-- ta.stoch_accumulate: state of all aggregates of this family: a window of rows
--   {high, low, fast K, k_period, slow_period, d_period}; it is full when the slowest line has its first value.
-- A fast K among the first k_period - 1 rows knows too few bars, and no full window reads it.
CREATE OR REPLACE FUNCTION ta.stoch_accumulate(
    state float8[], high float8, low float8, close float8, k_period int, slow_period int, d_period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    highest float8 := greatest(ta.window_highest(state, 1, k_period - 1), high);
    lowest float8 := least(ta.window_lowest(state, 2, k_period - 1), low);
    fast_k float8 := ta.stochf_k_value(close, highest, lowest);
BEGIN
    RETURN ta.window_push(
        state,
        ARRAY[high, low, fast_k, k_period::float8, slow_period::float8, d_period::float8],
        CASE WHEN least(k_period, slow_period, d_period) >= 1 THEN k_period + slow_period + d_period - 2 END
    );
END
$$;

CREATE OR REPLACE FUNCTION ta.stoch_accumulate(
    state float8[], high float8, low float8, close float8, k_period int, slow_period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.stoch_accumulate(state, high, low, close, k_period, slow_period, 1);
END
$$;

CREATE OR REPLACE FUNCTION ta.stoch_accumulate(
    state float8[], high float8, low float8, close float8, k_period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.stoch_accumulate(state, high, low, close, k_period, 1, 1);
END
$$;

-- ta.stoch_result: mean of the last d_period means of slow_period fast Ks, each sum from the oldest on; masks the
--   warm-up.
CREATE OR REPLACE FUNCTION ta.stoch_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    slow_period int := state[cardinality(state) - 1];
    d_period int := state[cardinality(state)];
    slow float8;
    total float8 := 0.0::float8;
BEGIN
    IF ta.window_is_full(state) IS NOT TRUE THEN
        RETURN NULL;
    END IF;
    FOR newest IN cardinality(state) - 3 - 6 * (d_period - 1) .. cardinality(state) - 3 BY 6 LOOP
        slow := 0.0::float8;
        FOR place IN newest - 6 * (slow_period - 1) .. newest BY 6 LOOP
            slow := slow + state[place];
        END LOOP;
        total := total + slow / slow_period::float8;
    END LOOP;
    RETURN total / d_period::float8;
END
$$;

-- ta.stochf_k: fast K of the stochastic oscillator, for any table.
-- Usage: ta.stochf_k(high, low, close, 14) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin
--   at the first row.
-- Formula: ta.stochf_k_value of the highest high and the lowest low of k_period bars.
-- Parameters: high, low, close; k_period >= 1 (the same on every row).
-- Warm-up: NULL until the bar number k_period.
-- Bounds: 0 to 100.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; a period < 1
--   gives NULL.
-- Flat: 0.
-- TA-Lib: STOCHF, first output, with fastd_period = 1 (a longer one only hides the first values).
CREATE OR REPLACE AGGREGATE ta.stochf_k(high float8, low float8, close float8, k_period int) (
    SFUNC = ta.stoch_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.stoch_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.stoch_k: slow K of the stochastic oscillator (which is the fast D), for any table.
-- Usage: ta.stoch_k(high, low, close, 14, 3) OVER (PARTITION BY symbol ORDER BY open_at). The frame must
--   begin at the first row.
-- Formula: mean of the last slow_period values of ta.stochf_k.
-- Parameters: high, low, close; k_period, slow_period >= 1 (the same on every row).
-- Warm-up: NULL until the bar number k_period + slow_period - 1.
-- Bounds: 0 to 100.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; a period < 1
--   gives NULL.
-- Flat: 0.
-- TA-Lib: STOCHF, second output; STOCH, first output (whose first d_period - 1 values TA-Lib hides).
CREATE OR REPLACE AGGREGATE ta.stoch_k(high float8, low float8, close float8, k_period int, slow_period int) (
    SFUNC = ta.stoch_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.stoch_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.stoch_d: slow D, the signal line of ta.stoch_k, for any table.
-- Usage: ta.stoch_d(high, low, close, 14, 3, 3) OVER (PARTITION BY symbol ORDER BY open_at). The frame must
--   begin at the first row.
-- Formula: mean of the last d_period values of ta.stoch_k.
-- Parameters: high, low, close; k_period, slow_period, d_period >= 1 (the same on every row).
-- Warm-up: NULL until the bar number k_period + slow_period + d_period - 2.
-- Bounds: 0 to 100.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; a period < 1
--   gives NULL.
-- Flat: 0.
-- TA-Lib: STOCH, second output (whose running sums keep some 1e-13 after a move where this is 0).
CREATE OR REPLACE AGGREGATE ta.stoch_d(
    high float8, low float8, close float8, k_period int, slow_period int, d_period int
) (
    SFUNC = ta.stoch_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.stoch_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.stochrsi_accumulate: state of the two aggregates: that of ta.rsi (five numbers), then the window of
--   ta.stoch_accumulate over the RSI.
CREATE OR REPLACE FUNCTION ta.stochrsi_accumulate(
    state float8[], x float8, rsi_period int, k_period int, d_period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    rsi_state float8[] := ta.rsi_accumulate(state[1:5], x, rsi_period);
    rsi float8 := ta.rsi_result(rsi_state);
BEGIN
    RETURN CASE
        WHEN x IS NULL THEN state
        ELSE rsi_state || ta.stoch_accumulate(state[6:], rsi, rsi, rsi, k_period, d_period)
    END;
END
$$;

CREATE OR REPLACE FUNCTION ta.stochrsi_accumulate(
    state float8[], x float8, rsi_period int, k_period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.stochrsi_accumulate(state, x, rsi_period, k_period, 1);
END
$$;

-- ta.stochrsi_result: the value of the window over the RSI; masks the warm-up.
CREATE OR REPLACE FUNCTION ta.stochrsi_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.stoch_result(state[6:]);
END
$$;

-- ta.stochrsi_k: stochastic of the RSI, for any table.
-- Usage: ta.stochrsi_k(close, 14, 14) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at
--   the first row.
-- Formula: ta.stochf_k_value of the RSI and its extremes over k_period bars.
-- Parameters: x; rsi_period >= 2 for TA-Lib's values, k_period >= 1 (the same on every row).
-- Warm-up: NULL until the value number rsi_period + k_period.
-- Bounds: 0 to 100.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; a period < 1 gives NULL.
-- Flat: 0.
-- TA-Lib: STOCHRSI, first output, with fastd_period = 1 (a longer one only hides the first values). A long
--   dead market is no ground for comparing: TA-Lib's RSI ends in denormal noise there (see ta.rsi_value).
CREATE OR REPLACE AGGREGATE ta.stochrsi_k(x float8, rsi_period int, k_period int) (
    SFUNC = ta.stochrsi_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.stochrsi_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);

-- ta.stochrsi_d: mean of ta.stochrsi_k, for any table.
-- Usage: ta.stochrsi_d(close, 14, 14, 3) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at
--   the first row.
-- Formula: mean of the last d_period values of ta.stochrsi_k.
-- Parameters: x; rsi_period >= 2 for TA-Lib's values, k_period, d_period >= 1 (the same on every row).
-- Warm-up: NULL until the value number rsi_period + k_period + d_period - 1.
-- Bounds: 0 to 100.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; a period < 1 gives NULL.
-- Flat: 0.
-- TA-Lib: STOCHRSI, second output (dead markets: see ta.stochrsi_k).
CREATE OR REPLACE AGGREGATE ta.stochrsi_d(x float8, rsi_period int, k_period int, d_period int) (
    SFUNC = ta.stochrsi_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.stochrsi_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);
