-- Family: Heikin-Ashi, candles of averages.
-- Author: Munehisa Homma is named as the inventor of candles; the averaged ones are of unknown Japanese origin.
-- Source: D. Valcu, "Using the Heikin-Ashi Technique", Technical Analysis of Stocks & Commodities 22:2 (2004).
-- Read by: market.indicator_rows (ta.ha_close_value, ta.ha_open_step, ta.ha_open_state), analysts (ta.ha_open,
--   ta.ha_high, ta.ha_low, ta.ha_close).
-- Units: those of the price.

-- ta.ha_close_value: the close of the averaged candle.
-- Formula: (open + high + low + close) / 4, summed in this order.
-- Parameters: open, high, low, close of the bar.
-- Warm-up: none.
-- Bounds: low to high.
-- NULL: NULL where an argument is NULL.
-- Flat: the price.
-- TA-Lib: HA (fourth output).
CREATE OR REPLACE FUNCTION ta.ha_close_value(open float8, high float8, low float8, close float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT (open + high + low + close) / 4.0::float8
$$;

-- ta.ha_open_step: the ONE formula of the open of the averaged candle, one bar further.
-- Formula: n = 1: (open + close) / 2; later: (state + previous_ha_close) / 2.
-- Parameters: state = result for the bar before; open, close of the bar (read at n = 1 only); previous_ha_close =
--   ta.ha_close_value of the bar before; n = dense ordinal of the bar from 1; seed = state to go on from where
--   `state` is NULL (the first row of a resumed aggregate); NULL otherwise.
-- Warm-up: none; what the start decides halves with each bar.
-- Bounds: within the least low and the greatest high so far.
-- NULL: n < 1 gives NULL; previous_ha_close NULL leaves the state as it is; no state where one is needed (n > 1)
--   gives NULL, never a silent restart.
-- Flat: settles on the price.
-- TA-Lib: HA (first output, one iteration of its loop).
CREATE OR REPLACE FUNCTION ta.ha_open_step(
    state float8, open float8, close float8, previous_ha_close float8, n bigint, seed float8 DEFAULT NULL
) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN n = 1 THEN (open + close) / 2.0::float8
        WHEN n > 1 THEN coalesce(
            (coalesce(state, seed) + previous_ha_close) / 2.0::float8, coalesce(state, seed)
        )
    END;
END
$$;

-- ta.ha_open_state: ta.ha_open_step as a resumable aggregate; the result is the column itself.
-- Usage: ta.ha_open_state(open, close, lag(ha_close), n, seed) OVER (PARTITION BY instrument_id ORDER BY open_at).
-- Parameters, warm-up, NULL, flat: as ta.ha_open_step; seed = ha_open of the last bar before these rows.
-- TA-Lib: HA (first output).
CREATE OR REPLACE AGGREGATE ta.ha_open_state(
    open float8, close float8, previous_ha_close float8, n bigint, seed float8
) (
    SFUNC = ta.ha_open_step,
    STYPE = float8,
    PARALLEL = SAFE
);

-- ta.ha_accumulate: state of the Heikin-Ashi aggregates: {bars seen, open, high, low, close of the candle}.
CREATE OR REPLACE FUNCTION ta.ha_accumulate(
    state float8[], open float8, high float8, low float8, close float8
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    ha_close float8 := ta.ha_close_value(open, high, low, close);
    ha_open float8 := ta.ha_open_step(state[2], open, close, state[5], state[1]::bigint + 1);
BEGIN
    RETURN CASE
        WHEN ha_close IS NULL THEN state
        ELSE ARRAY[
            state[1] + 1.0::float8,
            ha_open,
            greatest(high, ha_open, ha_close),
            least(low, ha_open, ha_close),
            ha_close
        ]
    END;
END
$$;

-- ta.ha_open_result: the open out of the state.
CREATE OR REPLACE FUNCTION ta.ha_open_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN state[2];
END
$$;

-- ta.ha_high_result: the high out of the state.
CREATE OR REPLACE FUNCTION ta.ha_high_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN state[3];
END
$$;

-- ta.ha_low_result: the low out of the state.
CREATE OR REPLACE FUNCTION ta.ha_low_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN state[4];
END
$$;

-- ta.ha_close_result: the close out of the state.
CREATE OR REPLACE FUNCTION ta.ha_close_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN state[5];
END
$$;

-- ta.ha_open: Heikin-Ashi open, for any table.
-- Usage: ta.ha_open(open, high, low, close) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at
--   the first row.
-- Formula: ta.ha_open_step.
-- Parameters: open, high, low, close.
-- Warm-up: none.
-- Bounds: within the least low and the greatest high so far.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far.
-- Flat: settles on the price.
-- TA-Lib: HA (first output).
CREATE OR REPLACE AGGREGATE ta.ha_open(open float8, high float8, low float8, close float8) (
    SFUNC = ta.ha_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.ha_open_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);

-- ta.ha_high: Heikin-Ashi high, for any table.
-- Usage: ta.ha_high(open, high, low, close) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at
--   the first row.
-- Formula: greatest(high, ha_open, ha_close).
-- Parameters: open, high, low, close.
-- Warm-up: none.
-- Bounds: >= the high.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far.
-- Flat: settles on the price.
-- TA-Lib: HA (second output).
CREATE OR REPLACE AGGREGATE ta.ha_high(open float8, high float8, low float8, close float8) (
    SFUNC = ta.ha_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.ha_high_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);

-- ta.ha_low: Heikin-Ashi low, for any table.
-- Usage: ta.ha_low(open, high, low, close) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at
--   the first row.
-- Formula: least(low, ha_open, ha_close).
-- Parameters: open, high, low, close.
-- Warm-up: none.
-- Bounds: <= the low.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far.
-- Flat: settles on the price.
-- TA-Lib: HA (third output).
CREATE OR REPLACE AGGREGATE ta.ha_low(open float8, high float8, low float8, close float8) (
    SFUNC = ta.ha_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.ha_low_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);

-- ta.ha_close: Heikin-Ashi close, for any table.
-- Usage: ta.ha_close(open, high, low, close) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at
--   the first row.
-- Formula: ta.ha_close_value.
-- Parameters: open, high, low, close.
-- Warm-up: none.
-- Bounds: low to high.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far.
-- Flat: the price.
-- TA-Lib: HA (fourth output).
CREATE OR REPLACE AGGREGATE ta.ha_close(open float8, high float8, low float8, close float8) (
    SFUNC = ta.ha_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.ha_close_result,
    INITCOND = '{0,NULL,NULL,NULL,NULL}',
    PARALLEL = SAFE
);
