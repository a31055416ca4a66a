-- Purpose: what jobs/runs.py runs: which scheduled runs happened, and which parts of the service are alive.

-- name: try_lock
-- Held by the connection until it is closed or lets go: a killed process leaves no lock behind.
SELECT pg_try_advisory_lock(hashtext('signalhub.job.' || %(job)s::text));

-- name: unlock
SELECT pg_advisory_unlock(hashtext('signalhub.job.' || %(job)s::text));

-- name: is_finished
SELECT count(*) > 0
FROM engine.job_runs AS j
WHERE j.job = %(job)s::text AND j.scheduled_for = %(slot)s::timestamptz AND j.finished_at IS NOT NULL;

-- name: begin
INSERT INTO engine.job_runs (job, scheduled_for, started_at)
VALUES (%(job)s::text, %(slot)s::timestamptz, %(now)s::timestamptz)
ON CONFLICT (job, scheduled_for) DO UPDATE SET started_at = excluded.started_at, error = NULL;

-- name: finish
UPDATE engine.job_runs AS j SET finished_at = %(now)s::timestamptz
WHERE j.job = %(job)s::text AND j.scheduled_for = %(slot)s::timestamptz;

-- name: fail
UPDATE engine.job_runs AS j SET error = %(error)s::text
WHERE j.job = %(job)s::text AND j.scheduled_for = %(slot)s::timestamptz;

-- name: last_runs
SELECT DISTINCT ON (j.job) j.job, j.scheduled_for, j.started_at, j.finished_at, j.error
FROM engine.job_runs AS j
ORDER BY j.job, j.scheduled_for DESC;

-- name: forget_runs
DELETE FROM engine.job_runs AS j WHERE j.scheduled_for < %(before)s::timestamptz;

-- name: beat
INSERT INTO engine.heartbeats (part, instance, started_at, seen_at, detail)
VALUES (%(part)s::text, %(instance)s::text, %(now)s::timestamptz, %(now)s::timestamptz, %(detail)s::text)
ON CONFLICT (part, instance) DO UPDATE SET seen_at = excluded.seen_at, detail = excluded.detail;

-- name: leave
DELETE FROM engine.heartbeats AS h WHERE h.instance = %(instance)s::text AND h.part = %(part)s::text;

-- name: forget_heartbeats
DELETE FROM engine.heartbeats AS h WHERE h.seen_at < %(before)s::timestamptz;
