-- Purpose: the Sharpe ratio of daily R, annualised.
-- Formula: mean(daily R) / sample standard deviation(daily R) · √days, with days = 365; 252 where all exits are of
--          equities and forex. Daily R is the sum of net R that exited on a UTC day. Days without an exit, from the
--          first exit's day to the last one's, count as 0: every day at 365; Monday to Friday at 252, and there a
--          weekend day counts only where something exited on it.
-- Usage:   analytics.sharpe(net_r, exit_at, asset_class ORDER BY exit_at, signal_id). Nulls of net_r are skipped.
-- Units:   none; null for fewer than two days and where every day gave the same.
-- Read by: analytics.performance; anybody over exits of their own.

-- state: (1) full days with exits, (2) their mean, (3) their sum of squared deviations (Welford), (4) the day that is
-- being added up, (5) its R so far, (6) the first day, (7) weekend days with exits, (8) 1 while all are equities or
-- forex.
CREATE OR REPLACE FUNCTION analytics.sharpe_step(
    state double precision[], net_r double precision, exit_at timestamptz, asset_class text
) RETURNS double precision[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    day constant double precision := floor(date_part('epoch', exit_at) / 86400.0::double precision);
    rests constant double precision := CASE WHEN asset_class IN ('equity', 'forex') THEN 1 ELSE 0 END;
    on_weekend double precision;
    delta double precision;
    mean double precision;
BEGIN
    IF net_r IS NULL OR exit_at IS NULL THEN
        RETURN state;
    ELSIF day = state[4] THEN
        state[5] := state[5] + net_r;
        IF rests < state[8] THEN
            state[8] := rests;
        END IF;
        RETURN state;
    END IF;
    on_weekend := CASE WHEN (day::bigint + 3) % 7 >= 5 THEN 1 ELSE 0 END;
    IF state IS NULL THEN
        RETURN ARRAY[0, 0, 0, day, net_r, day, on_weekend, rests];
    END IF;
    delta := state[5] - state[2];
    mean := state[2] + delta / (state[1] + 1);
    RETURN ARRAY[
        state[1] + 1, mean, state[3] + delta * (state[5] - mean), day, net_r, state[6],
        state[7] + on_weekend, LEAST(state[8], rests)
    ];
END
$$;

CREATE OR REPLACE FUNCTION analytics.sharpe_result(state double precision[]) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    rests constant boolean := state[8] = 1;
    with_exits constant double precision := state[1] + 1;
    -- Days since a Monday: day 0, 1970-01-01, is a Thursday.
    first constant bigint := state[6]::bigint + 3;
    after constant bigint := state[4]::bigint + 4;
    days constant double precision := CASE
        WHEN rests
            THEN after / 7 * 5 + LEAST(after % 7, 5) - first / 7 * 5 - LEAST(first % 7, 5) + state[7]
        ELSE after - first
    END;
    delta constant double precision := state[5] - state[2];
    mean_of_exits constant double precision := state[2] + delta / with_exits;
    mean constant double precision := mean_of_exits * with_exits / days;
    deviation double precision;
BEGIN
    IF state IS NULL OR days < 2 THEN
        RETURN NULL;
    END IF;
    -- The days without exits come in as one block of zeros (Chan's formula for two blocks).
    deviation := sqrt((
        state[3] + delta * (state[5] - mean_of_exits)
        + mean_of_exits * mean_of_exits * with_exits * (days - with_exits) / days
    ) / (days - 1));
    -- Equal days leave a rounding error for a deviation, of which a ratio would make anything.
    IF deviation <= 1e-12 * abs(mean) OR deviation = 0 THEN
        RETURN NULL;
    END IF;
    RETURN mean / deviation * sqrt(CASE WHEN rests THEN 252.0::double precision ELSE 365.0::double precision END);
END
$$;

CREATE OR REPLACE AGGREGATE analytics.sharpe(net_r double precision, exit_at timestamptz, asset_class text) ( -- noqa: PRS
    SFUNC = analytics.sharpe_step,
    STYPE = double precision[],
    FINALFUNC = analytics.sharpe_result,
    PARALLEL = SAFE
);
