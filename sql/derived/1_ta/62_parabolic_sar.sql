-- Family: parabolic stop and reverse (SAR).
-- Author: J. Welles Wilder Jr.; start of the first trade as in TA-Lib.
-- Source: J. Welles Wilder Jr., New Concepts in Technical Trading Systems (1978).
-- Read by: market.indicator_rows (ta.psar_step, ta.psar_state), analysts (ta.psar).
-- Units: those of the price.

-- ta.psar_step: the ONE formula of the parabolic SAR, one bar further.
-- Formula: state {SAR of the bar, side (1 long, -1 short), SAR of the next bar, extreme point, acceleration
--   factor, high, low}, 7 long. A long trade whose low is at or under the SAR turns short (mirrored for short):
--   the SAR becomes the extreme point, widened to the highs of this bar and the one before; else a new extreme
--   raises the factor by the acceleration, at most to the maximum. SAR of the next bar = SAR + factor *
--   (extreme - SAR), kept out of the ranges of this bar and the one before.
-- Parameters: state = result for the bar before; high, low of the bar; n = dense ordinal of the bar from 1;
--   acceleration, maximum >= 0 (an acceleration above the maximum counts as the maximum); seed = state to go
--   on from where `state` is NULL (the first row of a resumed aggregate); NULL otherwise.
-- Warm-up: bar 1 gives only the start: state[1] is NULL there.
-- Bounds: within the least low and the greatest high so far.
-- NULL: n < 1 gives NULL; a NULL price leaves the state as it is (and n should not count the bar); no state
--   where one is needed (n > 1) gives NULL, never a silent restart; a NULL or negative parameter gives NULL.
-- Flat: turns at every bar at the price itself; a distance below 1e-270 counts as none, since float8 underflow
--   is an error in PostgreSQL.
-- TA-Lib: SAR (one iteration of its loop; bar 2 starts long unless -DM > 0).
CREATE OR REPLACE FUNCTION ta.psar_step(
    state float8[], high float8, low float8, n bigint, acceleration float8, maximum float8,
    seed float8[] DEFAULT NULL
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    known float8[] := coalesce(state, seed);
    side float8 := known[2];
    sar float8 := known[3];
    extreme float8 := known[4];
    factor float8 := known[5];
    high_before float8 := known[6];
    low_before float8 := known[7];
    next_sar float8;
BEGIN
    IF (n >= 1 AND acceleration >= 0.0::float8 AND maximum >= 0.0::float8) IS NOT TRUE THEN
        RETURN NULL;
    END IF;
    IF high IS NULL OR low IS NULL OR n > 1 AND known IS NULL THEN
        RETURN known;
    END IF;
    IF n = 1 THEN
        RETURN ARRAY[NULL::float8, NULL, NULL, NULL, NULL, high, low];
    END IF;
    IF n = 2 THEN
        side := CASE WHEN ta.minus_dm(high, low, high_before, low_before) > 0.0::float8 THEN -1.0::float8 ELSE 1.0::float8 END;
        sar := CASE WHEN side > 0.0::float8 THEN low_before ELSE high_before END;
        extreme := CASE WHEN side > 0.0::float8 THEN high ELSE low END;
        factor := least(acceleration, maximum);
        high_before := high;
        low_before := low;
    END IF;
    IF side > 0.0::float8 AND low <= sar OR side < 0.0::float8 AND high >= sar THEN
        side := -side;
        sar := CASE
            WHEN side > 0.0::float8 THEN least(extreme, low_before, low)
            ELSE greatest(extreme, high_before, high)
        END;
        extreme := CASE WHEN side > 0.0::float8 THEN high ELSE low END;
        factor := least(acceleration, maximum);
    ELSIF side > 0.0::float8 AND high > extreme OR side < 0.0::float8 AND low < extreme THEN
        extreme := CASE WHEN side > 0.0::float8 THEN high ELSE low END;
        factor := least(factor + least(acceleration, maximum), maximum);
    END IF;
    next_sar := sar + CASE
        WHEN abs(extreme - sar) >= 1e-270::float8 THEN factor * (extreme - sar) ELSE 0.0::float8
    END;
    next_sar := CASE
        WHEN side > 0.0::float8 THEN least(next_sar, low_before, low)
        ELSE greatest(next_sar, high_before, high)
    END;
    RETURN ARRAY[sar, side, next_sar, extreme, factor, high, low];
END
$$;

-- ta.psar_state: ta.psar_step as a resumable aggregate; element 1 of the result is the SAR.
-- Usage: ta.psar_state(high, low, n, 0.02, 0.2, seed) OVER (PARTITION BY instrument_id ORDER BY open_at).
-- Parameters, warm-up, NULL, flat: as ta.psar_step; seed = the state stored with the last bar before these
--   rows.
-- TA-Lib: SAR.
CREATE OR REPLACE AGGREGATE ta.psar_state(
    high float8, low float8, n bigint, acceleration float8, maximum float8, seed float8[]
) (
    SFUNC = ta.psar_step,
    STYPE = float8[],
    PARALLEL = SAFE
);

-- ta.psar_accumulate: state of ta.psar: {bars seen, then the state of ta.psar_step}.
CREATE OR REPLACE FUNCTION ta.psar_accumulate(
    state float8[], high float8, low float8, acceleration float8, maximum float8
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    IF high IS NULL OR low IS NULL THEN
        RETURN state;
    END IF;
    RETURN (state[1] + 1.0::float8)
        || ta.psar_step(state[2:8], high, low, state[1]::bigint + 1, acceleration, maximum);
END
$$;

-- ta.psar_result: the SAR out of the state of ta.psar.
CREATE OR REPLACE FUNCTION ta.psar_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN state[2];
END
$$;

-- ta.psar: parabolic stop and reverse, for any table.
-- Usage: ta.psar(high, low, 0.02, 0.2) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at
--   the first row.
-- Formula: ta.psar_step.
-- Parameters: high, low; acceleration 0.02 and maximum 0.2 are Wilder's; both >= 0 (the same on every row).
-- Warm-up: NULL at the first bar.
-- Bounds: within the least low and the greatest high so far; under the lows of a long trade, over the highs of
--   a short one.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; a NULL or
--   negative parameter gives NULL.
-- Flat: the price.
-- TA-Lib: SAR.
CREATE OR REPLACE AGGREGATE ta.psar(high float8, low float8, acceleration float8, maximum float8) (
    SFUNC = ta.psar_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.psar_result,
    INITCOND = '{0}',
    PARALLEL = SAFE
);
