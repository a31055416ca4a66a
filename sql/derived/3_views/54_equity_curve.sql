-- Purpose: every strategy's equity curve: cumulative net R by exit, its high so far, and the drawdown from it.
-- Grain:   one row per (strategy, version, origin, is_simulated, instant at which decided signals exited).
-- Units and definitions: those of analytics.equity, which see.
-- Read by: analysts; performance/statistics.py calls the same function.
CREATE OR REPLACE VIEW analytics.equity_curve AS
SELECT
    e.strategy,
    e.strategy_version,
    e.origin,
    e.is_simulated,
    e.exit_at,
    e.n_exits,
    e.net_r,
    e.equity_r,
    e.peak_r,
    e.drawdown_r
FROM analytics.equity() AS e;
