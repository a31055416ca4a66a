-- Family: Wilder's smoothing, the average and the decaying sum, from which RSI, ATR and ADX are composed.
-- Author: J. Welles Wilder Jr., New Concepts in Technical Trading Systems (1978); seeds as in TA-Lib.
-- Read by: sql/queries/indicators, 30_rsi.sql, 50_atr.sql, 60_adx.sql.
-- Units: those of x.

-- ta.wilder_step: the ONE formula of Wilder's average, one bar further.
-- Formula: n < period: state + x (a partial sum); n = period: (state + x) / period (the plain mean);
--   n > period: (state * (period - 1) + x) / period.
-- Parameters: as ta.ema_step; n is the ordinal of x (of the change, not of the bar: RSI and ATR pass bar -
--   1).
-- Warm-up: the average from n = period on; before that the state is a sum and must be masked.
-- Bounds: within the least and the greatest x so far (and 0, where x was NULL during the warm-up).
-- NULL: n < 1 gives NULL; x NULL (DX undefined) counts as 0 up to n = period and leaves the state as it is
--   later, as TA-Lib's ADX does; no state where one is needed gives NULL; period < 1 gives NULL.
-- Flat: decays towards x; a state below 1e-280 counts as 0, since float8 underflow is an error in PostgreSQL.
-- TA-Lib: the averages inside RSI, ATR and ADX.
CREATE OR REPLACE FUNCTION ta.wilder_step(
    state float8, x float8, n bigint, period int, seed float8 DEFAULT NULL
) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN n > period AND abs(coalesce(state, seed)) >= 1e-280::float8
            THEN coalesce(
                (coalesce(state, seed) * (period - 1)::float8 + x) / period::float8, coalesce(state, seed)
            )
        WHEN n > period AND coalesce(state, seed) IS NOT NULL THEN coalesce(x, 0.0::float8) / period::float8
        WHEN n = 1 AND period >= 1 THEN coalesce(x, 0.0::float8)
        WHEN n = period THEN (coalesce(state, seed) + coalesce(x, 0.0::float8)) / period::float8
        WHEN n > 1 THEN coalesce(state, seed) + coalesce(x, 0.0::float8)
    END;
END
$$;

-- ta.wilder_state: ta.wilder_step as a resumable aggregate; the result is the raw state.
-- Usage: ta.wilder_state(gain, n - 1, 14, seed) OVER (PARTITION BY instrument_id ORDER BY open_at).
-- Parameters, warm-up, NULL, flat: as ta.wilder_step; seed = the state stored with the last bar before these
--   rows.
-- TA-Lib: the averages inside RSI, ATR and ADX.
CREATE OR REPLACE AGGREGATE ta.wilder_state(x float8, n bigint, period int, seed float8) (
    SFUNC = ta.wilder_step,
    STYPE = float8,
    PARALLEL = SAFE
);

-- ta.wilder_sum_step: the ONE formula of Wilder's decaying sum (DM and TR inside ADX), one bar further.
-- Formula: n < period: state + x (the plain sum of period - 1 values); n >= period: state - state / period +
--   x.
-- Parameters: as ta.wilder_step.
-- Warm-up: complete from n = period on; before that the state is a plain sum.
-- Bounds: >= 0 for x >= 0.
-- NULL: n < 1 gives NULL; x NULL counts as 0; no state where one is needed gives NULL; period < 1 gives
--   NULL.
-- Flat: decays to 0; a state below 1e-280 counts as 0, since float8 underflow is an error in PostgreSQL.
-- TA-Lib: the sums inside ADX, PLUS_DI, MINUS_DI, PLUS_DM, MINUS_DM.
CREATE OR REPLACE FUNCTION ta.wilder_sum_step(
    state float8, x float8, n bigint, period int, seed float8 DEFAULT NULL
) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN n >= period AND abs(coalesce(state, seed)) >= 1e-280::float8
            THEN coalesce(state, seed) - coalesce(state, seed) / period::float8 + coalesce(x, 0.0::float8)
        WHEN n >= period AND coalesce(state, seed) IS NOT NULL THEN coalesce(x, 0.0::float8)
        WHEN n = 1 AND period >= 1 THEN coalesce(x, 0.0::float8)
        WHEN n > 1 THEN coalesce(state, seed) + coalesce(x, 0.0::float8)
    END;
END
$$;

-- ta.wilder_sum_state: ta.wilder_sum_step as a resumable aggregate; the result is the raw state.
-- Usage: ta.wilder_sum_state(plus_dm, n - 1, 14, seed) OVER (PARTITION BY instrument_id ORDER BY open_at).
-- Parameters, warm-up, NULL, flat: as ta.wilder_sum_step; seed = the state stored with the last bar before
--   these rows.
-- TA-Lib: the sums inside ADX, PLUS_DI, MINUS_DI, PLUS_DM, MINUS_DM.
CREATE OR REPLACE AGGREGATE ta.wilder_sum_state(x float8, n bigint, period int, seed float8) (
    SFUNC = ta.wilder_sum_step,
    STYPE = float8,
    PARALLEL = SAFE
);
