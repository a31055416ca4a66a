-- Family: Aroon, how long ago the highest high and the lowest low of a window were.
-- Author: Tushar S. Chande (1995).
-- Source: T. Chande, "A Time Price Oscillator", Technical Analysis of Stocks & Commodities 13:9 (1995).
-- Read by: market.indicator_rows (ta.aroon_value, ta.aroon_osc_value), analysts (ta.aroon_up, ta.aroon_down,
--   ta.aroon_osc).
-- Units: 0 to 100; the oscillator -100 to 100.

-- ta.aroon_value: Aroon up or down from the age of the extreme.
-- Formula: 100 / period * (period - bars_since).
-- Parameters: bars_since: bars from the extreme (the latest of equal ones) of the last period + 1 bars to this
--   one, 0 to period; period >= 1.
-- Warm-up: the caller's: meaningful from bar period + 1 on.
-- Bounds: 0 to 100.
-- NULL: NULL where an argument is NULL; period < 1 gives NULL.
-- Flat: 100 (the latest of equal bars is this one).
-- TA-Lib: the last step of AROON.
CREATE OR REPLACE FUNCTION ta.aroon_value(bars_since float8, period int) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE WHEN period >= 1 THEN (100.0::float8 / period::float8) * (period::float8 - bars_since) END
$$;

-- ta.aroon_osc_value: the Aroon oscillator from the ages of both extremes.
-- Formula: 100 / period * (bars_since_low - bars_since_high), which is up - down with one rounding less.
-- Parameters: bars_since_high, bars_since_low as bars_since of ta.aroon_value; period >= 1.
-- Warm-up: the caller's: meaningful from bar period + 1 on.
-- Bounds: -100 to 100.
-- NULL: NULL where an argument is NULL; period < 1 gives NULL.
-- Flat: 0.
-- TA-Lib: the last step of AROONOSC.
CREATE OR REPLACE FUNCTION ta.aroon_osc_value(
    bars_since_high float8, bars_since_low float8, period int
) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN period >= 1 THEN (100.0::float8 / period::float8) * (bars_since_low - bars_since_high)
    END
$$;

-- ta.aroon_accumulate: state of the Aroon aggregates: a window of period + 1 rows {high, low}.
CREATE OR REPLACE FUNCTION ta.aroon_accumulate(
    state float8[], high float8, low float8, period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.window_push(state, ARRAY[high, low], CASE WHEN period >= 1 THEN period + 1 END);
END
$$;

-- ta.aroon_bars_since: the ages of both extremes of a full window, {of the highest high, of the lowest low}.
CREATE OR REPLACE FUNCTION ta.aroon_bars_since(state float8[]) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    highest float8;
    lowest float8;
    highest_at int;
    lowest_at int;
BEGIN
    IF NOT ta.window_is_full(state) THEN
        RETURN NULL;
    END IF;
    -- Of equal extremes the latest, as in TA-Lib.
    FOR place IN 3 .. cardinality(state) BY 2 LOOP
        IF place = 3 OR state[place] >= highest THEN
            highest := state[place];
            highest_at := place;
        END IF;
        IF place = 3 OR state[place + 1] <= lowest THEN
            lowest := state[place + 1];
            lowest_at := place;
        END IF;
    END LOOP;
    RETURN ARRAY[
        ((cardinality(state) - 1 - highest_at) / 2)::float8, ((cardinality(state) - 1 - lowest_at) / 2)::float8
    ];
END
$$;

-- ta.aroon_up_result: masks the warm-up of ta.aroon_up.
CREATE OR REPLACE FUNCTION ta.aroon_up_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.aroon_value((ta.aroon_bars_since(state))[1], state[1]::int - 1);
END
$$;

-- ta.aroon_down_result: masks the warm-up of ta.aroon_down.
CREATE OR REPLACE FUNCTION ta.aroon_down_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.aroon_value((ta.aroon_bars_since(state))[2], state[1]::int - 1);
END
$$;

-- ta.aroon_osc_result: masks the warm-up of ta.aroon_osc.
CREATE OR REPLACE FUNCTION ta.aroon_osc_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    bars_since float8[] := ta.aroon_bars_since(state);
BEGIN
    RETURN ta.aroon_osc_value(bars_since[1], bars_since[2], state[1]::int - 1);
END
$$;

-- ta.aroon_up: Aroon up, for any table.
-- Usage: ta.aroon_up(high, low, 25) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the
--   first row.
-- Formula: ta.aroon_value of the bars since the highest high of the last period + 1 bars.
-- Parameters: high, low; period >= 1, 2 for TA-Lib's values (the same on every row).
-- Warm-up: NULL until the bar number period + 1.
-- Bounds: 0 to 100.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; period < 1
--   gives NULL.
-- Flat: 100.
-- TA-Lib: AROON (second output).
CREATE OR REPLACE AGGREGATE ta.aroon_up(high float8, low float8, period int) (
    SFUNC = ta.aroon_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.aroon_up_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.aroon_down: Aroon down, for any table.
-- Usage: ta.aroon_down(high, low, 25) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the
--   first row.
-- Formula: ta.aroon_value of the bars since the lowest low of the last period + 1 bars.
-- Parameters: high, low; period >= 1, 2 for TA-Lib's values (the same on every row).
-- Warm-up: NULL until the bar number period + 1.
-- Bounds: 0 to 100.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; period < 1
--   gives NULL.
-- Flat: 100.
-- TA-Lib: AROON (first output).
CREATE OR REPLACE AGGREGATE ta.aroon_down(high float8, low float8, period int) (
    SFUNC = ta.aroon_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.aroon_down_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.aroon_osc: Aroon oscillator, for any table.
-- Usage: ta.aroon_osc(high, low, 25) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the
--   first row.
-- Formula: ta.aroon_osc_value of the bars since both extremes of the last period + 1 bars.
-- Parameters: high, low; period >= 1, 2 for TA-Lib's values (the same on every row).
-- Warm-up: NULL until the bar number period + 1.
-- Bounds: -100 to 100.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; period < 1
--   gives NULL.
-- Flat: 0.
-- TA-Lib: AROONOSC.
CREATE OR REPLACE AGGREGATE ta.aroon_osc(high float8, low float8, period int) (
    SFUNC = ta.aroon_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.aroon_osc_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);
