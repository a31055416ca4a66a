-- Purpose: what became of an instrument's signals, of all strategies and versions together.
-- Grain:   one row per (symbol, origin, is_simulated) that has signals.
-- Units and definitions: those of analytics.performance, which see.
-- Two versions of a strategy replayed over the same span count twice here; by strategy they are apart.
-- Read by: analysts; performance/statistics.py calls the same function.
CREATE OR REPLACE VIEW analytics.performance_by_instrument AS
SELECT
    p.symbol,
    p.asset_class,
    p.origin,
    p.is_simulated,
    p.n_signals,
    p.n_open,
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
    p.sharpe,
    p.max_drawdown_r,
    p.average_duration,
    p.sortino,
    p.exposure,
    p.average_mfe_r,
    p.average_mae_r
FROM analytics.performance(ARRAY['instrument']) AS p;
