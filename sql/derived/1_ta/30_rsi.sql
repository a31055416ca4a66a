-- Family: relative strength index (RSI).
-- Author: J. Welles Wilder Jr., New Concepts in Technical Trading Systems (1978).
-- Read by: sql/queries/indicators (ta.rsi_value over two ta.wilder_state), analysts (ta.rsi).
-- Units: 0 to 100.

-- ta.rsi_value: RSI from its two Wilder averages.
-- Formula: 100 * (avg_gain / (avg_gain + avg_loss)).
-- Parameters: avg_gain, avg_loss >= 0: Wilder averages of greatest(change, 0) and greatest(-change, 0).
-- Warm-up: the caller's: meaningful from bar period + 1 on.
-- Bounds: 0 to 100.
-- NULL: NULL where an argument is NULL.
-- Flat: 0 where avg_gain + avg_loss is below 1e-250. TA-Lib >= 0.8.1 gives 0 at an exact zero only (before:
--   below 1e-14, which hit low-priced instruments); 1e-250 is that zero, before the guard of ta.wilder_step
--   drops one of the two.
-- TA-Lib: the last step of RSI.
CREATE OR REPLACE FUNCTION ta.rsi_value(avg_gain float8, avg_loss float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN avg_gain + avg_loss < 1e-250::float8 THEN 0.0::float8
        ELSE 100.0::float8 * (avg_gain / (avg_gain + avg_loss))
    END
$$;

-- ta.rsi_accumulate: state of ta.rsi: {values seen, last x, average gain, average loss, period}.
CREATE OR REPLACE FUNCTION ta.rsi_accumulate(state float8[], x float8, period int) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN x IS NULL THEN state
        ELSE ARRAY[
            state[1] + 1.0::float8,
            x,
            ta.wilder_step(state[3], greatest(x - state[2], 0.0::float8), state[1]::bigint, period),
            ta.wilder_step(state[4], greatest(state[2] - x, 0.0::float8), state[1]::bigint, period),
            period::float8
        ]
    END;
END
$$;

-- ta.rsi_result: masks the warm-up of ta.rsi.
CREATE OR REPLACE FUNCTION ta.rsi_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN state[1] > state[5] THEN ta.rsi_value(state[3], state[4]) END;
END
$$;

-- ta.rsi: relative strength index, for any table.
-- Usage: ta.rsi(close, 14) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first
--   row.
-- Formula: ta.rsi_value of the Wilder averages (ta.wilder_step) of gains and losses.
-- Parameters: x; period >= 2 for TA-Lib's values (the same on every row).
-- Warm-up: NULL until the value number period + 1.
-- Bounds: 0 to 100.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 1 gives NULL.
-- Flat: 0 while nothing has moved; after a move the last value stays until both averages have decayed below
--   1e-250 (some 7,800 flat bars), then 0.
-- TA-Lib: RSI.
CREATE OR REPLACE AGGREGATE ta.rsi(x float8, period int) (
    SFUNC = ta.rsi_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.rsi_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);
