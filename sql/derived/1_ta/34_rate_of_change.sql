-- Family: rate of change (ROC) and momentum.
-- Author: none known; in use since the 1930s.
-- Source: the definitions of TA-Lib (its ROC is in per cent).
-- Read by: sql/queries/indicators (ta.roc_value, ta.mom_value), analysts (ta.roc, ta.mom).
-- Units: ROC per cent (2.21 means 2.21 %); momentum that of x.

-- ta.roc_value: change since an earlier value, in per cent of that.
-- Formula: (x / earlier - 1) * 100.
-- Parameters: x; earlier = the value period bars before.
-- Warm-up: by NULL: no earlier value, no result.
-- Bounds: none; >= -100 for positive values.
-- NULL: NULL where an argument is NULL.
-- Flat: 0; also 0 where earlier is 0, as in TA-Lib.
-- TA-Lib: ROC.
CREATE OR REPLACE FUNCTION ta.roc_value(x float8, earlier float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN earlier <> 0.0::float8 THEN (x / earlier - 1.0::float8) * 100.0::float8
        WHEN x IS NOT NULL AND earlier IS NOT NULL THEN 0.0::float8
    END
$$;

-- ta.mom_value: change since an earlier value.
-- Formula: x - earlier.
-- Parameters, warm-up: as ta.roc_value.
-- Bounds: none; may be negative.
-- NULL: NULL where an argument is NULL.
-- Flat: 0.
-- TA-Lib: MOM.
CREATE OR REPLACE FUNCTION ta.mom_value(x float8, earlier float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT x - earlier
$$;

-- ta.change_accumulate: state of ta.roc and ta.mom: a window of x and the period values before it.
CREATE OR REPLACE FUNCTION ta.change_accumulate(state float8[], x float8, period int) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.window_push(state, ARRAY[x], CASE WHEN period >= 1 THEN period + 1 END);
END
$$;

-- ta.roc_result, ta.mom_result: the last value against the first of a full window; mask the warm-up.
CREATE OR REPLACE FUNCTION ta.roc_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN ta.window_is_full(state) THEN ta.roc_value(state[cardinality(state)], state[3]) END;
END
$$;

CREATE OR REPLACE FUNCTION ta.mom_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN ta.window_is_full(state) THEN ta.mom_value(state[cardinality(state)], state[3]) END;
END
$$;

-- ta.roc: rate of change, for any table.
-- Usage: ta.roc(close, 10) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first row.
-- Formula: ta.roc_value of x and the value period rows before.
-- Parameters: x; period >= 1 (the same on every row).
-- Warm-up: NULL until the value number period + 1.
-- Bounds: none; >= -100 for positive values.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 1 gives NULL.
-- Flat: 0; also 0 where the earlier value is 0.
-- TA-Lib: ROC.
CREATE OR REPLACE AGGREGATE ta.roc(x float8, period int) (
    SFUNC = ta.change_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.roc_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.mom: momentum, for any table.
-- Usage: ta.mom(close, 10) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first row.
-- Formula: ta.mom_value of x and the value period rows before.
-- Parameters: x; period >= 1 (the same on every row).
-- Warm-up: NULL until the value number period + 1.
-- Bounds: none; may be negative.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 1 gives NULL.
-- Flat: 0.
-- TA-Lib: MOM.
CREATE OR REPLACE AGGREGATE ta.mom(x float8, period int) (
    SFUNC = ta.change_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.mom_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);
