-- Purpose: every signal with where it stands. Filter on origin and is_simulated before counting anything.
-- Grain:   one row per signal.
-- Units:   prices and atr in quote currency; returns in percent (2.21 means 2.21 %); r_multiple gross, in risks;
--          position_size_pct and max_risk_pct (what the stop costs at that size) in percent of the equity; validity is
--          what can still be done with the signal, as of validity_since, the close of a base bar.
CREATE OR REPLACE VIEW analytics.signals AS
SELECT
    s.signal_id,
    v.strategy,
    v.version AS strategy_version,
    i.public_symbol AS symbol,
    i.asset_class,
    s.timeframe,
    s.direction,
    s.open_at,
    s.close_at,
    s.entry,
    s.stop,
    s.target,
    round(abs(s.target - s.entry) / abs(s.entry - s.stop), 4) AS risk_reward,
    s.score,
    s.components,
    s.confidence,
    s.confidence_n,
    s.reason,
    s.valid_until,
    s.published_at,
    o.status,
    o.is_ambiguous,
    o.fill_price,
    o.fill_at,
    o.exit_price,
    o.exit_at,
    o.gross_return_pct,
    o.net_return_pct,
    o.r_multiple,
    o.net_r,
    o.mfe_r,
    o.mae_r,
    o.tracked_through,
    s.input_hash,
    s.origin,
    i.is_simulated,
    s.recorded_at,
    s.atr,
    s.position_size_pct,
    s.max_risk_pct,
    s.weights,
    s.left_out,
    s.is_best,
    -- Not joined: who does not ask for them does not pay for them.
    (
        SELECT c.state FROM engine.signal_validity AS c
        WHERE c.signal_id = s.signal_id
        ORDER BY c.change_id DESC
        LIMIT 1
    ) AS validity,
    (
        SELECT c.since FROM engine.signal_validity AS c
        WHERE c.signal_id = s.signal_id
        ORDER BY c.change_id DESC
        LIMIT 1
    ) AS validity_since
FROM engine.signals AS s
INNER JOIN engine.strategies AS v ON s.strategy_id = v.strategy_id
INNER JOIN market.instruments AS i ON s.instrument_id = i.instrument_id
INNER JOIN engine.outcomes AS o ON s.signal_id = o.signal_id;
