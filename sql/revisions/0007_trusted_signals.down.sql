-- Purpose: takes back 0007_trusted_signals.

-- Provenance.
DROP TRIGGER seal_closed ON engine.outcomes;
DROP TRIGGER seal_inserted ON engine.outcomes;
DROP TRIGGER seal_signals ON engine.signals;
DROP FUNCTION engine.seal_outcomes();
DROP FUNCTION engine.seal_signals();
DROP TABLE engine.ledger;
DROP TABLE engine.seals;
DROP FUNCTION engine.refuse_change();
DROP FUNCTION engine.seal_of(json);
DROP FUNCTION engine.record_of(json);

-- Backtests.
DROP TABLE engine.trials;

-- Evaluation.
ALTER TABLE outbox.decisions DROP CONSTRAINT decision_reason_is_known;
UPDATE outbox.decisions AS d SET reason = 'daily_cap' WHERE d.reason = 'not_among_best';
ALTER TABLE outbox.decisions ADD CONSTRAINT decision_reason_is_known CHECK (reason IN (
    'wanted', 'quiet_hours', 'symbol', 'asset_class', 'timeframe', 'direction', 'score_below_minimum',
    'no_channel', 'daily_cap', 'no_longer_valid'
));
DROP TABLE market.refreshes;
DROP TABLE engine.signal_validity;
ALTER TABLE engine.signal_inputs ALTER COLUMN inputs SET STORAGE EXTENDED;
ALTER TABLE engine.evaluations
DROP COLUMN steps,
DROP COLUMN snapshot_misses,
DROP COLUMN snapshot_hits;
ALTER TABLE engine.signals
DROP COLUMN is_best,
DROP COLUMN left_out,
DROP COLUMN weights,
DROP COLUMN max_risk_pct,
DROP COLUMN position_size_pct,
DROP COLUMN risk_reward,
DROP COLUMN atr;
