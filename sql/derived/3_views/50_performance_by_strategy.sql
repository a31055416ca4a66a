-- Purpose: what became of a strategy's signals. Live and replayed, real and simulated ones are never mixed.
-- Grain:   one row per (strategy, version, origin, is_simulated) that has signals.
-- Units:   rates from 0 to 1; R net of fees and slippage; average_return_pct net, in percent (2.21 means 2.21 %).
-- Read by: signals/read.py, analysts.
-- Decided = filled and closed; win = net R > 0. One bar that held both stop and target counts as a stop in
-- win_rate; best and worst count all such signals as wins and as losses. Null where nothing is decided, and a
-- profit_factor is null where nothing was lost.
CREATE OR REPLACE VIEW analytics.performance_by_strategy AS
SELECT
    c.strategy,
    c.strategy_version,
    c.origin,
    c.is_simulated,
    c.n_signals,
    c.n_open,
    c.n_decided,
    c.n_target_hit,
    c.n_stop_hit,
    c.n_expired,
    c.n_cancelled,
    c.n_ambiguous,
    c.n_won::double precision / nullif(c.n_decided, 0) AS win_rate,
    (c.n_won_clearly + c.n_ambiguous)::double precision / nullif(c.n_decided, 0) AS win_rate_best,
    c.n_won_clearly::double precision / nullif(c.n_decided, 0) AS win_rate_worst,
    c.expectancy_r,
    c.r_won / nullif(-c.r_lost, 0.0::double precision) AS profit_factor,
    c.average_return_pct
FROM (
    SELECT
        s.strategy,
        s.strategy_version,
        s.origin,
        s.is_simulated,
        count(*) AS n_signals,
        count(*) FILTER (WHERE s.status = 'open') AS n_open,
        count(*) FILTER (WHERE s.is_decided) AS n_decided,
        count(*) FILTER (WHERE s.status = 'target_hit') AS n_target_hit,
        count(*) FILTER (WHERE s.status = 'stop_hit') AS n_stop_hit,
        count(*) FILTER (WHERE s.status = 'expired') AS n_expired,
        count(*) FILTER (WHERE s.status = 'cancelled') AS n_cancelled,
        count(*) FILTER (WHERE s.is_decided AND s.is_ambiguous) AS n_ambiguous,
        count(*) FILTER (WHERE s.is_decided AND s.net_r > 0.0::double precision) AS n_won,
        count(*) FILTER (
            WHERE s.is_decided AND s.net_r > 0.0::double precision AND NOT s.is_ambiguous
        ) AS n_won_clearly,
        -- The order makes float sums the same on every plan.
        avg(s.net_r ORDER BY s.signal_id) FILTER (WHERE s.is_decided) AS expectancy_r,
        coalesce(sum(s.net_r ORDER BY s.signal_id) FILTER (
            WHERE s.is_decided AND s.net_r > 0.0::double precision
        ), CASE WHEN bool_or(s.is_decided) THEN 0.0::double precision END) AS r_won,
        sum(s.net_r ORDER BY s.signal_id) FILTER (
            WHERE s.is_decided AND s.net_r < 0.0::double precision
        ) AS r_lost,
        avg(s.net_return_pct ORDER BY s.signal_id) FILTER (WHERE s.is_decided) AS average_return_pct
    FROM (
        SELECT
            g.*,
            g.status <> 'open' AND g.fill_price IS NOT NULL AND g.net_r IS NOT NULL AS is_decided
        FROM analytics.signals AS g
    ) AS s
    GROUP BY s.strategy, s.strategy_version, s.origin, s.is_simulated
) AS c;
