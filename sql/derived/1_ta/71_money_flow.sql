-- Family: Chaikin money flow (CMF).
-- Author: Marc Chaikin (1980s).
-- Source: DaveSkender/Stock.Indicators and Tulip.
-- Read by: sql/queries/indicators (ta.cmf_value over two sums of a native frame), analysts (ta.cmf).
-- Units: -1 to 1.

-- ta.cmf_value: Chaikin money flow from its two sums.
-- Formula: money_flow_sum / volume_sum.
-- Parameters: money_flow_sum, volume_sum: sums of ta.money_flow_volume and of the volume over the same period bars.
-- Warm-up: the caller's: the frame must be full.
-- Bounds: -1 to 1, up to a rounding.
-- NULL: NULL where an argument is NULL or nothing was traded.
-- Flat: 0.
-- TA-Lib: none; DaveSkender/Stock.Indicators, Tulip and Lean.
CREATE OR REPLACE FUNCTION ta.cmf_value(money_flow_sum float8, volume_sum float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE WHEN volume_sum > 0.0::float8 THEN money_flow_sum / volume_sum END
$$;

-- ta.cmf_accumulate: the window of ta.cmf: {money flow volume, volume} a row.
CREATE OR REPLACE FUNCTION ta.cmf_accumulate(
    state float8[], high float8, low float8, close float8, volume float8, period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.window_push(state, ARRAY[ta.money_flow_volume(high, low, close, volume), volume], period);
END
$$;

-- ta.cmf_result: the money flow of a full window.
CREATE OR REPLACE FUNCTION ta.cmf_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN ta.window_is_full(state)
            THEN (
                SELECT ta.cmf_value(sum(kept.money_flow), sum(kept.volume))
                FROM unnest(ta.window_column(state, 1), ta.window_column(state, 2)) AS kept (money_flow, volume)
            )
    END;
END
$$;

-- ta.cmf: Chaikin money flow, for any table.
-- Usage: ta.cmf(high, low, close, volume, 20) OVER (PARTITION BY symbol ORDER BY open_at).
--   The frame must begin at the first row.
-- Formula: sum of ta.money_flow_volume / sum of the volume, both over period bars.
-- Parameters: high, low, close; volume >= 0; period >= 1 (the same on every row).
-- Warm-up: NULL until the period-th bar.
-- Bounds: -1 to 1, up to a rounding.
-- NULL: a row with a NULL input is skipped: it counts for nothing and shows the value so far; a period < 1
--   gives NULL.
-- Flat: 0; undefined (NULL) where nothing was traded.
-- TA-Lib: none; DaveSkender/Stock.Indicators, Tulip and Lean.
CREATE OR REPLACE AGGREGATE ta.cmf(high float8, low float8, close float8, volume float8, period int) (
    SFUNC = ta.cmf_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.cmf_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);
