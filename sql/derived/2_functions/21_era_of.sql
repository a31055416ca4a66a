-- Purpose: the era over which sums run (on-balance volume, accumulation/distribution): so far and no farther does a
--          corrected or filled-in bar reach.
-- Grain:   one value per (timeframe, instant): a number that is another one in the next era.
-- 1m: the week from Thursday 00:00 UTC on. 5m, 15m: the month. 1h, 4h: the year. 1d: one era, since a whole history of
-- days is soon computed.
-- Read by: market.indicator_rows.
CREATE OR REPLACE FUNCTION market.era_of(timeframe text, open_at timestamptz) RETURNS double precision
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE timeframe
    WHEN '1m' THEN floor(date_part('epoch', open_at) / 604800.0::double precision)
    WHEN '1h' THEN date_part('year', open_at AT TIME ZONE 'UTC')
    WHEN '4h' THEN date_part('year', open_at AT TIME ZONE 'UTC')
    WHEN '1d' THEN 0.0::double precision
    ELSE date_part('year', open_at AT TIME ZONE 'UTC') * 12.0::double precision
        + date_part('month', open_at AT TIME ZONE 'UTC')
END;
