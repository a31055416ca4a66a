-- Family: double and triple exponential moving averages (DEMA, TEMA).
-- Author: Patrick G. Mulloy, Stocks & Commodities (1994); the means as seeds are TA-Lib's convention.
-- Source: TA-Lib 0.8.
-- Read by: the indicator store (ta.dema_value, ta.tema_value over ta.ema_state), analysts (ta.dema, ta.tema),
--   41_ppo_trix.sql.
-- Units: those of x.

-- ta.dema_value: DEMA from two nested averages.
-- Formula: 2 * ema_1 - ema_2, where ema_1 = ta.ema_state(x, n, period, …) and
--   ema_2 = ta.ema_state(ema_1, n - period + 1, period, …), begun at the first value of ema_1.
-- Parameters: ema_1, ema_2 as above.
-- Warm-up: the caller's: meaningful from value 2 * period - 1 on.
-- Bounds: none: it overshoots.
-- NULL: NULL where an argument is NULL.
-- Flat: x, up to a rounding.
-- TA-Lib: the last step of DEMA.
CREATE OR REPLACE FUNCTION ta.dema_value(ema_1 float8, ema_2 float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT 2.0::float8 * ema_1 - ema_2
$$;

-- ta.tema_value: TEMA from three nested averages.
-- Formula: ema_3 + 3 * ema_1 - 3 * ema_2, ema_1 and ema_2 as for ta.dema_value and
--   ema_3 = ta.ema_state(ema_2, n - 2 * period + 2, period, …), begun at the first value of ema_2.
-- Parameters: ema_1, ema_2, ema_3 as above.
-- Warm-up: the caller's: meaningful from value 3 * period - 2 on.
-- Bounds: none: it overshoots.
-- NULL: NULL where an argument is NULL.
-- Flat: x, up to a rounding.
-- TA-Lib: the last step of TEMA.
CREATE OR REPLACE FUNCTION ta.tema_value(ema_1 float8, ema_2 float8, ema_3 float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT ema_3 + 3.0::float8 * ema_1 - 3.0::float8 * ema_2
$$;

-- ta.triple_ema_accumulate: state of ta.dema, ta.tema and ta.trix:
-- {values seen, EMA, EMA of the EMA, EMA of that, the last one's value before, period}; an average is a partial sum
-- until it is warm, and the next one begins only then.
CREATE OR REPLACE FUNCTION ta.triple_ema_accumulate(state float8[], x float8, period int) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    n bigint := state[1]::bigint + 1;
    ema_1 float8 := ta.ema_step(state[2], x, n, period);
    ema_2 float8 := ta.ema_step(state[3], ema_1, n - period + 1, period);
    ema_3 float8 := ta.ema_step(state[4], ema_2, n - period + 1 - period + 1, period);
BEGIN
    RETURN CASE
        WHEN x IS NULL THEN state
        ELSE ARRAY[n::float8, ema_1, ema_2, ema_3, state[4], period::float8]
    END;
END
$$;

-- ta.dema_result, ta.tema_result: mask the warm-up.
CREATE OR REPLACE FUNCTION ta.dema_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN state[1] >= 2.0::float8 * state[6] - 1.0::float8 THEN ta.dema_value(state[2], state[3]) END;
END
$$;

CREATE OR REPLACE FUNCTION ta.tema_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN state[1] >= 3.0::float8 * state[6] - 2.0::float8 THEN ta.tema_value(state[2], state[3], state[4])
    END;
END
$$;

-- ta.dema: double exponential moving average, for any table.
-- Usage: ta.dema(close, 20) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first row.
-- Formula: ta.dema_value of nested ta.ema_step.
-- Parameters: x; period >= 1 (the same on every row).
-- Warm-up: NULL until the value number 2 * period - 1.
-- Bounds: none: it overshoots.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 1 gives NULL.
-- Flat: x, up to a rounding.
-- TA-Lib: DEMA. (Stock.Indicators begins the second average with one value, not with a mean; Tulip both.)
CREATE OR REPLACE AGGREGATE ta.dema(x float8, period int) (
    SFUNC = ta.triple_ema_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.dema_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);

-- ta.tema: triple exponential moving average, for any table.
-- Usage: ta.tema(close, 20) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first row.
-- Formula: ta.tema_value of nested ta.ema_step.
-- Parameters: x; period >= 1 (the same on every row).
-- Warm-up: NULL until the value number 3 * period - 2.
-- Bounds: none: it overshoots.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 1 gives NULL.
-- Flat: x, up to a rounding.
-- TA-Lib: TEMA.
CREATE OR REPLACE AGGREGATE ta.tema(x float8, period int) (
    SFUNC = ta.triple_ema_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.tema_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);
