-- Family: SuperTrend, a trailing stop at some average true ranges from the middle of the bar.
-- Author: Olivier Seban.
-- Source: TA-Lib 0.8 (SUPERTREND); Stock.Indicators (DaveSkender) gives the same 502 rows of its own baseline.
--   Charts that start the first trend short, as TradingView does, differ until the first turn.
-- Read by: market.indicator_rows (ta.supertrend_step, ta.supertrend_state), analysts (ta.supertrend,
--   ta.supertrend_direction).
-- Units: those of the price; the direction is 1 (up) or -1 (down).

-- ta.supertrend_step: the ONE formula of SuperTrend, one bar further.
-- Formula: state {line, direction, upper band, lower band, close}, 5 long. Bands = (high + low) / 2 +- multiplier
--   * atr; the upper one only falls, unless the close before was above it; the lower one only rises, unless the
--   close before was below it. Up turns down at a close below the lower band, down turns up at a close above the
--   upper. Line = lower band while up, upper band while down. The first bar is up.
-- Parameters: state = result for the bar before; high, low, close of the bar; atr of the bar (ta.wilder_state of
--   ta.true_range); n = 1 at the first bar whose atr is defined, that is bar number - period; multiplier >= 0;
--   seed = state to go on from where `state` is NULL (the first row of a resumed aggregate); NULL otherwise.
-- Warm-up: NULL before n = 1.
-- Bounds: none; the line may lie on the far side of the close right after a turn.
-- NULL: n < 1 gives NULL; a NULL input leaves the state as it is (and n should not count the bar); no state where
--   one is needed (n > 1) gives NULL, never a silent restart; a NULL or negative multiplier gives NULL.
-- Flat: stays up, on the price as the atr dies out; an atr below 1e-250 counts as 0, since float8 underflow is an
--   error in PostgreSQL.
-- TA-Lib: SUPERTREND (one iteration of its loop).
CREATE OR REPLACE FUNCTION ta.supertrend_step(
    state float8[], high float8, low float8, close float8, atr float8, n bigint, multiplier float8,
    seed float8[] DEFAULT NULL
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    known float8[] := coalesce(state, seed);
    upper_band float8;
    lower_band float8;
    direction float8 := 1.0::float8;
BEGIN
    IF (n >= 1 AND multiplier >= 0.0::float8) IS NOT TRUE THEN
        RETURN NULL;
    END IF;
    IF high IS NULL OR low IS NULL OR close IS NULL OR atr IS NULL OR n > 1 AND known IS NULL THEN
        RETURN known;
    END IF;
    upper_band := (high + low) / 2.0::float8;
    lower_band := upper_band;
    IF atr >= 1e-250::float8 THEN
        upper_band := upper_band + multiplier * atr;
        lower_band := lower_band - multiplier * atr;
    END IF;
    IF n > 1 THEN
        IF upper_band >= known[3] AND known[5] <= known[3] THEN
            upper_band := known[3];
        END IF;
        IF lower_band <= known[4] AND known[5] >= known[4] THEN
            lower_band := known[4];
        END IF;
        direction := CASE
            WHEN known[2] > 0.0::float8 AND close < lower_band THEN -1.0::float8
            WHEN known[2] < 0.0::float8 AND close > upper_band THEN 1.0::float8
            ELSE known[2]
        END;
    END IF;
    RETURN ARRAY[
        CASE WHEN direction > 0.0::float8 THEN lower_band ELSE upper_band END,
        direction,
        upper_band,
        lower_band,
        close
    ];
END
$$;

-- ta.supertrend_state: ta.supertrend_step as a resumable aggregate; elements 1 and 2 of the result are
--   the line and the direction.
-- Usage: ta.supertrend_state(high, low, close, atr, n - 10, 3.0, seed) OVER (PARTITION BY instrument_id ORDER BY
--   open_at), with atr = ta.wilder_state(true range, n - 1, 10, …).
-- Parameters, warm-up, NULL, flat: as ta.supertrend_step; seed = the state stored with the last bar before these
--   rows.
-- TA-Lib: SUPERTREND.
CREATE OR REPLACE AGGREGATE ta.supertrend_state(
    high float8, low float8, close float8, atr float8, n bigint, multiplier float8, seed float8[]
) (
    SFUNC = ta.supertrend_step,
    STYPE = float8[],
    PARALLEL = SAFE
);

-- ta.supertrend_accumulate: state of the SuperTrend aggregates:
-- {bars seen, average true range or partial sum, last close, then the state of ta.supertrend_step}.
CREATE OR REPLACE FUNCTION ta.supertrend_accumulate(
    state float8[], high float8, low float8, close float8, period int, multiplier float8
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    n bigint := state[1]::bigint;
    atr float8 := ta.wilder_step(state[2], ta.true_range(high, low, state[3]), n, period);
BEGIN
    IF high IS NULL OR low IS NULL OR close IS NULL THEN
        RETURN state;
    END IF;
    RETURN ARRAY[(n + 1)::float8, atr, close]
        || ta.supertrend_step(state[4:8], high, low, close, atr, n + 1 - period, multiplier);
END
$$;

-- ta.supertrend_result: the line out of the state.
CREATE OR REPLACE FUNCTION ta.supertrend_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN state[4];
END
$$;

-- ta.supertrend_direction_result: the direction out of the state.
CREATE OR REPLACE FUNCTION ta.supertrend_direction_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN state[5];
END
$$;

-- ta.supertrend: SuperTrend line, for any table.
-- Usage: ta.supertrend(high, low, close, 10, 3.0) OVER (PARTITION BY symbol ORDER BY open_at). The frame must
--   begin at the first row.
-- Formula: ta.supertrend_step with the Wilder average of ta.true_range.
-- Parameters: high, low, close; period >= 1 of the average, 2 for TA-Lib's values; multiplier >= 0 (the same on
--   every row).
-- Warm-up: NULL until the bar number period + 1.
-- Bounds: none; may turn negative where the range is large against the price.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; period < 1 or a
--   negative multiplier gives NULL.
-- Flat: the price.
-- TA-Lib: SUPERTREND (first output).
CREATE OR REPLACE AGGREGATE ta.supertrend(
    high float8, low float8, close float8, period int, multiplier float8
) (
    SFUNC = ta.supertrend_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.supertrend_result,
    INITCOND = '{0,NULL,NULL}',
    PARALLEL = SAFE
);

-- ta.supertrend_direction: direction of SuperTrend, 1 up or -1 down, for any table.
-- Usage: ta.supertrend_direction(high, low, close, 10, 3.0) OVER (PARTITION BY symbol ORDER BY open_at). The
--   frame must begin at the first row.
-- Formula: ta.supertrend_step with the Wilder average of ta.true_range.
-- Parameters: high, low, close; period >= 1 of the average, 2 for TA-Lib's values; multiplier >= 0 (the same on
--   every row).
-- Warm-up: NULL until the bar number period + 1.
-- Bounds: -1 or 1.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; period < 1 or a
--   negative multiplier gives NULL.
-- Flat: stays.
-- TA-Lib: SUPERTREND (second output).
CREATE OR REPLACE AGGREGATE ta.supertrend_direction(
    high float8, low float8, close float8, period int, multiplier float8
) (
    SFUNC = ta.supertrend_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.supertrend_direction_result,
    INITCOND = '{0,NULL,NULL}',
    PARALLEL = SAFE
);
