-- Purpose: R added up by UTC day, exit by exit: what analytics.sharpe and analytics.sortino are made of. PostgreSQL
--          walks the exits once for both, since they share this step.
-- Usage:   as the step of an aggregate over (net_r, exit_at, asset_class ORDER BY exit_at, signal_id). Nulls of net_r
--          are skipped.
-- state: (1) full days with exits, (2) their mean, (3) their sum of squared deviations (Welford), (4) the day that is
-- being added up, (5) its R so far, (6) the first day, (7) weekend days with exits, (8) 1 while all are equities or
-- forex, (9) R of full days, (10) squares of the losing ones of them.
CREATE OR REPLACE FUNCTION analytics.daily_r_step(
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
        RETURN ARRAY[0, 0, 0, day, net_r, day, on_weekend, rests, 0, 0];
    END IF;
    delta := state[5] - state[2];
    mean := state[2] + delta / (state[1] + 1);
    RETURN ARRAY[
        state[1] + 1, mean, state[3] + delta * (state[5] - mean), day, net_r, state[6],
        state[7] + on_weekend, LEAST(state[8], rests),
        state[9] + state[5], state[10] + LEAST(state[5], 0.0::double precision) ^ 2
    ];
END
$$;

-- How many days count, from the first exit's to the last one's: all of them, or Monday to Friday and the weekend days
-- with exits where all are of equities and forex. Day 0, 1970-01-01, is a Thursday: three days after a Monday.
CREATE OR REPLACE FUNCTION analytics.daily_r_days(state double precision[]) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    first constant bigint := state[6]::bigint + 3;
    after constant bigint := state[4]::bigint + 4;
BEGIN
    RETURN CASE
        WHEN state[8] = 1
            THEN after / 7 * 5 + LEAST(after % 7, 5) - first / 7 * 5 - LEAST(first % 7, 5) + state[7]
        ELSE after - first
    END;
END
$$;

-- The square root of the days of a year.
CREATE OR REPLACE FUNCTION analytics.daily_r_root(state double precision[]) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
RETURN sqrt(CASE WHEN state[8] = 1 THEN 252.0::double precision ELSE 365.0::double precision END);
