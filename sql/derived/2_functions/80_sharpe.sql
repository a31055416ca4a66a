-- Purpose: the Sharpe ratio of daily R, annualised.
-- Formula: mean(daily R) / sample standard deviation(daily R) · √days, with days = 365; 252 where all exits are of
--          equities and forex. Daily R is the sum of net R that exited on a UTC day. Days without an exit, from the
--          first exit's day to the last one's, count as 0: every day at 365; Monday to Friday at 252, and there a
--          weekend day counts only where something exited on it.
-- Usage:   analytics.sharpe(net_r, exit_at, asset_class ORDER BY exit_at, signal_id). Nulls of net_r are skipped.
-- Units:   none; null for fewer than two days and where every day gave the same.
-- Read by: analytics.performance; anybody over exits of their own.

CREATE OR REPLACE FUNCTION analytics.sharpe_result(state double precision[]) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    with_exits constant double precision := state[1] + 1;
    days constant double precision := analytics.daily_r_days(state);
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
    RETURN mean / deviation * analytics.daily_r_root(state);
END
$$;

CREATE OR REPLACE AGGREGATE analytics.sharpe(net_r double precision, exit_at timestamptz, asset_class text) ( -- noqa: PRS
    SFUNC = analytics.daily_r_step,
    STYPE = double precision[],
    FINALFUNC = analytics.sharpe_result,
    PARALLEL = SAFE
);
