-- Family: exponential moving average (EMA), seeded by a plain mean.
-- Author: smoothing by R. G. Brown (1956); the mean as seed is TA-Lib's convention.
-- Read by: sql/queries/indicators (ta.ema_step, ta.ema_state), analysts (ta.ema), 40_macd.sql.
-- Units: those of x.

-- ta.ema_step: the ONE formula of the EMA, one bar further.
-- Formula: n = 1: x; n < period: state + x (a partial sum); n = period: (state + x) / period;
--   n > period: (x - state) * (2 / (period + 1)) + state, in TA-Lib's order of operations.
-- Parameters: state = result for the bar before; x = this bar's value; n = dense ordinal of this bar, 1 at
--   the first bar of the series, counting non-NULL values only; period >= 1; seed = state to continue from
--   where `state` is NULL (the first row of a resumed aggregate); NULL otherwise.
-- Warm-up: the mean from n = period on; before that the state is a sum and must be masked by `n >= period`.
-- Bounds: within the least and the greatest x so far.
-- NULL: n < 1 (before the series starts) gives NULL; x NULL leaves the state as it is (and n should not
--   count it); no state where one is needed (n > 1) gives NULL, never a silent restart; period < 1 gives
--   NULL.
-- Flat: settles on x up to its last rounding; a distance below 1e-280 counts as none, since float8 underflow
--   is an error in PostgreSQL.
-- TA-Lib: EMA (one iteration of its loop).
CREATE OR REPLACE FUNCTION ta.ema_step(
    state float8, x float8, n bigint, period int, seed float8 DEFAULT NULL
) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN n > period AND abs(x - coalesce(state, seed)) >= 1e-280::float8
            THEN (x - coalesce(state, seed)) * (2.0::float8 / (period + 1)::float8) + coalesce(state, seed)
        WHEN n > period THEN coalesce(state, seed) + coalesce(x - coalesce(state, seed), 0.0::float8)
        WHEN n = 1 THEN x
        WHEN n = period THEN coalesce((coalesce(state, seed) + x) / period::float8, coalesce(state, seed))
        WHEN n > 1 THEN coalesce(state, seed) + coalesce(x, 0.0::float8)
    END;
END
$$;

-- ta.ema_state: ta.ema_step as a resumable aggregate; the result is the raw state (mask it by n >=
--   period).
-- Usage: ta.ema_state(close, n, 20, seed) OVER (PARTITION BY instrument_id ORDER BY open_at).
-- Parameters, warm-up, NULL, flat: as ta.ema_step; seed = the state stored with the last bar before these
--   rows.
-- TA-Lib: EMA.
CREATE OR REPLACE AGGREGATE ta.ema_state(x float8, n bigint, period int, seed float8) (
    SFUNC = ta.ema_step,
    STYPE = float8,
    PARALLEL = SAFE
);

-- ta.ema_accumulate: state of ta.ema: {values seen, EMA or partial sum, period}.
CREATE OR REPLACE FUNCTION ta.ema_accumulate(state float8[], x float8, period int) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN x IS NULL THEN state
        ELSE ARRAY[
            state[1] + 1.0::float8,
            ta.ema_step(state[2], x, state[1]::bigint + 1, period),
            period::float8
        ]
    END;
END
$$;

-- ta.ema_result: masks the warm-up of ta.ema.
CREATE OR REPLACE FUNCTION ta.ema_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN state[1] >= state[3] THEN state[2] END;
END
$$;

-- ta.ema: exponential moving average, for any table.
-- Usage: ta.ema(close, 20) OVER (PARTITION BY symbol ORDER BY open_at), or ta.ema(close, 20 ORDER BY open_at)
--   for the last value alone. The frame must begin at the first row (the default does).
-- Formula: ta.ema_step.
-- Parameters: x; period >= 1 (the same on every row).
-- Warm-up: NULL until the period-th value.
-- Bounds: within the least and the greatest x so far.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 1 gives NULL.
-- Flat: x.
-- TA-Lib: EMA.
CREATE OR REPLACE AGGREGATE ta.ema(x float8, period int) (
    SFUNC = ta.ema_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.ema_result,
    INITCOND = '{0,NULL,NULL}',
    PARALLEL = SAFE
);
