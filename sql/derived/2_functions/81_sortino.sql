-- Purpose: the Sortino ratio of daily R, annualised: the Sharpe ratio that holds only losing days against a strategy.
-- Formula: mean(daily R) / sqrt(mean(min(daily R, 0)²)) · √days: the mean square over all days, losing or not. Days and
--          √days are those of analytics.sharpe, which see.
-- Usage:   analytics.sortino(net_r, exit_at, asset_class ORDER BY exit_at, signal_id). Nulls of net_r are skipped.
-- Units:   none; null for fewer than two days and where no day lost.
-- Read by: analytics.performance; anybody over exits of their own.

-- state: (1) R of full days, (2) squares of the losing ones of them, (3) the day that is being added up, (4) its R so
-- far, (5) the first day, (6) weekend days with exits, (7) 1 while all are equities or forex.
CREATE OR REPLACE FUNCTION analytics.sortino_step(
    state double precision[], net_r double precision, exit_at timestamptz, asset_class text
) RETURNS double precision[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    day constant double precision := floor(date_part('epoch', exit_at) / 86400.0::double precision);
    rests constant double precision := CASE WHEN asset_class IN ('equity', 'forex') THEN 1 ELSE 0 END;
    on_weekend double precision;
BEGIN
    IF net_r IS NULL OR exit_at IS NULL THEN
        RETURN state;
    ELSIF day = state[3] THEN
        state[4] := state[4] + net_r;
        IF rests < state[7] THEN
            state[7] := rests;
        END IF;
        RETURN state;
    END IF;
    on_weekend := CASE WHEN (day::bigint + 3) % 7 >= 5 THEN 1 ELSE 0 END;
    IF state IS NULL THEN
        RETURN ARRAY[0, 0, day, net_r, day, on_weekend, rests];
    END IF;
    RETURN ARRAY[
        state[1] + state[4], state[2] + LEAST(state[4], 0.0::double precision) ^ 2, day, net_r, state[5],
        state[6] + on_weekend, LEAST(state[7], rests)
    ];
END
$$;

CREATE OR REPLACE FUNCTION analytics.sortino_result(state double precision[]) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    rests constant boolean := state[7] = 1;
    -- Days since a Monday: day 0, 1970-01-01, is a Thursday.
    first constant bigint := state[5]::bigint + 3;
    after constant bigint := state[3]::bigint + 4;
    days constant double precision := CASE
        WHEN rests
            THEN after / 7 * 5 + LEAST(after % 7, 5) - first / 7 * 5 - LEAST(first % 7, 5) + state[6]
        ELSE after - first
    END;
    of_losses constant double precision := state[2] + LEAST(state[4], 0.0::double precision) ^ 2;
BEGIN
    IF state IS NULL OR days < 2 OR of_losses = 0 THEN
        RETURN NULL;
    END IF;
    RETURN (state[1] + state[4]) / days / sqrt(of_losses / days)
        * sqrt(CASE WHEN rests THEN 252.0::double precision ELSE 365.0::double precision END);
END
$$;

CREATE OR REPLACE AGGREGATE analytics.sortino(net_r double precision, exit_at timestamptz, asset_class text) ( -- noqa: PRS
    SFUNC = analytics.sortino_step,
    STYPE = double precision[],
    FINALFUNC = analytics.sortino_result,
    PARALLEL = SAFE
);
