-- Family: on-balance volume (OBV).
-- Author: Joseph E. Granville, New Key to Stock Market Profits (1963).
-- Read by: analysts (ta.obv). Our own store sums by eras (06_sum_since.sql).
-- Units: those of the volume.

-- ta.obv_step: the ONE formula of OBV, one bar further.
-- Formula: close > previous_close: state + volume; close < previous_close: state - volume; equal: state;
--   first bar: volume.
-- Parameters: state = result for the bar before; close, volume of the bar; previous_close of the bar
--   before, NULL at the first; seed = state to continue from where `state` is NULL (the first row of a
--   resumed aggregate); NULL otherwise.
-- Warm-up: none. The level depends on where the series begins, only differences mean something.
-- Bounds: none; may be negative.
-- NULL: volume NULL counts as 0; previous_close NULL leaves the state as it is; a previous_close but no
--   state gives NULL.
-- Flat: stays.
-- TA-Lib: OBV (one iteration of its loop).
CREATE OR REPLACE FUNCTION ta.obv_step(
    state float8, close float8, previous_close float8, volume float8, seed float8 DEFAULT NULL
) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN close > previous_close THEN coalesce(state, seed) + coalesce(volume, 0.0::float8)
        WHEN close < previous_close THEN coalesce(state, seed) - coalesce(volume, 0.0::float8)
        WHEN previous_close IS NULL THEN coalesce(state, seed, volume, 0.0::float8)
        ELSE coalesce(state, seed)
    END;
END
$$;

-- ta.obv_accumulate: state of ta.obv: {last close, OBV}.
CREATE OR REPLACE FUNCTION ta.obv_accumulate(state float8[], close float8, volume float8) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN close IS NULL OR volume IS NULL THEN state
        ELSE ARRAY[close, ta.obv_step(state[2], close, state[1], volume)]
    END;
END
$$;

-- ta.obv_result: the OBV out of the state.
CREATE OR REPLACE FUNCTION ta.obv_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN state[2];
END
$$;

-- ta.obv: on-balance volume, for any table.
-- Usage: ta.obv(close, volume) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first
--   row.
-- Formula: ta.obv_step.
-- Parameters: close; volume >= 0.
-- Warm-up: none: the first value is the first volume.
-- Bounds: none; may be negative.
-- NULL: a row with a NULL close or volume is skipped: it counts for nothing and shows the value so far.
-- Flat: stays.
-- TA-Lib: OBV.
CREATE OR REPLACE AGGREGATE ta.obv(close float8, volume float8) (
    SFUNC = ta.obv_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.obv_result,
    INITCOND = '{NULL,NULL}',
    PARALLEL = SAFE
);
