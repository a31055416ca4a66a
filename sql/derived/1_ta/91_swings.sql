-- Family: swing highs and lows, and the levels of support and resistance that they make.
-- Author: Bill Williams (fractals); the levels are our own clustering.
-- Source: B. Williams, Trading Chaos (1995), with any number of bars on each side instead of two.
-- Read by: market.indicator_rows (ta.swing_high_value, ta.swing_low_value, ta.swing_step, ta.swing_state), analysts
--   (ta.swing_high, ta.swing_low, ta.levels).
-- Units: those of the price.
-- A swing is known only when the bars after it have closed: at the bar that confirms it, never at its own.

-- ta.swing_high_value: the price of a bar that is a swing high.
-- Formula: middle where it is above before and above after, else NULL. Equal highs make no swing.
-- Parameters: middle: high of the bar k bars ago; before, after: greatest high of the k bars before and after it.
-- Warm-up: the caller's: k bars on each side, so from bar 2 * k + 1 on.
-- Bounds: middle.
-- NULL: NULL where it is no swing or an argument is NULL.
-- Flat: NULL.
-- TA-Lib: FRACTAL with k bars on the left and on the right (swinghigh <> 0).
CREATE OR REPLACE FUNCTION ta.swing_high_value(middle float8, before float8, after float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE WHEN middle > before AND middle > after THEN middle END
$$;

-- ta.swing_low_value: the price of a bar that is a swing low.
-- Formula: middle where it is below before and below after, else NULL. Equal lows make no swing.
-- Parameters: middle: low of the bar k bars ago; before, after: least low of the k bars before and after it.
-- Warm-up: the caller's: k bars on each side, so from bar 2 * k + 1 on.
-- Bounds: middle.
-- NULL: NULL where it is no swing or an argument is NULL.
-- Flat: NULL.
-- TA-Lib: FRACTAL with k bars on the left and on the right (swinglow <> 0).
CREATE OR REPLACE FUNCTION ta.swing_low_value(middle float8, before float8, after float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE WHEN middle < before AND middle < after THEN middle END
$$;

-- ta.swing_step: the last confirmed swing, one bar further.
-- Formula: the swing that this bar confirms, else the state.
-- Parameters: state = result for the bar before; confirmed = ta.swing_high_value or ta.swing_low_value at the bar;
--   seed = state to go on from where `state` is NULL (the first row of a resumed aggregate); NULL otherwise.
-- Warm-up: NULL until the first swing.
-- Bounds: within the least low and the greatest high so far.
-- NULL: as the warm-up.
-- Flat: stays.
-- TA-Lib: none; FRACTAL, carried forward, which is Stock.Indicators' fcb (DaveSkender).
CREATE OR REPLACE FUNCTION ta.swing_step(
    state float8, confirmed float8, seed float8 DEFAULT NULL
) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN coalesce(confirmed, state, seed);
END
$$;

-- ta.swing_state: ta.swing_step as a resumable aggregate; the result is the column itself.
-- Usage: ta.swing_state(confirmed, seed) OVER (PARTITION BY instrument_id ORDER BY open_at).
-- Parameters, warm-up, NULL, flat: as ta.swing_step; seed = the column at the last bar before these rows.
-- TA-Lib: none; Stock.Indicators (fcb).
CREATE OR REPLACE AGGREGATE ta.swing_state(confirmed float8, seed float8) (
    SFUNC = ta.swing_step,
    STYPE = float8,
    PARALLEL = SAFE
);

-- ta.swing_high_accumulate: state of ta.swing_high: {last swing, bars on each side, then the last 2 k + 1 highs}.
CREATE OR REPLACE FUNCTION ta.swing_high_accumulate(state float8[], high float8, k int) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    highs float8[] := state[3:] || high;
    before float8;
    after float8;
BEGIN
    IF high IS NULL OR (k >= 1) IS NOT TRUE THEN
        RETURN state;
    END IF;
    IF cardinality(highs) <= 2 * k THEN
        RETURN state || high;
    END IF;
    IF cardinality(highs) > 2 * k + 1 THEN
        highs := highs[2:];
    END IF;
    FOR place IN 1 .. k LOOP
        before := greatest(before, highs[place]);
        after := greatest(after, highs[k + 1 + place]);
    END LOOP;
    RETURN ARRAY[ta.swing_step(state[1], ta.swing_high_value(highs[k + 1], before, after)), k::float8] || highs;
END
$$;

-- ta.swing_low_accumulate: state of ta.swing_low: that of ta.swing_high over the lows turned upside down.
CREATE OR REPLACE FUNCTION ta.swing_low_accumulate(state float8[], low float8, k int) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.swing_high_accumulate(state, -low, k);
END
$$;

-- ta.swing_high_result: the last swing out of the state.
CREATE OR REPLACE FUNCTION ta.swing_high_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN state[1];
END
$$;

-- ta.swing_low_result: the last swing out of the state, turned back.
CREATE OR REPLACE FUNCTION ta.swing_low_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN -state[1];
END
$$;

-- ta.swing_high: the last swing high that was confirmed by the bar, for any table.
-- Usage: ta.swing_high(high, 5) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first row.
-- Formula: ta.swing_high_value of the bar k bars ago, carried forward.
-- Parameters: high; k >= 1 bars on each side (the same on every row).
-- Warm-up: NULL until the first swing, at the earliest the bar number 2 * k + 1.
-- Bounds: within the least and the greatest high so far.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; k < 1 gives NULL.
-- Flat: stays.
-- TA-Lib: none; FRACTAL, carried forward, which is Stock.Indicators' fcb (DaveSkender).
CREATE OR REPLACE AGGREGATE ta.swing_high(high float8, k int) (
    SFUNC = ta.swing_high_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.swing_high_result,
    INITCOND = '{NULL,NULL}',
    PARALLEL = SAFE
);

-- ta.swing_low: the last swing low that was confirmed by the bar, for any table.
-- Usage: ta.swing_low(low, 5) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first row.
-- Formula: ta.swing_low_value of the bar k bars ago, carried forward.
-- Parameters: low; k >= 1 bars on each side (the same on every row).
-- Warm-up: NULL until the first swing, at the earliest the bar number 2 * k + 1.
-- Bounds: within the least and the greatest low so far.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; k < 1 gives NULL.
-- Flat: stays.
-- TA-Lib: none; FRACTAL, carried forward, which is Stock.Indicators' fcb (DaveSkender).
CREATE OR REPLACE AGGREGATE ta.swing_low(low float8, k int) (
    SFUNC = ta.swing_low_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.swing_low_result,
    INITCOND = '{NULL,NULL}',
    PARALLEL = SAFE
);
