-- Purpose: forgets gaps, splits, listings, flags, audits and retention. Abstentions for the reasons that came with
--          them are deleted: the old constraint does not know them.

DELETE FROM engine.abstentions AS a WHERE a.reason IN ('stale', 'not_listed', 'flagged_bars');
ALTER TABLE engine.abstentions DROP CONSTRAINT only_candidates_are_held_back;
ALTER TABLE engine.abstentions ADD CONSTRAINT only_candidates_are_held_back CHECK (
    (direction IS NULL) = (reason IN ('warming_up', 'not_settled', 'filled_bars', 'incomplete', 'dirty'))
);
ALTER TABLE engine.abstentions DROP CONSTRAINT reason_is_known;
ALTER TABLE engine.abstentions ADD CONSTRAINT reason_is_known CHECK (reason IN (
    'warming_up', 'not_settled', 'filled_bars', 'incomplete', 'dirty',
    'cooldown', 'score_below_threshold', 'risk_below_tick'
));
DROP INDEX market.bar_revisions_by_time;
DROP TABLE market.retention;
DROP TABLE market.audit_progress;
DROP TABLE market.audit_findings;
DROP TABLE market.bar_flags;
DROP TABLE market.instrument_status;
DROP TABLE market.adjustments;
DROP TABLE market.splits;
DROP TABLE market.gaps;
