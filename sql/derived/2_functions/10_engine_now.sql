-- Purpose: the present for views that need one: the setting signalhub.now (tests, replays), else the clock.
-- Read by: analytics views. Units: UTC instant.
CREATE OR REPLACE FUNCTION engine.now() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN COALESCE(NULLIF(current_setting('signalhub.now', TRUE), '')::timestamptz, statement_timestamp());
