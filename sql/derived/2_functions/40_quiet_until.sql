-- Purpose: until when a subscriber is not to be disturbed: the end of the quiet hours that hold `at`, or null outside
--          them and where there are none.
-- Units:   quiet_from and quiet_until are local times of day, [from, until), and may wrap midnight; the result is a UTC
--          instant after `at`.
-- Read by: outbox/publish.sql. Daylight saving: an end that the clocks skip is read by the clock before the move (02:30
--          that never was is 03:30), one that comes twice is the second: the later instant of two readings, always.
CREATE OR REPLACE FUNCTION account.quiet_until(
    at timestamptz, time_zone text, quiet_from time, quiet_until time
) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN quiet_from IS NULL THEN NULL
    WHEN quiet_from < quiet_until
        AND (at AT TIME ZONE time_zone)::time >= quiet_from AND (at AT TIME ZONE time_zone)::time < quiet_until
        THEN ((at AT TIME ZONE time_zone)::date + quiet_until) AT TIME ZONE time_zone
    WHEN quiet_from > quiet_until AND (at AT TIME ZONE time_zone)::time < quiet_until
        THEN ((at AT TIME ZONE time_zone)::date + quiet_until) AT TIME ZONE time_zone
    WHEN quiet_from > quiet_until AND (at AT TIME ZONE time_zone)::time >= quiet_from
        THEN ((at AT TIME ZONE time_zone)::date + 1 + quiet_until) AT TIME ZONE time_zone
END;
