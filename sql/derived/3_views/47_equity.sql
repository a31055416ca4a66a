-- Purpose: the equity curve: cumulative net R by exit, and how far it stands below its highest point so far.
-- Grain:   one row per origin, is_simulated, strategy, version and instant at which decided signals exited.
-- Units:   R net of fees and slippage; net_r is that of this instant. The curve starts at 0, which is its first high;
--          the greatest drawdown_r is max_drawdown_r of the same signals in analytics.performance, bit for bit.
-- Read by: analytics.equity_curve, performance/statistics.py, analysts. Null in only_… and since does not narrow;
--          since keeps signals with close_at >= since: the curve begins at 0 with them.
-- A parameter goes by the function's name, a collation by no table's:
-- noqa: disable=RF01,RF03
CREATE OR REPLACE FUNCTION analytics.equity(
    only_origin text DEFAULT NULL,
    only_simulated boolean DEFAULT NULL,
    only_strategies text[] DEFAULT NULL,
    only_symbol text DEFAULT NULL,
    since timestamptz DEFAULT NULL
) RETURNS TABLE (
    origin text,
    is_simulated boolean,
    strategy text,
    strategy_version text,
    exit_at timestamptz,
    n_exits bigint,
    net_r double precision,
    equity_r double precision,
    peak_r double precision,
    drawdown_r double precision
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT
    p.origin,
    p.is_simulated,
    p.strategy,
    p.strategy_version,
    p.exit_at,
    p.n_exits,
    p.net_r,
    p.equity_r,
    p.peak_r,
    p.peak_r - p.equity_r AS drawdown_r
FROM (
    SELECT
        c.*,
        GREATEST(0.0::double precision, max(c.equity_r) OVER (
            PARTITION BY c.origin, c.is_simulated, c.strategy, c.strategy_version
            ORDER BY c.exit_at ROWS UNBOUNDED PRECEDING
        )) AS peak_r
    FROM (
        SELECT
            e.*,
            sum(e.net_r) OVER (
                PARTITION BY e.origin, e.is_simulated, e.strategy, e.strategy_version
                ORDER BY e.exit_at ROWS UNBOUNDED PRECEDING
            ) AS equity_r
        FROM (
            SELECT
                s.origin,
                s.is_simulated,
                s.strategy,
                s.strategy_version,
                s.exit_at,
                count(*) AS n_exits,
                sum(s.net_r ORDER BY s.signal_id) AS net_r
            FROM (
                SELECT
                    o.origin,
                    o.is_simulated,
                    o.signal_id,
                    o.exit_at,
                    o.net_r,
                    o.strategy COLLATE "C" AS strategy,
                    o.strategy_version COLLATE "C" AS strategy_version
                FROM analytics.signal_outcomes AS o
                WHERE o.is_decided
                    AND (equity.only_origin IS NULL OR o.origin = equity.only_origin)
                    AND (equity.only_simulated IS NULL OR o.is_simulated = equity.only_simulated)
                    AND (equity.only_strategies IS NULL OR o.strategy = ANY(equity.only_strategies))
                    AND (equity.only_symbol IS NULL OR o.symbol = equity.only_symbol)
                    AND (equity.since IS NULL OR o.close_at >= equity.since)
            ) AS s
            WHERE s.exit_at IS NOT NULL
            GROUP BY s.origin, s.is_simulated, s.strategy, s.strategy_version, s.exit_at
        ) AS e
    ) AS c
) AS p;
END;
