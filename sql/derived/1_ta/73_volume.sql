-- Family: volume against its mean, force index, ease of movement.
-- Author: force index Alexander Elder, Trading for a Living (1993); ease of movement Richard W. Arms Jr. (1980s).
-- Source: TA-Lib 0.8 (SMA); DaveSkender/Stock.Indicators (force index); StockCharts ChartSchool (ease of movement).
-- Read by: sql/queries/indicators (ta.volume_ratio_value, ta.force, ta.ease_of_movement), analysts.
-- Units: volume ratio a plain number; force index price times volume; ease of movement price squared by 100 million
--   units of volume. Prices and volumes other than 0 must lie within 1e-40 to 1e40, or products leave float8.

-- ta.volume_ratio_value: volume of a bar against the mean.
-- Formula: volume / mean_volume.
-- Parameters: volume of the bar; mean_volume = avg of the frame, this bar included.
-- Warm-up: the caller's: the frame must be full.
-- Bounds: 0 to period.
-- NULL: NULL where an argument is NULL or nothing was traded in the frame.
-- Flat: 1.
-- TA-Lib: none; the bar's volume over SMA.
CREATE OR REPLACE FUNCTION ta.volume_ratio_value(volume float8, mean_volume float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE WHEN mean_volume > 0.0::float8 THEN volume / mean_volume END
$$;

-- ta.force: force of one bar, the force index with period 1.
-- Formula: (close - previous_close) * volume.
-- Parameters: close, volume of the bar; previous_close of the bar before.
-- Warm-up: from bar 2 on.
-- Bounds: none; may be negative.
-- NULL: NULL where an argument is NULL.
-- Flat: 0.
-- TA-Lib: none; DaveSkender/Stock.Indicators.
CREATE OR REPLACE FUNCTION ta.force(close float8, previous_close float8, volume float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT (close - previous_close) * volume
$$;

-- ta.ease_of_movement: how far the middle of one bar's range has moved for 100 million units of volume and by the
--   height of its range.
-- Formula: ((high + low) / 2 - (previous_high + previous_low) / 2) * (high - low) / volume * 1e8.
-- Parameters: high, low, volume of the bar; previous_high, previous_low of the bar before.
-- Warm-up: from bar 2 on.
-- Bounds: none; may be negative. Only its sign and its size against other bars of the same instrument mean something.
-- NULL: NULL where an argument is NULL or nothing was traded.
-- Flat: 0; undefined (NULL) without volume.
-- TA-Lib: none; StockCharts (Lean and Tulip scale by 1e4 instead of 1e8).
CREATE OR REPLACE FUNCTION ta.ease_of_movement(
    high float8, low float8, previous_high float8, previous_low float8, volume float8
) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN volume > 0.0::float8
            THEN
                ((high + low) / 2.0::float8 - (previous_high + previous_low) / 2.0::float8)
                * (high - low) / volume * 1e8::float8
    END
$$;

-- ta.volume_ratio_result: the newest volume of a full window against their mean.
CREATE OR REPLACE FUNCTION ta.volume_ratio_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.volume_ratio_value(state[cardinality(state)], ta.sma_result(state));
END
$$;

-- ta.force_index_accumulate: state of ta.force_index: {bars seen, last close, EMA or partial sum, period}.
CREATE OR REPLACE FUNCTION ta.force_index_accumulate(
    state float8[], close float8, volume float8, period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN close IS NULL OR volume IS NULL THEN state
        ELSE ARRAY[
            state[1] + 1.0::float8,
            close,
            ta.ema_step(state[3], ta.force(close, state[2], volume), state[1]::bigint, period),
            period::float8
        ]
    END;
END
$$;

-- ta.force_index_result: masks the warm-up of ta.force_index.
CREATE OR REPLACE FUNCTION ta.force_index_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN state[1] > state[4] THEN state[3] END;
END
$$;

-- ta.eom_accumulate: the window of ta.eom: {high, low, volume} a row, a bar more than there are movements.
CREATE OR REPLACE FUNCTION ta.eom_accumulate(
    state float8[], high float8, low float8, volume float8, period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.window_push(state, ARRAY[high, low, volume], period + 1);
END
$$;

-- ta.eom_result: the mean ease of a full window.
CREATE OR REPLACE FUNCTION ta.eom_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    highs float8[] := ta.window_column(state, 1);
    lows float8[] := ta.window_column(state, 2);
    volumes float8[] := ta.window_column(state, 3);
BEGIN
    RETURN CASE
        WHEN ta.window_is_full(state)
            THEN (
                SELECT avg(ta.ease_of_movement(highs[i], lows[i], highs[i - 1], lows[i - 1], volumes[i]))
                FROM generate_series(2, cardinality(highs)) AS places (i)
            )
    END;
END
$$;

-- ta.volume_sma: mean volume of the last period bars, for any table.
-- Usage: ta.volume_sma(volume, 20) OVER (PARTITION BY symbol ORDER BY open_at).
--   The frame must begin at the first row.
-- Formula: mean of the volume over period.
-- Parameters: volume >= 0; period >= 1 (the same on every row).
-- Warm-up: NULL until the period-th bar.
-- Bounds: within the least and the greatest volume of the window.
-- NULL: a row with a NULL input is skipped: it counts for nothing and shows the value so far; a period < 1
--   gives NULL.
-- Flat: the volume.
-- TA-Lib: SMA of the volume.
CREATE OR REPLACE AGGREGATE ta.volume_sma(volume float8, period int) (
    SFUNC = ta.window_of_one,
    STYPE = float8[],
    FINALFUNC = ta.sma_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.volume_ratio: volume against the mean of the last period bars, for any table.
-- Usage: ta.volume_ratio(volume, 20) OVER (PARTITION BY symbol ORDER BY open_at).
--   The frame must begin at the first row.
-- Formula: volume / ta.volume_sma, this bar included.
-- Parameters: volume >= 0; period >= 1 (the same on every row).
-- Warm-up: NULL until the period-th bar.
-- Bounds: 0 to period.
-- NULL: a row with a NULL input is skipped: it counts for nothing and shows the value so far; a period < 1
--   gives NULL.
-- Flat: 1; undefined (NULL) where nothing was traded.
-- TA-Lib: none; the volume over its SMA.
CREATE OR REPLACE AGGREGATE ta.volume_ratio(volume float8, period int) (
    SFUNC = ta.window_of_one,
    STYPE = float8[],
    FINALFUNC = ta.volume_ratio_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.force_index: force index, for any table.
-- Usage: ta.force_index(close, volume, 13) OVER (PARTITION BY symbol ORDER BY open_at).
--   The frame must begin at the first row.
-- Formula: EMA(period) of (close - previous close) * volume.
-- Parameters: close; volume >= 0; period >= 1 (the same on every row).
-- Warm-up: NULL until the bar number period + 1.
-- Bounds: none; may be negative.
-- NULL: a row with a NULL input is skipped: it counts for nothing and shows the value so far; a period < 1
--   gives NULL.
-- Flat: decays to 0.
-- TA-Lib: none; DaveSkender/Stock.Indicators (EMA seeded by a mean; bukosabino/ta seeds it by the first force,
--   cinar/indicator takes the volume of the bar before).
CREATE OR REPLACE AGGREGATE ta.force_index(close float8, volume float8, period int) (
    SFUNC = ta.force_index_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.force_index_result,
    INITCOND = '{0,NULL,NULL,NULL}',
    PARALLEL = SAFE
);

-- ta.eom: ease of movement, for any table.
-- Usage: ta.eom(high, low, volume, 14) OVER (PARTITION BY symbol ORDER BY open_at).
--   The frame must begin at the first row.
-- Formula: mean of ta.ease_of_movement over the last period bars, those without volume left out.
-- Parameters: high, low; volume >= 0; period >= 1 (the same on every row).
-- Warm-up: NULL until the bar number period + 1.
-- Bounds: none; may be negative.
-- NULL: a row with a NULL input is skipped: it counts for nothing and shows the value so far; a period < 1
--   gives NULL.
-- Flat: 0; undefined (NULL) where nothing was traded.
-- TA-Lib: none; StockCharts (cinar/indicator takes range and volume of the bar before).
CREATE OR REPLACE AGGREGATE ta.eom(high float8, low float8, volume float8, period int) (
    SFUNC = ta.eom_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.eom_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);
