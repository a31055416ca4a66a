-- Purpose: what a strategy's signals brought in, day by day of exit. Open signals have no day.
-- Grain:   one row per (strategy, version, origin, is_simulated, UTC day of exit); exit_day is 00:00 UTC.
-- Units and definitions: those of analytics.performance, which see.
-- Read by: analysts; performance/statistics.py calls the same function.
CREATE OR REPLACE VIEW analytics.performance_daily AS
SELECT
    p.strategy,
    p.strategy_version,
    p.origin,
    p.is_simulated,
    p.exit_day,
    p.n_signals,
    p.n_decided,
    p.n_target_hit,
    p.n_stop_hit,
    p.n_expired,
    p.n_cancelled,
    p.n_ambiguous,
    p.win_rate,
    p.win_rate_best,
    p.win_rate_worst,
    p.expectancy_r,
    p.profit_factor,
    p.average_return_pct,
    p.n_won,
    p.win_rate_low,
    p.win_rate_high,
    p.total_r,
    p.median_return_pct,
    p.average_duration,
    p.average_mfe_r,
    p.average_mae_r
FROM analytics.performance(ARRAY['strategy', 'day']) AS p
WHERE p.exit_day IS NOT NULL;
