-- Purpose: the Wilson score interval at 95 % of a rate of which won of n were seen: where the true rate may lie.
-- Formula: (p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n) with p = won / n and z = 1.959963984540054.
-- Units:   rates from 0 to 1; null where n is 0. Read by: analytics.performance; analysts too.
-- Source:  E. B. Wilson (1927). Unlike p ± z·√(p(1 − p)/n) it stays in [0, 1] and has a width at 0 of n and n of n.
CREATE OR REPLACE FUNCTION analytics.wilson_bound(won bigint, n bigint, z double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN n > 0 THEN LEAST(1.0::double precision, GREATEST(0.0::double precision, (
        won::double precision / n + z * z / (2 * n)
        + z * sqrt(won::double precision / n * (n - won) / n / n + z * z / (4.0::double precision * n * n))
    ) / (1 + z * z / n)))
END;

CREATE OR REPLACE FUNCTION analytics.wilson_low(won bigint, n bigint) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- Exactly 0 where nothing was won: not what rounding leaves of it.
RETURN CASE WHEN won = 0 AND n > 0 THEN 0 ELSE analytics.wilson_bound(won, n, -1.959963984540054) END;

CREATE OR REPLACE FUNCTION analytics.wilson_high(won bigint, n bigint) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN won = n AND n > 0 THEN 1 ELSE analytics.wilson_bound(won, n, 1.959963984540054) END;
