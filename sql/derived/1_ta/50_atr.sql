-- Family: true range and average true range (ATR).
-- Author: J. Welles Wilder Jr., New Concepts in Technical Trading Systems (1978).
-- Read by: sql/queries/indicators (ta.true_range, ta.wilder_state), analysts (ta.atr), 60_adx.sql.
-- Units: those of the price.

-- ta.true_range: the bar's range, widened to the close before it.
-- Usage: ta.true_range(high, low, lag(close) OVER (PARTITION BY symbol ORDER BY open_at)).
-- Formula: greatest(high - low, abs(high - previous_close), abs(low - previous_close)).
-- Parameters: high, low of the bar; previous_close of the bar before.
-- Warm-up: from bar 2 on.
-- Bounds: >= 0.
-- NULL: NULL where previous_close is NULL (the first bar); other arguments must not be NULL.
-- Flat: 0.
-- TA-Lib: TRANGE.
CREATE OR REPLACE FUNCTION ta.true_range(high float8, low float8, previous_close float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN previous_close IS NOT NULL
            THEN greatest(high - low, abs(high - previous_close), abs(low - previous_close))
    END
$$;

-- ta.atr_accumulate: state of ta.atr: {bars seen, last close, average or partial sum, period}.
CREATE OR REPLACE FUNCTION ta.atr_accumulate(
    state float8[], high float8, low float8, close float8, period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN high IS NULL OR low IS NULL OR close IS NULL THEN state
        ELSE ARRAY[
            state[1] + 1.0::float8,
            close,
            ta.wilder_step(state[3], ta.true_range(high, low, state[2]), state[1]::bigint, period),
            period::float8
        ]
    END;
END
$$;

-- ta.atr_result: masks the warm-up of ta.atr.
CREATE OR REPLACE FUNCTION ta.atr_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN state[1] > state[4] THEN state[3] END;
END
$$;

-- ta.atr: average true range, for any table.
-- Usage: ta.atr(high, low, close, 14) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at
--   the first row.
-- Formula: Wilder average (ta.wilder_step) of ta.true_range.
-- Parameters: high, low, close; period >= 1 (the same on every row).
-- Warm-up: NULL until the bar number period + 1.
-- Bounds: >= 0.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; period < 1
--   gives NULL.
-- Flat: decays to 0.
-- TA-Lib: ATR.
CREATE OR REPLACE AGGREGATE ta.atr(high float8, low float8, close float8, period int) (
    SFUNC = ta.atr_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.atr_result,
    INITCOND = '{0,NULL,NULL,NULL}',
    PARALLEL = SAFE
);
