-- Purpose: what api/admin.py runs: one pass at a time, whichever process was asked for it.

-- name: begin
SELECT pg_try_advisory_lock(hashtext('signalhub.generate'));

-- name: end
SELECT pg_advisory_unlock(hashtext('signalhub.generate'));
