-- Family: true strength index (TSI).
-- Author: William Blau.
-- Source: Blau, True Strength Index, Technical Analysis of Stocks & Commodities 9:11 (1991).
-- Read by: sql/queries/indicators (ta.tsi_value over nested ta.ema_state), analysts (ta.tsi).
-- Units: -100 to 100.

-- ta.tsi_value: TSI from two twice smoothed averages.
-- Formula: 100 * (change / absolute_change).
-- Parameters: change = EMA(short) of EMA(long) of x - previous x; absolute_change = the same of its absolute value,
--   both by ta.ema_step, whose seeds are plain means: EMA(long) counts from value 2 on, EMA(short) from value
--   long + 1 on.
-- Warm-up: the caller's: meaningful from value long + short on.
-- Bounds: -100 to 100, up to the last rounding.
-- NULL: NULL where an argument is NULL.
-- Flat: 0 where absolute_change is below 1e-250 (a zero, before the guard of ta.ema_step drops it).
-- TA-Lib: none; skender and lean (TSI 25, 13), to the last bit.
CREATE OR REPLACE FUNCTION ta.tsi_value(change float8, absolute_change float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN absolute_change < 1e-250::float8 THEN 0.0::float8
        ELSE 100.0::float8 * (change / absolute_change)
    END
$$;

-- ta.tsi_accumulate: state of ta.tsi: {values seen, last x, EMA(long) of the change, EMA(short) of that, EMA(long)
--   of the absolute change, EMA(short) of that, long period, short period}.
CREATE OR REPLACE FUNCTION ta.tsi_accumulate(
    state float8[], x float8, long_period int, short_period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    n bigint := state[1]::bigint;
    change float8 := x - state[2];
    slow_change float8 := ta.ema_step(state[3], change, n, long_period);
    slow_absolute float8 := ta.ema_step(state[5], abs(change), n, long_period);
BEGIN
    RETURN CASE
        WHEN x IS NULL THEN state
        ELSE ARRAY[
            (n + 1)::float8,
            x,
            slow_change,
            ta.ema_step(state[4], slow_change, n - long_period + 1, short_period),
            slow_absolute,
            ta.ema_step(state[6], slow_absolute, n - long_period + 1, short_period),
            long_period::float8,
            short_period::float8
        ]
    END;
END
$$;

-- ta.tsi_result: masks the warm-up of ta.tsi.
CREATE OR REPLACE FUNCTION ta.tsi_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN state[1] >= state[7] + state[8] THEN ta.tsi_value(state[4], state[6]) END;
END
$$;

-- ta.tsi: true strength index, for any table.
-- Usage: ta.tsi(close, 25, 13) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first row.
-- Formula: ta.tsi_value of nested ta.ema_step of the change and of its absolute value.
-- Parameters: x; long_period (applied first), short_period >= 1 (the same on every row).
-- Warm-up: NULL until the value number long_period + short_period.
-- Bounds: -100 to 100, up to the last rounding.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; a period < 1 gives NULL.
-- Flat: 0 while nothing has moved; after a move it tends to a value that stays until both averages have decayed
--   below 1e-250 (some 7,000 flat bars), then 0.
-- TA-Lib: none; skender and lean (TSI 25, 13), to the last bit.
CREATE OR REPLACE AGGREGATE ta.tsi(x float8, long_period int, short_period int) (
    SFUNC = ta.tsi_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.tsi_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);
