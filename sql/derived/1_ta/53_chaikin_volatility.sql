-- Family: Chaikin volatility.
-- Author: Marc Chaikin (1980s).
-- Source: Tulip (cvi).
-- Read by: sql/queries/indicators (ta.chaikin_volatility_value over ta.ema_state now and before), analysts.
-- Units: per cent.

-- ta.chaikin_volatility_value: change of the averaged range, in per cent.
-- Formula: (ema - ema_before) / ema_before * 100.
-- Parameters: ema = ta.ema_state of high - low; ema_before = the same, change_period bars before.
-- Warm-up: the caller's: meaningful from bar period + change_period on.
-- Bounds: >= -100.
-- NULL: NULL where an argument is NULL or ema_before is below 1e-200.
-- Flat: undefined (NULL) where no bar has had a range; else it tends to a constant below 0 until the average has
--   decayed below 1e-200.
-- TA-Lib: none; Tulip (cvi), whose EMA begins with the first range, not with a mean.
CREATE OR REPLACE FUNCTION ta.chaikin_volatility_value(ema float8, ema_before float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE WHEN ema_before >= 1e-200::float8 THEN (ema - ema_before) / ema_before * 100.0::float8 END
$$;

-- ta.chaikin_volatility_accumulate: state of ta.chaikin_volatility: {bars seen, EMA or partial sum of the range}
-- and, behind them, the window of the EMAs.
CREATE OR REPLACE FUNCTION ta.chaikin_volatility_accumulate(
    state float8[], high float8, low float8, period int, change_period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    n bigint := state[1]::bigint + 1;
    ema float8 := ta.ema_step(state[2], high - low, n, period);
BEGIN
    RETURN CASE
        WHEN high IS NULL OR low IS NULL THEN state
        ELSE ARRAY[n::float8, ema] || ta.window_push(
            state[3:],
            ARRAY[CASE WHEN n >= period THEN ema END],
            CASE WHEN change_period >= 1 THEN change_period + 1 END
        )
    END;
END
$$;

-- ta.chaikin_volatility_result: the newest against the oldest average of a full window.
CREATE OR REPLACE FUNCTION ta.chaikin_volatility_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN ta.window_is_full(state[3:]) THEN ta.chaikin_volatility_value(
            state[2], (ta.window_column(state[3:], 1))[1]
        )
    END;
END
$$;

-- ta.chaikin_volatility: change of the averaged range, in per cent, for any table.
-- Usage: ta.chaikin_volatility(high, low, 10, 10) OVER (PARTITION BY symbol ORDER BY open_at).
--   The frame must begin at the first row.
-- Formula: EMA(high - low, period) against the same change_period bars before, in per cent.
-- Parameters: high, low; period, change_period >= 1 (the same on every row).
-- Warm-up: NULL until the bar number period + change_period.
-- Bounds: >= -100.
-- NULL: a row with a NULL input is skipped: it counts for nothing and shows the value so far; a period < 1
--   gives NULL.
-- Flat: undefined (NULL) where no bar has had a range.
-- TA-Lib: none; Tulip (cvi), whose EMA begins with the first range, not with a mean.
CREATE OR REPLACE AGGREGATE ta.chaikin_volatility(high float8, low float8, period int, change_period int) (
    SFUNC = ta.chaikin_volatility_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.chaikin_volatility_result,
    INITCOND = '{0,NULL}',
    PARALLEL = SAFE
);
