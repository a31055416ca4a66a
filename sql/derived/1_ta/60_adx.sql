-- Family: directional movement, the directional indicators (+DI, -DI), DX and the average directional index (ADX).
-- Author: J. Welles Wilder Jr., New Concepts in Technical Trading Systems (1978).
-- Read by: market.indicator_rows (ta.plus_dm, ta.minus_dm, ta.di, ta.dx), analysts (ta.adx, ta.plus_di, ta.minus_di),
--   62_parabolic_sar.sql.
-- Units: directional movement that of the price; DI, DX and ADX 0 to 100.

-- ta.plus_dm: upward directional movement of one bar.
-- Formula: high - previous_high where that is positive and greater than previous_low - low, else 0.
-- Parameters: high, low of the bar; previous_high, previous_low of the bar before.
-- Warm-up: from bar 2 on.
-- Bounds: >= 0.
-- NULL: NULL where previous_high or previous_low is NULL (the first bar); high and low must not be NULL.
-- Flat: 0.
-- TA-Lib: PLUS_DM with period 1.
CREATE OR REPLACE FUNCTION ta.plus_dm(
    high float8, low float8, previous_high float8, previous_low float8
) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN high > previous_high AND high - previous_high > previous_low - low THEN high - previous_high
        WHEN previous_high IS NOT NULL AND previous_low IS NOT NULL THEN 0.0::float8
    END
$$;

-- ta.minus_dm: downward directional movement of one bar.
-- Formula: previous_low - low where that is positive and greater than high - previous_high, else 0.
-- Parameters, warm-up, bounds, NULL, flat: as ta.plus_dm.
-- TA-Lib: MINUS_DM with period 1.
CREATE OR REPLACE FUNCTION ta.minus_dm(
    high float8, low float8, previous_high float8, previous_low float8
) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN previous_low > low AND previous_low - low > high - previous_high THEN previous_low - low
        WHEN previous_high IS NOT NULL AND previous_low IS NOT NULL THEN 0.0::float8
    END
$$;

-- ta.di: directional indicator from two of the decaying sums.
-- Formula: 100 * (dm_sum / tr_sum); 0 where tr_sum is 0.
-- Parameters: dm_sum, tr_sum: ta.wilder_sum_state of ta.plus_dm or ta.minus_dm, and of ta.true_range.
-- Warm-up: the caller's: meaningful from bar period + 1 on.
-- Bounds: 0 to 100.
-- NULL: NULL where an argument is NULL.
-- Flat: 0 where tr_sum is below 1e-250 (see ta.dx); until then it stays, as both sums decay alike.
-- TA-Lib: the last step of PLUS_DI and MINUS_DI with a period of 2 or more; with period 1 theirs is not times 100.
CREATE OR REPLACE FUNCTION ta.di(dm_sum float8, tr_sum float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN tr_sum < 1e-250::float8 THEN 0.0::float8
        ELSE 100.0::float8 * (dm_sum / tr_sum)
    END
$$;

-- ta.dx: directional index from the three decaying sums.
-- Formula: +DI = 100 * (plus_dm_sum / tr_sum), -DI likewise; 100 * (abs(-DI - +DI) / (-DI + +DI)).
-- Parameters: plus_dm_sum, minus_dm_sum, tr_sum: ta.wilder_sum_state of ta.plus_dm, ta.minus_dm,
--   ta.true_range.
-- Warm-up: the caller's: meaningful from bar period + 1 on.
-- Bounds: 0 to 100.
-- NULL: NULL where an argument is NULL, and where undefined: -DI + +DI below 1e-14 as in TA-Lib, whose ADX
--   skips such bars, or tr_sum below 1e-250. TA-Lib >= 0.8.1 tests that one for an exact zero (before: below
--   1e-14, which hit low-priced instruments); 1e-250 is that zero, before the guard of ta.wilder_sum_step
--   drops one of the sums.
-- Flat: undefined (NULL).
-- TA-Lib: DX (which repeats its last value where this is NULL).
CREATE OR REPLACE FUNCTION ta.dx(plus_dm_sum float8, minus_dm_sum float8, tr_sum float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN tr_sum < 1e-250::float8 THEN NULL::float8
        WHEN 100.0::float8 * (minus_dm_sum / tr_sum) + 100.0::float8 * (plus_dm_sum / tr_sum) >= 1e-14::float8
            THEN 100.0::float8 * (
                abs(100.0::float8 * (minus_dm_sum / tr_sum) - 100.0::float8 * (plus_dm_sum / tr_sum))
                / (100.0::float8 * (minus_dm_sum / tr_sum) + 100.0::float8 * (plus_dm_sum / tr_sum))
            )
    END
$$;

-- ta.adx_accumulate: state of ta.adx:
-- {bars seen, last high, last low, last close, +DM sum, -DM sum, TR sum, average or partial sum of DX,
--   period}.
CREATE OR REPLACE FUNCTION ta.adx_accumulate(
    state float8[], high float8, low float8, close float8, period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    n bigint := state[1]::bigint;
    plus_sum float8 := ta.wilder_sum_step(state[5], ta.plus_dm(high, low, state[2], state[3]), n, period);
    minus_sum float8 := ta.wilder_sum_step(state[6], ta.minus_dm(high, low, state[2], state[3]), n, period);
    tr_sum float8 := ta.wilder_sum_step(state[7], ta.true_range(high, low, state[4]), n, period);
BEGIN
    RETURN CASE
        WHEN high IS NULL OR low IS NULL OR close IS NULL THEN state
        ELSE ARRAY[
            (n + 1)::float8,
            high,
            low,
            close,
            plus_sum,
            minus_sum,
            tr_sum,
            ta.wilder_step(state[8], ta.dx(plus_sum, minus_sum, tr_sum), n - period + 1, period),
            period::float8
        ]
    END;
END
$$;

-- ta.adx_result: masks the warm-up of ta.adx.
CREATE OR REPLACE FUNCTION ta.adx_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN state[1] >= state[9] * 2.0::float8 THEN state[8] END;
END
$$;

-- ta.adx: average directional index, for any table.
-- Usage: ta.adx(high, low, close, 14) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at
--   the first row.
-- Formula: Wilder average (ta.wilder_step) of ta.dx of the decaying sums (ta.wilder_sum_step) of +DM, -DM and
--   TR.
-- Parameters: high, low, close; period >= 2 (the same on every row).
-- Warm-up: NULL until the bar number 2 * period.
-- Bounds: 0 to 100.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; period < 1
--   gives NULL.
-- Flat: 0 while nothing has moved; after a move it tends to the last DX and stays.
-- TA-Lib: ADX.
CREATE OR REPLACE AGGREGATE ta.adx(high float8, low float8, close float8, period int) (
    SFUNC = ta.adx_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.adx_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);

-- ta.plus_di_result: masks the warm-up of ta.plus_di.
CREATE OR REPLACE FUNCTION ta.plus_di_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN state[1] > state[9] THEN ta.di(state[5], state[7]) END;
END
$$;

-- ta.minus_di_result: masks the warm-up of ta.minus_di.
CREATE OR REPLACE FUNCTION ta.minus_di_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN state[1] > state[9] THEN ta.di(state[6], state[7]) END;
END
$$;

-- ta.plus_di: upward directional indicator (+DI), for any table.
-- Usage: ta.plus_di(high, low, close, 14) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at
--   the first row.
-- Formula: ta.di of the decaying sums (ta.wilder_sum_step) of +DM and TR.
-- Parameters: high, low, close; period >= 1, 2 for TA-Lib's values (the same on every row).
-- Warm-up: NULL until the bar number period + 1.
-- Bounds: 0 to 100.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; period < 1
--   gives NULL.
-- Flat: 0 while nothing has moved; after a move it stays, until the sums have died out (see ta.di).
-- TA-Lib: PLUS_DI; with period 1 theirs is not times 100.
CREATE OR REPLACE AGGREGATE ta.plus_di(high float8, low float8, close float8, period int) (
    SFUNC = ta.adx_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.plus_di_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);

-- ta.minus_di: downward directional indicator (-DI), for any table.
-- Usage: ta.minus_di(high, low, close, 14) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at
--   the first row.
-- Formula: ta.di of the decaying sums (ta.wilder_sum_step) of -DM and TR.
-- Parameters: high, low, close; period >= 1, 2 for TA-Lib's values (the same on every row).
-- Warm-up: NULL until the bar number period + 1.
-- Bounds: 0 to 100.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; period < 1
--   gives NULL.
-- Flat: 0 while nothing has moved; after a move it stays, until the sums have died out (see ta.di).
-- TA-Lib: MINUS_DI; with period 1 theirs is not times 100.
CREATE OR REPLACE AGGREGATE ta.minus_di(high float8, low float8, close float8, period int) (
    SFUNC = ta.adx_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.minus_di_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);
