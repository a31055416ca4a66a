-- Family: moving average convergence/divergence (MACD).
-- Author: Gerald Appel (late 1970s); histogram by Thomas Aspray (1986).
-- Read by: analysts (ta.macd, ta.macd_signal, ta.macd_hist); our own store composes ta.ema_step instead.
-- Units: those of x.

-- ta.macd_accumulate: state of the three aggregates:
-- {values seen, fast EMA, slow EMA, signal, fast period, slow period, signal period}.
-- As in TA-Lib the fast EMA is seeded late, so that both EMAs have their first value on one bar (`slow`),
-- and periods given the wrong way round are swapped.
CREATE OR REPLACE FUNCTION ta.macd_accumulate(
    state float8[], x float8, fast int, slow int, signal int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    n bigint := state[1]::bigint + 1;
    shorter int := least(fast, slow);
    longer int := greatest(fast, slow);
    fast_ema float8 := ta.ema_step(state[2], x, n - (longer - shorter), shorter);
    slow_ema float8 := ta.ema_step(state[3], x, n, longer);
BEGIN
    RETURN CASE
        WHEN x IS NULL THEN state
        ELSE ARRAY[
            n::float8,
            fast_ema,
            slow_ema,
            ta.ema_step(state[4], fast_ema - slow_ema, n - longer + 1, signal),
            shorter::float8,
            longer::float8,
            signal::float8
        ]
    END;
END
$$;

-- ta.macd_is_warm: whether all three lines have a value: bar slow + signal - 1, as in TA-Lib.
CREATE OR REPLACE FUNCTION ta.macd_is_warm(state float8[]) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN state[1] >= state[6] + state[7] - 1.0::float8 AND state[7] >= 1.0::float8;
END
$$;

-- ta.macd_result, ta.macd_signal_result, ta.macd_hist_result: mask the warm-up and pick a line.
CREATE OR REPLACE FUNCTION ta.macd_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN ta.macd_is_warm(state) THEN state[2] - state[3] END;
END
$$;

CREATE OR REPLACE FUNCTION ta.macd_signal_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN ta.macd_is_warm(state) THEN state[4] END;
END
$$;

CREATE OR REPLACE FUNCTION ta.macd_hist_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN ta.macd_is_warm(state) THEN (state[2] - state[3]) - state[4] END;
END
$$;

-- ta.macd: MACD line, the fast EMA minus the slow one, for any table.
-- Usage: ta.macd(close, 12, 26, 9) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the
--   first row.
-- Formula: ta.ema_step(fast), seeded late, minus ta.ema_step(slow).
-- Parameters: x; fast, slow, signal >= 1 (the same on every row; fast and slow are swapped if fast > slow).
-- Warm-up: NULL until the value number slow + signal - 1 (34 for 12/26/9), where the signal has its first
--   value too.
-- Bounds: none; may be negative.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; a period < 1 gives NULL.
-- Flat: 0, up to a rounding of x.
-- TA-Lib: MACD, first output.
CREATE OR REPLACE AGGREGATE ta.macd(x float8, fast int, slow int, signal int) (
    SFUNC = ta.macd_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.macd_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);

-- ta.macd_signal: MACD signal line, for any table.
-- Formula: ta.ema_step(signal) of ta.macd, from its first difference (bar slow) on.
-- Usage, parameters, warm-up, bounds, NULL, flat: as ta.macd.
-- TA-Lib: MACD, second output.
CREATE OR REPLACE AGGREGATE ta.macd_signal(x float8, fast int, slow int, signal int) (
    SFUNC = ta.macd_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.macd_signal_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);

-- ta.macd_hist: MACD histogram, for any table.
-- Formula: ta.macd - ta.macd_signal.
-- Usage, parameters, warm-up, bounds, NULL, flat: as ta.macd.
-- TA-Lib: MACD, third output.
CREATE OR REPLACE AGGREGATE ta.macd_hist(x float8, fast int, slow int, signal int) (
    SFUNC = ta.macd_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.macd_hist_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);
