-- Family: volume-weighted moving average (VWMA).
-- Author: Buff P. Dormeier, Stocks & Commodities (2001), made it known.
-- Source: TA-Lib 0.8.
-- Read by: the indicator store (ta.vwma_term, ta.vwma_value on native frames), analysts (ta.vwma).
-- Units: those of x.

-- ta.vwma_term: price times volume, one addend of VWMA.
-- Formula: x * volume.
-- Parameters: x; volume >= 0.
-- Warm-up: none.
-- Bounds: none.
-- NULL: NULL where an argument is NULL.
-- Flat: x * volume; a factor below 1e-150 makes it 0, since float8 underflow is an error in PostgreSQL.
-- TA-Lib: inside VWMA.
CREATE OR REPLACE FUNCTION ta.vwma_term(x float8, volume float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN abs(x) < 1e-150::float8 OR abs(volume) < 1e-150::float8 THEN 0.0::float8
        ELSE x * volume
    END
$$;

-- ta.vwma_value: the mean price of a window weighted by volume.
-- Formula: sum(ta.vwma_term(x, volume)) / sum(volume); x for period 1.
-- Parameters: x of this bar; sum_terms, sum_volume over the last `period` rows; period >= 1.
-- Warm-up: the caller's: meaningful from value `period` on.
-- Bounds: within the least and the greatest x of the window, up to a rounding.
-- NULL: NULL where an argument is NULL or nothing was traded in the window; period < 1 gives NULL.
-- Flat: x, up to a rounding.
-- TA-Lib: VWMA, but a window without volume, where that gives NaN, inf or what its running sums have left over.
CREATE OR REPLACE FUNCTION ta.vwma_value(x float8, sum_terms float8, sum_volume float8, period int) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN period = 1 THEN x
        WHEN period > 1 AND sum_volume > 0.0::float8 AND abs(sum_terms) < 1e-250::float8 THEN 0.0::float8
        WHEN period > 1 AND sum_volume > 0.0::float8 THEN sum_terms / sum_volume
    END
$$;

-- ta.vwma_accumulate: state of ta.vwma: a window of {term, volume, x}.
CREATE OR REPLACE FUNCTION ta.vwma_accumulate(state float8[], x float8, volume float8, period int) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.window_push(state, ARRAY[ta.vwma_term(x, volume), volume, x], period);
END
$$;

-- ta.vwma_result: ta.vwma_value of a full window.
CREATE OR REPLACE FUNCTION ta.vwma_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    terms float8 := 0.0::float8;
    volume float8 := 0.0::float8;
BEGIN
    FOR i IN 3 .. cardinality(state) BY 3 LOOP
        terms := terms + state[i];
        volume := volume + state[i + 1];
    END LOOP;
    RETURN CASE
        WHEN ta.window_is_full(state)
            THEN ta.vwma_value(state[cardinality(state)], terms, volume, state[1]::int)
    END;
END
$$;

-- ta.vwma: volume-weighted moving average, for any table.
-- Usage: ta.vwma(close, volume, 20) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first
--   row.
-- Formula: ta.vwma_value.
-- Parameters: x; volume >= 0; period >= 1 (the same on every row).
-- Warm-up: NULL until the period-th value.
-- Bounds: within the least and the greatest x of the window, up to a rounding.
-- NULL: a row with a NULL x or volume is skipped: it counts for nothing and shows the value so far; NULL where
--   nothing was traded in the window; period < 1 gives NULL.
-- Flat: x, up to a rounding.
-- TA-Lib: VWMA, but a window without volume, where that gives NaN, inf or what its running sums have left over.
CREATE OR REPLACE AGGREGATE ta.vwma(x float8, volume float8, period int) (
    SFUNC = ta.vwma_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.vwma_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);
