-- Family: commodity channel index (CCI), and the typical price it rests on.
-- Author: Donald R. Lambert.
-- Source: Lambert, Commodity Channel Index: Tool for Trading Cyclic Trends, Commodities (October 1980).
-- Read by: sql/queries/indicators (ta.typical_price, ta.cci_value), analysts (ta.typical_price, ta.cci),
--   37_mfi.sql.
-- Units: CCI a number around 0, beyond 100 either way in a trend; typical price that of the price.

-- ta.typical_price: mean of high, low and close.
-- Usage: ta.typical_price(high, low, close).
-- Formula: (high + low + close) / 3.
-- Parameters: high, low, close of a bar.
-- Warm-up: none.
-- Bounds: low to high, up to the last rounding.
-- NULL: NULL where an argument is NULL.
-- Flat: the price, up to its last rounding.
-- TA-Lib: TYPPRICE.
CREATE OR REPLACE FUNCTION ta.typical_price(high float8, low float8, close float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT (high + low + close) / 3.0::float8
$$;

-- ta.cci_of: CCI of a price, from what its window says.
-- Formula: (price - mean) / (0.015 * mean_distance).
-- Parameters: price, the last one; mean and mean_distance (mean absolute distance from the mean) of the window.
-- Warm-up: none; masked by who calls it.
-- Bounds: none.
-- NULL: NULL.
-- Flat: 0 where the deviation, or the last price's distance from the mean, is at most 1e-14 * abs(mean), as in
--   TA-Lib >= 0.8.
-- TA-Lib: CCI.
CREATE OR REPLACE FUNCTION ta.cci_of(price float8, mean float8, mean_distance float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN mean_distance <= 1e-14::float8 * abs(mean) OR abs(price - mean) <= 1e-14::float8 * abs(mean)
            THEN 0.0::float8
        ELSE (price - mean) / (0.015::float8 * mean_distance)
    END
$$;

-- ta.cci_value: CCI of the last of a window of typical prices.
-- Formula: mean = sum / period; deviation = sum(abs(price - mean)) / period, both sums from the oldest price on;
--   (last price - mean) / (0.015 * deviation).
-- Parameters: prices: the typical prices of the last period bars, the oldest first, this bar's last.
-- Warm-up: the caller's: the window must be full.
-- Bounds: none; abs(CCI) <= period / 0.03.
-- NULL: NULL where the window is NULL, empty or holds a NULL.
-- Flat: 0 where the deviation, or the last price's distance from the mean, is at most 1e-14 * abs(mean), as in
--   TA-Lib >= 0.8.
-- TA-Lib: CCI.
CREATE OR REPLACE FUNCTION ta.cci_value(prices float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    period int := cardinality(prices);
    total float8 := 0.0::float8;
    deviations float8 := 0.0::float8;
    mean float8;
    price float8;
BEGIN
    IF coalesce(period, 0) = 0 THEN
        RETURN NULL;
    END IF;
    -- The loops below, written out for the usual period, take 2 instead of 5 µs; sums and order are the same.
    IF period = 20 THEN
        mean := (
            prices[1] + prices[2] + prices[3] + prices[4] + prices[5]
            + prices[6] + prices[7] + prices[8] + prices[9] + prices[10]
            + prices[11] + prices[12] + prices[13] + prices[14] + prices[15]
            + prices[16] + prices[17] + prices[18] + prices[19] + prices[20]
        ) / 20.0::float8;
        deviations := abs(prices[1] - mean) + abs(prices[2] - mean) + abs(prices[3] - mean)
            + abs(prices[4] - mean) + abs(prices[5] - mean) + abs(prices[6] - mean) + abs(prices[7] - mean)
            + abs(prices[8] - mean) + abs(prices[9] - mean) + abs(prices[10] - mean) + abs(prices[11] - mean)
            + abs(prices[12] - mean) + abs(prices[13] - mean) + abs(prices[14] - mean) + abs(prices[15] - mean)
            + abs(prices[16] - mean) + abs(prices[17] - mean) + abs(prices[18] - mean) + abs(prices[19] - mean)
            + abs(prices[20] - mean);
    ELSE
        FOREACH price IN ARRAY prices LOOP
            total := total + price;
        END LOOP;
        mean := total / period::float8;
        FOREACH price IN ARRAY prices LOOP
            deviations := deviations + abs(price - mean);
        END LOOP;
    END IF;
    RETURN ta.cci_of(prices[period], mean, deviations / period::float8);
END
$$;

-- ta.cci_accumulate: state of ta.cci: a window of typical prices.
CREATE OR REPLACE FUNCTION ta.cci_accumulate(
    state float8[], high float8, low float8, close float8, period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.window_push(state, ARRAY[ta.typical_price(high, low, close)], period);
END
$$;

-- ta.cci_result: masks the warm-up of ta.cci.
CREATE OR REPLACE FUNCTION ta.cci_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN ta.window_is_full(state) THEN ta.cci_value(ta.window_column(state, 1)) END;
END
$$;

-- ta.cci: commodity channel index, for any table.
-- Usage: ta.cci(high, low, close, 20) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the
--   first row.
-- Formula: ta.cci_value of ta.typical_price.
-- Parameters: high, low, close; period >= 2 for TA-Lib's values (the same on every row).
-- Warm-up: NULL until the bar number period.
-- Bounds: none; abs(CCI) <= period / 0.03.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; period < 1
--   gives NULL.
-- Flat: 0.
-- TA-Lib: CCI.
CREATE OR REPLACE AGGREGATE ta.cci(high float8, low float8, close float8, period int) (
    SFUNC = ta.cci_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.cci_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);
