-- Family: awesome oscillator (AO), and the median price it rests on.
-- Author: Bill Williams.
-- Source: Williams, New Trading Dimensions (1998).
-- Read by: sql/queries/indicators (ta.median_price, ta.ao_value), analysts (ta.median_price, ta.ao).
-- Units: those of the price.

-- ta.median_price: the middle of a bar.
-- Usage: ta.median_price(high, low).
-- Formula: (high + low) / 2.
-- Parameters: high, low of a bar.
-- Warm-up: none.
-- Bounds: low to high.
-- NULL: NULL where an argument is NULL.
-- Flat: the price.
-- TA-Lib: MEDPRICE.
CREATE OR REPLACE FUNCTION ta.median_price(high float8, low float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT (high + low) / 2.0::float8
$$;

-- ta.ao_value: fast mean minus slow mean of the median price.
-- Formula: fast_mean - slow_mean.
-- Parameters: plain means of ta.median_price over the last fast (5) and slow (34) bars, summed the oldest first.
-- Warm-up: the caller's: meaningful from bar slow on.
-- Bounds: none; may be negative.
-- NULL: NULL where an argument is NULL.
-- Flat: 0, up to a rounding of the price.
-- TA-Lib: none; lean and tulip (AO 5, 34), the difference of two SMA of MEDPRICE.
CREATE OR REPLACE FUNCTION ta.ao_value(fast_mean float8, slow_mean float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT fast_mean - slow_mean
$$;

-- ta.ao_accumulate: state of ta.ao: a window of rows {median price, fast period, slow period}.
CREATE OR REPLACE FUNCTION ta.ao_accumulate(
    state float8[], high float8, low float8, fast_period int, slow_period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.window_push(
        state,
        ARRAY[ta.median_price(high, low), fast_period::float8, slow_period::float8],
        CASE WHEN least(fast_period, slow_period) >= 1 THEN greatest(fast_period, slow_period) END
    );
END
$$;

-- ta.ao_result: masks the warm-up of ta.ao.
CREATE OR REPLACE FUNCTION ta.ao_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    fast_period int := state[4];
    slow_period int := state[5];
BEGIN
    RETURN CASE
        WHEN ta.window_is_full(state) THEN ta.ao_value(
            ta.window_sum(state, 1, fast_period) / fast_period::float8,
            ta.window_sum(state, 1, slow_period) / slow_period::float8
        )
    END;
END
$$;

-- ta.ao: awesome oscillator, for any table.
-- Usage: ta.ao(high, low, 5, 34) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first
--   row.
-- Formula: ta.ao_value of the means of ta.median_price.
-- Parameters: high, low; fast_period, slow_period >= 1 (the same on every row).
-- Warm-up: NULL until the bar number slow_period (or fast_period, if that is longer).
-- Bounds: none; may be negative.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; a period < 1
--   gives NULL.
-- Flat: 0, up to a rounding of the price.
-- TA-Lib: none; lean and tulip (AO 5, 34), the difference of two SMA of MEDPRICE.
CREATE OR REPLACE AGGREGATE ta.ao(high float8, low float8, fast_period int, slow_period int) (
    SFUNC = ta.ao_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.ao_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);
