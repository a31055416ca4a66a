-- Purpose: what bars/refreshes.py runs: market.refreshes, which tells readers what was written since they last looked.

-- name: begin_recording
-- One at a time up to its commit: an id that is seen before a smaller one would hide that.
SELECT pg_advisory_xact_lock(hashtext('market.refreshes'));

-- name: record
INSERT INTO market.refreshes (timeframe, instrument_ids, from_ats, refreshed_at)
VALUES (
    %(timeframe)s::text, %(instrument_ids)s::integer[], %(from_ats)s::timestamptz[], %(now)s::timestamptz
);

-- name: forget
DELETE FROM market.refreshes AS r
WHERE r.refreshed_at < %(before)s::timestamptz
    AND r.refresh_id < (SELECT max(n.refresh_id) FROM market.refreshes AS n);
