-- Purpose: exposure: the share of the time from the first fill to the last exit in which at least one signal was held.
-- Usage:   analytics.exposure(range_agg(tstzrange(fill_at, exit_at))).
-- Units:   0 to 1; null where nothing was held for any time. Read by: analytics.performance; analysts too.
CREATE OR REPLACE FUNCTION analytics.exposure(held tstzmultirange) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT sum(date_part('epoch', upper(span)) - date_part('epoch', lower(span)) ORDER BY span)
    FROM unnest(held) AS span
) / nullif(date_part('epoch', upper(held)) - date_part('epoch', lower(held)), 0.0::double precision);
