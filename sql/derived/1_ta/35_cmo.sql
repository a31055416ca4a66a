-- Family: Chande momentum oscillator (CMO), with Wilder's smoothing as in TA-Lib.
-- Author: Tushar Chande; smoothed by TA-Lib (Chande took plain sums, as skender and tulip do: other numbers).
-- Source: Chande and Kroll, The New Technical Trader (1994).
-- Read by: sql/queries/indicators (ta.cmo_value over the two ta.wilder_state of the RSI), analysts (ta.cmo).
-- Units: -100 to 100.

-- ta.cmo_value: CMO from the two Wilder averages of the RSI of the same period.
-- Formula: 100 * ((avg_gain - avg_loss) / (avg_gain + avg_loss)).
-- Parameters: avg_gain, avg_loss >= 0: Wilder averages of greatest(change, 0) and greatest(-change, 0).
-- Warm-up: the caller's: meaningful from bar period + 1 on.
-- Bounds: -100 to 100.
-- NULL: NULL where an argument is NULL.
-- Flat: 0 where avg_gain + avg_loss is below 1e-250 (an exact zero in TA-Lib; see ta.rsi_value).
-- TA-Lib: the last step of CMO.
CREATE OR REPLACE FUNCTION ta.cmo_value(avg_gain float8, avg_loss float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN avg_gain + avg_loss < 1e-250::float8 THEN 0.0::float8
        ELSE 100.0::float8 * ((avg_gain - avg_loss) / (avg_gain + avg_loss))
    END
$$;

-- ta.cmo_result: masks the warm-up of ta.cmo; the state is that of ta.rsi_accumulate.
CREATE OR REPLACE FUNCTION ta.cmo_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN state[1] > state[5] THEN ta.cmo_value(state[3], state[4]) END;
END
$$;

-- ta.cmo: Chande momentum oscillator, for any table.
-- Usage: ta.cmo(close, 14) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first row.
-- Formula: ta.cmo_value of the Wilder averages (ta.wilder_step) of gains and losses.
-- Parameters: x; period >= 2 for TA-Lib's values (the same on every row).
-- Warm-up: NULL until the value number period + 1.
-- Bounds: -100 to 100.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 1 gives NULL.
-- Flat: 0 while nothing has moved; after a move the last value stays until both averages have decayed below
--   1e-250 (some 7,800 flat bars), then 0.
-- TA-Lib: CMO.
CREATE OR REPLACE AGGREGATE ta.cmo(x float8, period int) (
    SFUNC = ta.rsi_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.cmo_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);
