-- Family: channels around the price: Keltner and Donchian.
-- Author: Chester W. Keltner (1960) in Linda B. Raschke's form (1980s): EMA and ATR; Richard Donchian (1960s).
-- Source: DaveSkender/Stock.Indicators for Keltner; TA-Lib 0.8 (MAX, MIN, MIDPRICE) for Donchian.
-- Read by: sql/queries/indicators (ta.keltner_upper_value, ta.donchian_middle_value), analysts.
-- Units: those of the price.

-- ta.keltner_upper_value: upper Keltner line (the lower one with the factor negated).
-- Formula: middle + factor * atr.
-- Parameters: middle = ta.ema_state of the close; atr = ta.wilder_state of ta.true_range; factor.
-- Warm-up: the caller's: meaningful from bar greatest(period, atr_period + 1) on.
-- Bounds: >= middle for a factor >= 0.
-- NULL: NULL where an argument is NULL.
-- Flat: the middle.
-- TA-Lib: none; DaveSkender/Stock.Indicators (Lean takes plain means of the typical price and the range).
CREATE OR REPLACE FUNCTION ta.keltner_upper_value(middle float8, atr float8, factor float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT middle + factor * atr
$$;

-- ta.donchian_middle_value: half way between the two Donchian lines.
-- Formula: (highest + lowest) / 2.
-- Parameters: highest, lowest: max(high) and min(low) of the same frame.
-- Warm-up: the caller's: the frame must be full.
-- Bounds: between the two.
-- NULL: NULL where an argument is NULL.
-- Flat: the price.
-- TA-Lib: the last step of MIDPRICE.
CREATE OR REPLACE FUNCTION ta.donchian_middle_value(highest float8, lowest float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT (highest + lowest) / 2.0::float8
$$;

-- ta.keltner_accumulate: state of the three Keltner aggregates:
-- {bars seen, last close, EMA or partial sum, ATR or partial sum, period, ATR period, factor}.
CREATE OR REPLACE FUNCTION ta.keltner_accumulate(
    state float8[], high float8, low float8, close float8, period int, atr_period int, factor float8
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    n bigint := state[1]::bigint + 1;
BEGIN
    RETURN CASE
        WHEN high IS NULL OR low IS NULL OR close IS NULL OR factor IS NULL THEN state
        ELSE ARRAY[
            n::float8,
            close,
            ta.ema_step(state[3], close, n, period),
            ta.wilder_step(state[4], ta.true_range(high, low, state[2]), n - 1, atr_period),
            period::float8,
            atr_period::float8,
            factor
        ]
    END;
END
$$;

-- ta.keltner_line: the middle plus so many ATRs; masks the warm-up.
CREATE OR REPLACE FUNCTION ta.keltner_line(state float8[], factor float8) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN state[1] >= state[5] AND state[1] > state[6] THEN ta.keltner_upper_value(state[3], state[4], factor)
    END;
END
$$;

-- ta.keltner_upper_result, ta.keltner_middle_result, ta.keltner_lower_result: pick a line.
CREATE OR REPLACE FUNCTION ta.keltner_upper_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.keltner_line(state, state[7]);
END
$$;

CREATE OR REPLACE FUNCTION ta.keltner_middle_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.keltner_line(state, 0.0::float8);
END
$$;

CREATE OR REPLACE FUNCTION ta.keltner_lower_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.keltner_line(state, -state[7]);
END
$$;

-- ta.donchian_accumulate: the window of ta.donchian_middle: {high, low} a row.
CREATE OR REPLACE FUNCTION ta.donchian_accumulate(
    state float8[], high float8, low float8, period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.window_push(state, ARRAY[high, low], period);
END
$$;

-- ta.donchian_upper_result, ta.donchian_lower_result, ta.donchian_middle_result: extremes of a full window. The
-- first and the last column are the same one for the outer lines, whose window has one.
CREATE OR REPLACE FUNCTION ta.donchian_upper_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN ta.window_is_full(state) THEN (SELECT max(kept.x) FROM unnest(ta.window_column(state, 1)) AS kept (x))
    END;
END
$$;

CREATE OR REPLACE FUNCTION ta.donchian_lower_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN ta.window_is_full(state)
            THEN (SELECT min(kept.x) FROM unnest(ta.window_column(state, state[2]::int)) AS kept (x))
    END;
END
$$;

CREATE OR REPLACE FUNCTION ta.donchian_middle_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.donchian_middle_value(ta.donchian_upper_result(state), ta.donchian_lower_result(state));
END
$$;

-- ta.keltner_upper: upper Keltner line, for any table.
-- Usage: ta.keltner_upper(high, low, close, 20, 10, 2.0) OVER (PARTITION BY symbol ORDER BY open_at).
--   The frame must begin at the first row.
-- Formula: ta.keltner_middle + factor * ta.atr.
-- Parameters: high, low, close; period of the EMA, atr_period, factor (the same on every row).
-- Warm-up: NULL until the bar number greatest(period, atr_period + 1).
-- Bounds: >= ta.keltner_middle for a factor >= 0.
-- NULL: a row with a NULL input is skipped: it counts for nothing and shows the value so far; a period < 1
--   gives NULL.
-- Flat: the close.
-- TA-Lib: none; DaveSkender/Stock.Indicators, to the last digit (EMA of the close, Wilder's ATR).
CREATE OR REPLACE AGGREGATE ta.keltner_upper(
    high float8, low float8, close float8, period int, atr_period int, factor float8
) (
    SFUNC = ta.keltner_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.keltner_upper_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);

-- ta.keltner_middle: middle Keltner line, for any table.
-- Usage: ta.keltner_middle(high, low, close, 20, 10, 2.0) OVER (PARTITION BY symbol ORDER BY open_at).
--   The frame must begin at the first row.
-- Formula: ta.ema of the close.
-- Parameters: high, low, close; period of the EMA, atr_period, factor (the same on every row).
-- Warm-up: NULL until the bar number greatest(period, atr_period + 1).
-- Bounds: within the least and the greatest close so far.
-- NULL: a row with a NULL input is skipped: it counts for nothing and shows the value so far; a period < 1
--   gives NULL.
-- Flat: the close.
-- TA-Lib: none; DaveSkender/Stock.Indicators, to the last digit (EMA of the close, Wilder's ATR).
CREATE OR REPLACE AGGREGATE ta.keltner_middle(
    high float8, low float8, close float8, period int, atr_period int, factor float8
) (
    SFUNC = ta.keltner_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.keltner_middle_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);

-- ta.keltner_lower: lower Keltner line, for any table.
-- Usage: ta.keltner_lower(high, low, close, 20, 10, 2.0) OVER (PARTITION BY symbol ORDER BY open_at).
--   The frame must begin at the first row.
-- Formula: ta.keltner_middle - factor * ta.atr.
-- Parameters: high, low, close; period of the EMA, atr_period, factor (the same on every row).
-- Warm-up: NULL until the bar number greatest(period, atr_period + 1).
-- Bounds: <= ta.keltner_middle for a factor >= 0.
-- NULL: a row with a NULL input is skipped: it counts for nothing and shows the value so far; a period < 1
--   gives NULL.
-- Flat: the close.
-- TA-Lib: none; DaveSkender/Stock.Indicators, to the last digit (EMA of the close, Wilder's ATR).
CREATE OR REPLACE AGGREGATE ta.keltner_lower(
    high float8, low float8, close float8, period int, atr_period int, factor float8
) (
    SFUNC = ta.keltner_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.keltner_lower_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);

-- ta.donchian_upper: highest high of the last period bars, for any table.
-- Usage: ta.donchian_upper(high, 20) OVER (PARTITION BY symbol ORDER BY open_at).
--   The frame must begin at the first row.
-- Formula: max(high) over period, this bar included.
-- Parameters: as named; period >= 1 (the same on every row).
-- Warm-up: NULL until the period-th bar.
-- Bounds: within the prices of the window.
-- NULL: a row with a NULL input is skipped: it counts for nothing and shows the value so far; a period < 1
--   gives NULL.
-- Flat: the price.
-- TA-Lib: MAX of the high (skender leaves this bar out).
CREATE OR REPLACE AGGREGATE ta.donchian_upper(high float8, period int) (
    SFUNC = ta.window_of_one,
    STYPE = float8[],
    FINALFUNC = ta.donchian_upper_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.donchian_lower: lowest low of the last period bars, for any table.
-- Usage: ta.donchian_lower(low, 20) OVER (PARTITION BY symbol ORDER BY open_at).
--   The frame must begin at the first row.
-- Formula: min(low) over period, this bar included.
-- Parameters: as named; period >= 1 (the same on every row).
-- Warm-up: NULL until the period-th bar.
-- Bounds: within the prices of the window.
-- NULL: a row with a NULL input is skipped: it counts for nothing and shows the value so far; a period < 1
--   gives NULL.
-- Flat: the price.
-- TA-Lib: MIN of the low (skender leaves this bar out).
CREATE OR REPLACE AGGREGATE ta.donchian_lower(low float8, period int) (
    SFUNC = ta.window_of_one,
    STYPE = float8[],
    FINALFUNC = ta.donchian_lower_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.donchian_middle: half way between the two Donchian lines, for any table.
-- Usage: ta.donchian_middle(high, low, 20) OVER (PARTITION BY symbol ORDER BY open_at).
--   The frame must begin at the first row.
-- Formula: (ta.donchian_upper + ta.donchian_lower) / 2.
-- Parameters: as named; period >= 1 (the same on every row).
-- Warm-up: NULL until the period-th bar.
-- Bounds: within the prices of the window.
-- NULL: a row with a NULL input is skipped: it counts for nothing and shows the value so far; a period < 1
--   gives NULL.
-- Flat: the price.
-- TA-Lib: MIDPRICE.
CREATE OR REPLACE AGGREGATE ta.donchian_middle(high float8, low float8, period int) (
    SFUNC = ta.donchian_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.donchian_middle_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);
