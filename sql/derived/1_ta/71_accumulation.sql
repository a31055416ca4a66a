-- Family: accumulation and distribution: AD line and Chaikin oscillator (ADOSC).
-- Author: Marc Chaikin (1970s), after Larry Williams.
-- Source: TA-Lib 0.8 (AD, ADOSC).
-- Read by: sql/queries/indicators (ta.money_flow_volume, ta.ad_state, ta.ad_lag_state), analysts, 71_money_flow.sql.
-- Units: those of the volume.
-- The level of AD says nothing but where the series began, so a store may begin it anew whenever it likes. ADOSC needs
-- no level: both its EMAs begin on the first AD and follow it, so their distances to AD are recursions of their own.

-- ta.money_flow_volume: volume of one bar, weighed by where in its range it closed.
-- Formula: ((close - low) - (high - close)) / (high - low) * volume.
-- Parameters: high, low, close; volume >= 0.
-- Warm-up: none.
-- Bounds: -volume to volume.
-- NULL: NULL where an argument is NULL.
-- Flat: 0 where the bar has no range.
-- TA-Lib: one step of AD.
CREATE OR REPLACE FUNCTION ta.money_flow_volume(
    high float8, low float8, close float8, volume float8
) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN high > low THEN ((close - low) - (high - close)) / (high - low) * volume
        WHEN high <= low AND close IS NOT NULL AND volume IS NOT NULL THEN 0.0::float8
    END
$$;

-- ta.ad_step: the ONE formula of the AD line, one bar further.
-- Formula: n = 1: money_flow; n > 1: state + money_flow.
-- Parameters: state = result for the bar before; money_flow = ta.money_flow_volume of this bar; n = dense ordinal of
--   this bar, 1 wherever the line begins (anew); seed as in ta.ema_step.
-- Warm-up: none. The level depends on where the line begins, only differences mean something.
-- Bounds: none; may be negative.
-- NULL: n < 1 gives NULL; money_flow NULL counts as 0; no state where one is needed (n > 1) gives NULL.
-- Flat: stays.
-- TA-Lib: AD (one iteration of its loop).
CREATE OR REPLACE FUNCTION ta.ad_step(
    state float8, money_flow float8, n bigint, seed float8 DEFAULT NULL
) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN n = 1 THEN coalesce(money_flow, 0.0::float8)
        WHEN n > 1 THEN coalesce(state, seed) + coalesce(money_flow, 0.0::float8)
    END;
END
$$;

-- ta.ad_state: ta.ad_step as a resumable aggregate.
-- Usage: ta.ad_state(money_flow, n, seed) OVER (PARTITION BY instrument_id ORDER BY open_at).
-- Parameters: as ta.ad_step; seed = the state stored with the last bar before these rows.
-- NULL: as ta.ad_step.
-- TA-Lib: AD.
CREATE OR REPLACE AGGREGATE ta.ad_state(money_flow float8, n bigint, seed float8) (
    SFUNC = ta.ad_step,
    STYPE = float8,
    PARALLEL = SAFE
);

-- ta.ad_lag_step: the ONE formula of an EMA's distance to the AD line it follows, one bar further.
-- Formula: n = 1: 0 (TA-Lib begins the EMA on the first AD); n > 1: (state - money_flow) * (1 - 2 / (period + 1)),
--   which is EMA - AD where EMA' = EMA + 2 / (period + 1) * (AD' - EMA) and AD' = AD + money_flow.
-- Parameters: as ta.ema_step; money_flow = ta.money_flow_volume of this bar.
-- Warm-up: the caller's: ADOSC is shown from bar greatest(fast, slow) on.
-- Bounds: none; may be negative.
-- NULL: n < 1 gives NULL; money_flow NULL counts as 0; no state where one is needed (n > 1) gives NULL; period < 1
--   gives NULL.
-- Flat: decays to 0; a distance below 1e-280 counts as none, since float8 underflow is an error in PostgreSQL.
-- TA-Lib: the EMAs inside ADOSC, less AD.
CREATE OR REPLACE FUNCTION ta.ad_lag_step(
    state float8, money_flow float8, n bigint, period int, seed float8 DEFAULT NULL
) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    behind float8 := coalesce(state, seed) - coalesce(money_flow, 0.0::float8);
BEGIN
    RETURN CASE
        WHEN period IS NULL OR period < 1 THEN NULL
        WHEN n = 1 THEN 0.0::float8
        WHEN n > 1 AND abs(behind) >= 1e-280::float8 THEN behind * (1.0::float8 - 2.0::float8 / (period + 1)::float8)
        WHEN n > 1 AND behind IS NOT NULL THEN 0.0::float8
    END;
END
$$;

-- ta.ad_lag_state: ta.ad_lag_step as a resumable aggregate; ADOSC is the fast one minus the slow one.
-- Usage: ta.ad_lag_state(money_flow, n, 3, seed) OVER (PARTITION BY instrument_id ORDER BY open_at).
-- Parameters: as ta.ad_lag_step; seed = the state stored with the last bar before these rows.
-- NULL: as ta.ad_lag_step.
-- TA-Lib: the EMAs inside ADOSC, less AD.
CREATE OR REPLACE AGGREGATE ta.ad_lag_state(money_flow float8, n bigint, period int, seed float8) (
    SFUNC = ta.ad_lag_step,
    STYPE = float8,
    PARALLEL = SAFE
);

-- ta.ad_accumulate: state of ta.ad: {bars seen, AD}.
CREATE OR REPLACE FUNCTION ta.ad_accumulate(
    state float8[], high float8, low float8, close float8, volume float8
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    money_flow float8 := ta.money_flow_volume(high, low, close, volume);
    n bigint := state[1]::bigint + 1;
BEGIN
    RETURN CASE
        WHEN money_flow IS NULL THEN state
        ELSE ARRAY[n::float8, ta.ad_step(state[2], money_flow, n)]
    END;
END
$$;

-- ta.ad_result: the AD out of the state.
CREATE OR REPLACE FUNCTION ta.ad_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN state[2];
END
$$;

-- ta.adosc_accumulate: state of ta.adosc: {bars seen, fast distance, slow distance, longer period}.
CREATE OR REPLACE FUNCTION ta.adosc_accumulate(
    state float8[], high float8, low float8, close float8, volume float8, fast int, slow int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    money_flow float8 := ta.money_flow_volume(high, low, close, volume);
    n bigint := state[1]::bigint + 1;
BEGIN
    RETURN CASE
        WHEN money_flow IS NULL THEN state
        ELSE ARRAY[
            n::float8,
            ta.ad_lag_step(state[2], money_flow, n, fast),
            ta.ad_lag_step(state[3], money_flow, n, slow),
            greatest(fast, slow)::float8
        ]
    END;
END
$$;

-- ta.adosc_result: masks the warm-up of ta.adosc.
CREATE OR REPLACE FUNCTION ta.adosc_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN state[1] >= state[4] THEN state[2] - state[3] END;
END
$$;

-- ta.ad: accumulation/distribution line, for any table.
-- Usage: ta.ad(high, low, close, volume) OVER (PARTITION BY symbol ORDER BY open_at).
--   The frame must begin at the first row.
-- Formula: running sum of ta.money_flow_volume.
-- Parameters: high, low, close; volume >= 0.
-- Warm-up: none: the first value is that of the first bar.
-- Bounds: none; may be negative.
-- NULL: a row with a NULL input is skipped: it counts for nothing and shows the value so far.
-- Flat: stays.
-- TA-Lib: AD.
CREATE OR REPLACE AGGREGATE ta.ad(high float8, low float8, close float8, volume float8) (
    SFUNC = ta.ad_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.ad_result,
    INITCOND = '{0,NULL}',
    PARALLEL = SAFE
);

-- ta.adosc: Chaikin oscillator, fast minus slow EMA of the AD line, for any table.
-- Usage: ta.adosc(high, low, close, volume, 3, 10) OVER (PARTITION BY symbol ORDER BY open_at).
--   The frame must begin at the first row.
-- Formula: EMA(fast) - EMA(slow) of ta.ad, each begun on the first AD; computed as the difference of their distances
--   to AD (ta.ad_lag_step), so that no level of AD enters.
-- Parameters: high, low, close; volume >= 0; fast, slow >= 2 for TA-Lib's values (the same on every row; not swapped).
-- Warm-up: NULL until the bar number greatest(fast, slow).
-- Bounds: none; may be negative.
-- NULL: a row with a NULL input is skipped: it counts for nothing and shows the value so far; a period < 1
--   gives NULL.
-- Flat: decays to 0.
-- TA-Lib: ADOSC.
CREATE OR REPLACE AGGREGATE ta.adosc(
    high float8, low float8, close float8, volume float8, fast int, slow int
) (
    SFUNC = ta.adosc_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.adosc_result,
    INITCOND = '{0,NULL,NULL,NULL}',
    PARALLEL = SAFE
);
