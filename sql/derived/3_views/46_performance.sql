-- Purpose: what became of signals, counted: the one definition of every statistic. docs/analytics.md explains each.
-- Grain:   one row per origin, is_simulated and what by_what names: strategy (with its version), instrument, timeframe,
--          day or month (of exit, UTC); any of them together, or none. Columns it does not name are null.
-- Units:   rates from 0 to 1; R net of fees and slippage; returns net, in percent (2.21 means 2.21 %).
-- Read by: the performance views, performance/statistics.py, backtests, analysts. Null in only_… and since does not
--          narrow; since keeps signals with close_at >= since.
-- Decided = filled and closed; win = net R > 0. One bar that held both stop and target counts as a stop in
-- win_rate; best and worst count all such signals as wins and as losses. Null where nothing is decided, and a
-- profit_factor is null where nothing was lost.
-- A body that is inlined where it is called: constants fold, conditions move to the tables, and only the columns and
-- groups asked for cost anything. It reads views of analytics alone, which those who call it may read.
-- A parameter goes by the function's name, a collation by no table's:
-- noqa: disable=RF01,RF03
CREATE OR REPLACE FUNCTION analytics.performance(
    by_what text[],
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
    symbol text,
    asset_class text,
    timeframe text,
    exit_day timestamptz,
    exit_month timestamptz,
    n_signals bigint,
    n_open bigint,
    n_decided bigint,
    n_target_hit bigint,
    n_stop_hit bigint,
    n_expired bigint,
    n_cancelled bigint,
    n_ambiguous bigint,
    n_won bigint,
    win_rate double precision,
    win_rate_low double precision,
    win_rate_high double precision,
    win_rate_best double precision,
    win_rate_worst double precision,
    expectancy_r double precision,
    total_r double precision,
    profit_factor double precision,
    average_return_pct double precision,
    median_return_pct double precision,
    sharpe double precision,
    sortino double precision,
    max_drawdown_r double precision,
    exposure double precision,
    average_mfe_r double precision,
    average_mae_r double precision,
    average_duration interval
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT
    c.origin,
    c.is_simulated,
    c.strategy,
    c.strategy_version,
    c.symbol,
    c.asset_class,
    c.timeframe,
    c.exit_day,
    c.exit_month,
    c.n_signals,
    c.n_open,
    c.n_decided,
    c.n_target_hit,
    c.n_stop_hit,
    c.n_expired,
    c.n_cancelled,
    c.n_ambiguous,
    c.n_won,
    c.n_won::double precision / nullif(c.n_decided, 0) AS win_rate,
    analytics.wilson_low(c.n_won, c.n_decided) AS win_rate_low,
    analytics.wilson_high(c.n_won, c.n_decided) AS win_rate_high,
    (c.n_won_clearly + c.n_ambiguous)::double precision / nullif(c.n_decided, 0) AS win_rate_best,
    c.n_won_clearly::double precision / nullif(c.n_decided, 0) AS win_rate_worst,
    c.expectancy_r,
    c.total_r,
    CASE WHEN c.n_decided > 0 THEN coalesce(c.r_won, 0.0::double precision) / -c.r_lost END AS profit_factor,
    c.average_return_pct,
    c.median_return_pct,
    c.sharpe,
    c.sortino,
    c.max_drawdown_r,
    analytics.exposure(c.held) AS exposure,
    c.average_mfe_r,
    c.average_mae_r,
    c.average_duration
FROM (
    SELECT
        s.origin,
        s.is_simulated,
        s.strategy,
        s.strategy_version,
        s.symbol,
        s.asset_class,
        s.timeframe,
        s.exit_day,
        s.exit_month,
        count(*) AS n_signals,
        count(*) FILTER (WHERE s.status = 'open') AS n_open,
        count(*) FILTER (WHERE s.is_decided) AS n_decided,
        count(*) FILTER (WHERE s.status = 'target_hit') AS n_target_hit,
        count(*) FILTER (WHERE s.status = 'stop_hit') AS n_stop_hit,
        count(*) FILTER (WHERE s.status = 'expired') AS n_expired,
        count(*) FILTER (WHERE s.status = 'cancelled') AS n_cancelled,
        count(*) FILTER (WHERE s.is_decided AND s.is_ambiguous) AS n_ambiguous,
        count(*) FILTER (WHERE s.is_win) AS n_won,
        count(*) FILTER (WHERE s.is_win AND NOT s.is_ambiguous) AS n_won_clearly,
        -- The order makes float sums the same on every plan; it is one order, so that one sort serves all.
        avg(s.decided_r ORDER BY s.exit_at, s.signal_id) AS expectancy_r,
        sum(s.decided_r ORDER BY s.exit_at, s.signal_id) AS total_r,
        sum(s.decided_r ORDER BY s.exit_at, s.signal_id) FILTER (WHERE s.is_win) AS r_won,
        sum(s.decided_r ORDER BY s.exit_at, s.signal_id) FILTER (WHERE s.decided_r < 0.0::double precision) AS r_lost,
        avg(s.net_return_pct ORDER BY s.exit_at, s.signal_id) FILTER (WHERE s.is_decided) AS average_return_pct,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY s.net_return_pct) FILTER (WHERE s.is_decided)
        AS median_return_pct,
        analytics.sharpe(s.decided_r, s.exit_at, s.exit_class ORDER BY s.exit_at, s.signal_id) AS sharpe,
        analytics.sortino(s.decided_r, s.exit_at, s.exit_class ORDER BY s.exit_at, s.signal_id) AS sortino,
        analytics.max_drawdown(s.decided_r, s.exit_at ORDER BY s.exit_at, s.signal_id) AS max_drawdown_r,
        range_agg(tstzrange(s.fill_at, s.exit_at)) FILTER (WHERE s.is_decided) AS held,
        avg(s.mfe_r ORDER BY s.exit_at, s.signal_id) FILTER (WHERE s.is_decided) AS average_mfe_r,
        avg(s.mae_r ORDER BY s.exit_at, s.signal_id) FILTER (WHERE s.is_decided) AS average_mae_r,
        avg(s.duration) AS average_duration
    FROM (
        SELECT
            o.origin,
            o.is_simulated,
            o.signal_id,
            o.status,
            o.is_decided,
            o.is_ambiguous,
            o.is_win,
            o.fill_at,
            o.exit_at,
            o.duration,
            o.net_return_pct,
            o.mfe_r,
            o.mae_r,
            o.asset_class AS exit_class,
            CASE WHEN o.is_decided THEN o.net_r END AS decided_r,
            -- Bytes sort several times faster than the words of a language.
            CASE WHEN 'strategy' = ANY(performance.by_what) THEN o.strategy COLLATE "C" END AS strategy,
            CASE WHEN 'strategy' = ANY(performance.by_what) THEN o.strategy_version COLLATE "C" END
                AS strategy_version,
            CASE WHEN 'instrument' = ANY(performance.by_what) THEN o.symbol COLLATE "C" END AS symbol,
            CASE WHEN 'instrument' = ANY(performance.by_what) THEN o.asset_class COLLATE "C" END AS asset_class,
            CASE WHEN 'timeframe' = ANY(performance.by_what) THEN o.timeframe COLLATE "C" END AS timeframe,
            CASE WHEN 'day' = ANY(performance.by_what) THEN o.exit_day END AS exit_day,
            -- By the parts of the UTC date: what cuts off months by itself asks the session's time zone.
            CASE WHEN 'month' = ANY(performance.by_what) THEN make_timestamptz(
                date_part('year', timezone('UTC', o.exit_at))::integer,
                date_part('month', timezone('UTC', o.exit_at))::integer, 1, 0, 0, 0.0::double precision, 'UTC'
            ) END AS exit_month
        FROM analytics.signal_outcomes AS o
        WHERE (performance.only_origin IS NULL OR o.origin = performance.only_origin)
            AND (performance.only_simulated IS NULL OR o.is_simulated = performance.only_simulated)
            AND (performance.only_strategies IS NULL OR o.strategy = ANY(performance.only_strategies))
            AND (performance.only_symbol IS NULL OR o.symbol = performance.only_symbol)
            AND (performance.since IS NULL OR o.close_at >= performance.since)
    ) AS s
    GROUP BY
        s.origin, s.is_simulated, s.strategy, s.strategy_version, s.symbol, s.asset_class, s.timeframe, s.exit_day,
        s.exit_month
) AS c;
END;
