-- Family: volume profile, the aggregates for any table.
-- Author: J. Peter Steidlmayer, Market Profile (Chicago Board of Trade, 1984); by volume instead of time: common usage.
-- Source: 74_volume_profile.sql.
-- Read by: analysts.
-- Units: prices, and volumes.

-- ta.volume_profile_accumulate: the bars of the four aggregates: {high, low, volume, bins} a row, as many as come.
CREATE OR REPLACE FUNCTION ta.volume_profile_accumulate(
    state float8[], high float8, low float8, volume float8, bins int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.window_push(state, ARRAY[high, low, volume, bins::float8], 100000000);
END
$$;

-- ta.volume_profile_result: the profile of the bars so far.
CREATE OR REPLACE FUNCTION ta.volume_profile_result(state float8[]) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.volume_profile_of(
        ta.window_column(state, 1),
        ta.window_column(state, 2),
        ta.window_column(state, 3),
        state[cardinality(state)]::int
    );
END
$$;

-- ta.point_of_control_result: the middle of the bin with the most volume.
CREATE OR REPLACE FUNCTION ta.point_of_control_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    profile float8[] := ta.volume_profile_result(state);
BEGIN
    RETURN ta.volume_profile_price(profile, ta.volume_profile_peak(profile)::float8 - 0.5::float8);
END
$$;

-- ta.value_area_low_result, ta.value_area_high_result: the outer borders of the value area's bins.
CREATE OR REPLACE FUNCTION ta.value_area_low_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    profile float8[] := ta.volume_profile_result(state);
BEGIN
    RETURN ta.volume_profile_price(profile, ((ta.value_area(profile))[1] - 1)::float8);
END
$$;

CREATE OR REPLACE FUNCTION ta.value_area_high_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    profile float8[] := ta.volume_profile_result(state);
BEGIN
    RETURN ta.volume_profile_price(profile, (ta.value_area(profile))[2]::float8);
END
$$;

-- ta.volume_profile: volume by price, {lowest price, highest price, volume of each bin}, for any table.
-- Usage: SELECT ta.volume_profile(high, low, volume, 24) FROM analytics.bars WHERE …, or OVER (PARTITION BY symbol
--   ORDER BY open_at ROWS 99 PRECEDING).
-- Formula: ta.volume_profile_of.
-- Parameters: high, low; volume >= 0; bins from 1 to 10000 (the same on every row). Keeps every bar of the frame, at a
--   cost that grows with their square: beyond some three thousand take coarser bars, or ta.volume_profile_of.
-- Warm-up: none.
-- Bounds: volumes >= 0; they add up to the volume of the bars.
-- NULL: a bar with a NULL is left out; bins out of range gives NULL.
-- Flat: all volume in the first bin.
-- TA-Lib: none; a brute-force check of our own.
CREATE OR REPLACE AGGREGATE ta.volume_profile(high float8, low float8, volume float8, bins int) (
    SFUNC = ta.volume_profile_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.volume_profile_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.point_of_control: price with the most volume, for any table.
-- Usage: SELECT ta.point_of_control(high, low, volume, 24) FROM analytics.bars WHERE …, or OVER (PARTITION BY symbol
--   ORDER BY open_at ROWS 99 PRECEDING).
-- Formula: middle of the bin of ta.volume_profile with the most volume; of equal ones of the one nearest to the middle
--   of the range, then of the lower one.
-- Parameters: high, low; volume >= 0; bins from 1 to 10000 (the same on every row). Keeps every bar of the frame, at a
--   cost that grows with their square: beyond some three thousand take coarser bars, or ta.volume_profile_of.
-- Warm-up: none.
-- Bounds: within the prices of the bars.
-- NULL: a bar with a NULL is left out; bins out of range gives NULL; so does a frame without volume.
-- Flat: the price.
-- TA-Lib: none; QuantConnect/Lean (MarketProfile), whose bins are the rounded closes.
CREATE OR REPLACE AGGREGATE ta.point_of_control(high float8, low float8, volume float8, bins int) (
    SFUNC = ta.volume_profile_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.point_of_control_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.value_area_low: lower border of the prices that saw 70 % of the volume, for any table.
-- Usage: SELECT ta.value_area_low(high, low, volume, 24) FROM analytics.bars WHERE …, or OVER (PARTITION BY symbol
--   ORDER BY open_at ROWS 99 PRECEDING).
-- Formula: lower border of the first bin of ta.value_area.
-- Parameters: high, low; volume >= 0; bins from 1 to 10000 (the same on every row). Keeps every bar of the frame, at a
--   cost that grows with their square: beyond some three thousand take coarser bars, or ta.volume_profile_of.
-- Warm-up: none.
-- Bounds: from the lowest price to ta.point_of_control.
-- NULL: a bar with a NULL is left out; bins out of range gives NULL; so does a frame without volume.
-- Flat: the price.
-- TA-Lib: none; QuantConnect/Lean (MarketProfile), whose bins are the rounded closes.
CREATE OR REPLACE AGGREGATE ta.value_area_low(high float8, low float8, volume float8, bins int) (
    SFUNC = ta.volume_profile_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.value_area_low_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.value_area_high: upper border of the prices that saw 70 % of the volume, for any table.
-- Usage: SELECT ta.value_area_high(high, low, volume, 24) FROM analytics.bars WHERE …, or OVER (PARTITION BY symbol
--   ORDER BY open_at ROWS 99 PRECEDING).
-- Formula: upper border of the last bin of ta.value_area.
-- Parameters: high, low; volume >= 0; bins from 1 to 10000 (the same on every row). Keeps every bar of the frame, at a
--   cost that grows with their square: beyond some three thousand take coarser bars, or ta.volume_profile_of.
-- Warm-up: none.
-- Bounds: from ta.point_of_control to the highest price.
-- NULL: a bar with a NULL is left out; bins out of range gives NULL; so does a frame without volume.
-- Flat: the price.
-- TA-Lib: none; QuantConnect/Lean (MarketProfile), whose bins are the rounded closes.
CREATE OR REPLACE AGGREGATE ta.value_area_high(high float8, low float8, volume float8, bins int) (
    SFUNC = ta.volume_profile_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.value_area_high_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);
