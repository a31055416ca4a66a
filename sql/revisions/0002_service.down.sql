-- Purpose: takes the rooms of the service down again, people and messages included.

DROP SCHEMA outbox CASCADE;
DROP SCHEMA account CASCADE;
DROP TABLE engine.job_runs;
DROP TABLE engine.heartbeats;
DROP INDEX engine.outcomes_by_exit;
DROP FUNCTION engine.announce_change() CASCADE;
