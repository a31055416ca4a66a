-- Family: percentage price oscillator (PPO) and the triple exponential oscillator (TRIX).
-- Author: PPO is Gerald Appel's MACD in per cent; TRIX Jack K. Hutson, Stocks & Commodities (1983).
-- Source: TA-Lib 0.8 (PPO with matype 1, TRIX).
-- Read by: the indicator store (ta.ppo_value, ta.trix_value over ta.ema_state), analysts (ta.ppo, ta.ppo_signal,
--   ta.ppo_hist, ta.trix).
-- Units: per cent.

-- ta.ppo_value: the distance of two averages in per cent of the slow one.
-- Formula: (fast_ema - slow_ema) / slow_ema * 100, where fast_ema = ta.ema_state(x, n, fast, …) and
--   slow_ema = ta.ema_state(x, n, slow, …): two averages that both begin at the first bar. (Inside MACD the fast one
--   begins later: another state.)
-- Parameters: fast_ema, slow_ema as above.
-- Warm-up: the caller's: meaningful from value `slow` on.
-- Bounds: above -100 for x > 0.
-- NULL: NULL where an argument is NULL.
-- Flat: 0, up to a rounding.
-- TA-Lib: the last step of PPO; where slow_ema is as good as zero both give 0, TA-Lib below 1e-14, we below 1e-14 of
--   fast_ema, so that x may be small.
CREATE OR REPLACE FUNCTION ta.ppo_value(fast_ema float8, slow_ema float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN abs(slow_ema) * 1e14::float8 <= abs(fast_ema) THEN 0.0::float8
        ELSE (fast_ema - slow_ema) / slow_ema * 100.0::float8
    END
$$;

-- ta.ppo_accumulate: state of the three aggregates:
-- {values seen, fast EMA, slow EMA, signal, fast period, slow period, signal period}.
-- As in TA-Lib periods given the wrong way round are swapped.
CREATE OR REPLACE FUNCTION ta.ppo_accumulate(
    state float8[], x float8, fast int, slow int, signal int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    n bigint := state[1]::bigint + 1;
    -- Not least and greatest, which pass over a NULL.
    shorter int := CASE WHEN fast > slow THEN slow WHEN slow >= fast THEN fast END;
    longer int := CASE WHEN fast > slow THEN fast WHEN slow >= fast THEN slow END;
    fast_ema float8 := ta.ema_step(state[2], x, n, shorter);
    slow_ema float8 := ta.ema_step(state[3], x, n, longer);
BEGIN
    RETURN CASE
        WHEN x IS NULL THEN state
        ELSE ARRAY[
            n::float8,
            fast_ema,
            slow_ema,
            ta.ema_step(state[4], ta.ppo_value(fast_ema, slow_ema), n - longer + 1, signal),
            shorter::float8,
            longer::float8,
            signal::float8
        ]
    END;
END
$$;

-- ta.ppo_is_warm: whether the oscillator (lines = 1) or its signal too (lines = 2) has a value.
CREATE OR REPLACE FUNCTION ta.ppo_is_warm(state float8[], lines int) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN state[5] >= 1.0::float8 AND state[7] >= 1.0::float8
        AND state[1] >= state[6] + CASE WHEN lines > 1 THEN state[7] - 1.0::float8 ELSE 0.0::float8 END;
END
$$;

-- ta.ppo_result, ta.ppo_signal_result, ta.ppo_hist_result: mask the warm-up and pick a line.
CREATE OR REPLACE FUNCTION ta.ppo_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN ta.ppo_is_warm(state, 1) THEN ta.ppo_value(state[2], state[3]) END;
END
$$;

CREATE OR REPLACE FUNCTION ta.ppo_signal_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN ta.ppo_is_warm(state, 2) THEN state[4] END;
END
$$;

CREATE OR REPLACE FUNCTION ta.ppo_hist_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN ta.ppo_is_warm(state, 2) THEN ta.ppo_value(state[2], state[3]) - state[4] END;
END
$$;

-- ta.ppo: percentage price oscillator, for any table.
-- Usage: ta.ppo(close, 12, 26, 9) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first row.
-- Formula: ta.ppo_value of two ta.ema_step.
-- Parameters: x; fast, slow, signal >= 1 (the same on every row; fast and slow are swapped if fast > slow). `signal`
--   changes nothing here: it is there so that the three aggregates are called alike and share one state.
-- Warm-up: NULL until the value number `slow`.
-- Bounds: above -100 for x > 0.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; a period < 1 gives NULL.
-- Flat: 0, up to a rounding.
-- TA-Lib: PPO with matype 1 (EMA).
CREATE OR REPLACE AGGREGATE ta.ppo(x float8, fast int, slow int, signal int) (
    SFUNC = ta.ppo_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.ppo_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);

-- ta.ppo_signal: PPO signal line, for any table.
-- Usage: ta.ppo_signal(close, 12, 26, 9) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the
--   first row.
-- Formula: ta.ema_step of ta.ppo_value, n counted from bar `slow`: seeded by the mean of the first `signal` values of
--   PPO, as TA-Lib seeds the signal of MACD.
-- Parameters: as ta.ppo.
-- Warm-up: NULL until the value number slow + signal - 1 (34 for 12/26/9).
-- Bounds: above -100 for x > 0.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; a period < 1 gives NULL.
-- Flat: 0, up to a rounding.
-- TA-Lib: none; FOLLOWED bukosabino/cs-ppo (StockCharts) bar by bar. That sheet, as pandas, begins each average with
--   its first value instead of a mean; after some 150 bars the difference is below 0.001 %.
CREATE OR REPLACE AGGREGATE ta.ppo_signal(x float8, fast int, slow int, signal int) (
    SFUNC = ta.ppo_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.ppo_signal_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);

-- ta.ppo_hist: PPO histogram, for any table.
-- Usage: ta.ppo_hist(close, 12, 26, 9) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first
--   row.
-- Formula: ta.ppo - ta.ppo_signal.
-- Parameters: as ta.ppo.
-- Warm-up: NULL until the value number slow + signal - 1 (34 for 12/26/9).
-- Bounds: none; may be negative.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; a period < 1 gives NULL.
-- Flat: 0, up to a rounding.
-- TA-Lib: none; FOLLOWED bukosabino/cs-ppo (StockCharts), as ta.ppo_signal.
CREATE OR REPLACE AGGREGATE ta.ppo_hist(x float8, fast int, slow int, signal int) (
    SFUNC = ta.ppo_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.ppo_hist_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);

-- ta.trix_value: the change of a triple average in per cent.
-- Formula: (ema_3 - previous_ema_3) / previous_ema_3 * 100, where ema_1 = ta.ema_state(x, n, period, …),
--   ema_2 = ta.ema_state(ema_1, n - period + 1, period, …) and
--   ema_3 = ta.ema_state(ema_2, n - 2 * period + 2, period, …).
-- Parameters: ema_3 of this bar, previous_ema_3 of the bar before.
-- Warm-up: the caller's: meaningful from value 3 * period - 1 on.
-- Bounds: above -100 for x > 0.
-- NULL: NULL where an argument is NULL.
-- Flat: 0, up to a rounding; 0 where previous_ema_3 is below 1e-14 of ema_3.
-- TA-Lib: the last step of TRIX, which takes 1 from a quotient instead: its own rounding is 1e-14 per cent.
CREATE OR REPLACE FUNCTION ta.trix_value(ema_3 float8, previous_ema_3 float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN abs(previous_ema_3) * 1e14::float8 <= abs(ema_3) THEN 0.0::float8
        ELSE (ema_3 - previous_ema_3) / previous_ema_3 * 100.0::float8
    END
$$;

-- ta.trix_result: masks the warm-up of ta.trix.
CREATE OR REPLACE FUNCTION ta.trix_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN state[1] >= 3.0::float8 * state[6] - 1.0::float8 THEN ta.trix_value(state[4], state[5])
    END;
END
$$;

-- ta.trix: one-bar change of a triple exponential average, for any table.
-- Usage: ta.trix(close, 15) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first row.
-- Formula: ta.trix_value of nested ta.ema_step (ta.triple_ema_accumulate).
-- Parameters: x; period >= 1 (the same on every row).
-- Warm-up: NULL until the value number 3 * period - 1 (44 for 15).
-- Bounds: above -100 for x > 0.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 1 gives NULL.
-- Flat: 0, up to a rounding.
-- TA-Lib: TRIX.
CREATE OR REPLACE AGGREGATE ta.trix(x float8, period int) (
    SFUNC = ta.triple_ema_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.trix_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);
