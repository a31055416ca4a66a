-- Purpose: what performance/statistics.py runs: what became of the signals, by what is asked for, and the equity curve.
-- The columns are those of analytics.performance and analytics.equity, which the views show too.

-- name: counted
SELECT p.* -- noqa: AM04
FROM analytics.performance(
    %(by_what)s::text[], %(origin)s::text, %(is_simulated)s::boolean, %(strategies)s::text[], %(symbol)s::text,
    %(since)s::timestamptz
) AS p
LEFT JOIN market.timeframes AS t ON p.timeframe = t.timeframe
-- Nothing but a day makes a row without one: what has not ended yet.
WHERE NOT 'day' = ANY(%(by_what)s::text[]) OR p.exit_day IS NOT NULL
ORDER BY
    p.strategy COLLATE "C", p.strategy_version COLLATE "C", p.symbol COLLATE "C", t.position, -- noqa: RF02
    p.exit_day, p.origin COLLATE "C", p.is_simulated; -- noqa: RF02,RF03

-- name: equity_curve
SELECT
    e.strategy, e.strategy_version, e.origin, e.is_simulated, e.exit_at, e.n_exits, e.net_r, e.equity_r, e.peak_r,
    e.drawdown_r
FROM analytics.equity(
    %(origin)s::text, %(is_simulated)s::boolean, %(strategies)s::text[], %(symbol)s::text, %(since)s::timestamptz
) AS e
ORDER BY
    e.strategy COLLATE "C", e.strategy_version COLLATE "C", e.origin COLLATE "C", e.is_simulated, -- noqa: RF02,RF03
    e.exit_at;
