-- Purpose: what became of each signal: the facts every statistic is made of.
-- Grain:   one row per signal.
-- Units:   returns in percent (2.21 means 2.21 %), R in risks, net of the fees and slippage that were set; exit_day is
--          00:00 UTC of the day of exit_at.
-- Read by: analytics.performance, analytics.equity, analysts. Filter on origin and is_simulated before counting.
-- is_decided: filled and closed. is_win: net R > 0; null where nothing is decided. duration: from fill to exit.
CREATE OR REPLACE VIEW analytics.signal_outcomes AS
SELECT
    s.signal_id,
    s.origin,
    s.is_simulated,
    s.strategy,
    s.strategy_version,
    s.symbol,
    s.asset_class,
    s.timeframe,
    s.direction,
    s.score,
    s.close_at,
    s.valid_until,
    s.status,
    s.is_ambiguous,
    d.is_decided,
    CASE WHEN d.is_decided THEN s.net_r > 0.0::double precision END AS is_win,
    s.fill_at,
    s.fill_price,
    s.exit_at,
    s.exit_price,
    -- Hours, not a day: a day's length depends on the session's time zone.
    date_bin(INTERVAL '24 hours', s.exit_at, '2000-01-01 00:00:00+00'::timestamptz) AS exit_day,
    CASE WHEN d.is_decided THEN s.exit_at - s.fill_at END AS duration,
    s.gross_return_pct,
    s.net_return_pct,
    s.r_multiple,
    s.net_r,
    s.mfe_r,
    s.mae_r,
    s.tracked_through
FROM analytics.signals AS s
CROSS JOIN LATERAL (
    SELECT s.status <> 'open' AND s.fill_price IS NOT NULL AND s.net_r IS NOT NULL AS is_decided
) AS d;
