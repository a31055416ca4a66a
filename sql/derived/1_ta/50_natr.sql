-- Family: average true range in per cent of the price (NATR).
-- Author: John Forman, Technical Analysis of Stocks & Commodities (2006), after Wilder's ATR.
-- Source: TA-Lib 0.8.
-- Read by: sql/queries/indicators (ta.natr_value over ta.wilder_state), analysts (ta.natr).
-- Units: per cent of the close.

-- ta.natr_value: NATR from the average true range and the close.
-- Formula: (atr / close) * 100.
-- Parameters: atr of ta.wilder_state; close of the same bar.
-- Warm-up: the caller's: meaningful from bar period + 1 on.
-- Bounds: >= 0 for a positive close.
-- NULL: NULL where an argument is NULL.
-- Flat: 0 where the close is 0 (as in TA-Lib) or the ATR has decayed below 1e-200.
-- TA-Lib: the last step of NATR.
CREATE OR REPLACE FUNCTION ta.natr_value(atr float8, close float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN atr >= 1e-200::float8 AND close <> 0.0::float8 THEN (atr / close) * 100.0::float8
        WHEN atr IS NOT NULL AND close IS NOT NULL THEN 0.0::float8
    END
$$;

-- ta.natr_result: masks the warm-up of ta.natr; the state is that of ta.atr.
CREATE OR REPLACE FUNCTION ta.natr_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN state[1] > state[4] THEN ta.natr_value(state[3], state[2]) END;
END
$$;

-- ta.natr: average true range in per cent of the close, for any table.
-- Usage: ta.natr(high, low, close, 14) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at
--   the first row.
-- Formula: 100 * ta.atr / close.
-- Parameters: high, low, close; period >= 2 for TA-Lib's values, whose period 1 is the true range itself (the
--   same on every row).
-- Warm-up: NULL until the bar number period + 1.
-- Bounds: >= 0 for positive prices.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; period < 1
--   gives NULL.
-- Flat: decays to 0.
-- TA-Lib: NATR.
CREATE OR REPLACE AGGREGATE ta.natr(high float8, low float8, close float8, period int) (
    SFUNC = ta.atr_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.natr_result,
    INITCOND = '{0,NULL,NULL,NULL}',
    PARALLEL = SAFE
);
