-- Purpose: the Sortino ratio of daily R, annualised: the Sharpe ratio that holds only losing days against a strategy.
-- Formula: mean(daily R) / sqrt(mean(min(daily R, 0)²)) · √days: the mean square over all days, losing or not. Days and
--          √days are those of analytics.sharpe, which see.
-- Usage:   analytics.sortino(net_r, exit_at, asset_class ORDER BY exit_at, signal_id). Nulls of net_r are skipped.
-- Units:   none; null for fewer than two days and where no day lost.
-- Read by: analytics.performance; anybody over exits of their own.

CREATE OR REPLACE FUNCTION analytics.sortino_result(state double precision[]) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    days constant double precision := analytics.daily_r_days(state);
    of_losses constant double precision := state[10] + LEAST(state[5], 0.0::double precision) ^ 2;
BEGIN
    IF state IS NULL OR days < 2 OR of_losses = 0 THEN
        RETURN NULL;
    END IF;
    RETURN (state[9] + state[5]) / days / sqrt(of_losses / days) * analytics.daily_r_root(state);
END
$$;

CREATE OR REPLACE AGGREGATE analytics.sortino(net_r double precision, exit_at timestamptz, asset_class text) ( -- noqa: PRS
    SFUNC = analytics.daily_r_step,
    STYPE = double precision[],
    FINALFUNC = analytics.sortino_result,
    PARALLEL = SAFE
);
