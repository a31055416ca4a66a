-- Purpose: what subscribers/preferences.py runs: one row per subscriber, read and replaced.

-- name: get
SELECT
    p.symbols, p.asset_classes, p.timeframes, p.directions, p.min_score, p.channels, p.quiet_from, p.quiet_until,
    p.daily_cap, p.digest_at, p.is_weekly_wanted AS weekly
FROM account.preferences AS p
WHERE p.subscriber_id = %(subscriber_id)s::integer;

-- name: get_for_update
SELECT
    p.symbols, p.asset_classes, p.timeframes, p.directions, p.min_score, p.channels, p.quiet_from, p.quiet_until,
    p.daily_cap, p.digest_at, p.is_weekly_wanted AS weekly
FROM account.preferences AS p
WHERE p.subscriber_id = %(subscriber_id)s::integer
FOR NO KEY UPDATE;

-- name: put
-- Nothing is written, and nobody told, where nothing changes.
UPDATE account.preferences AS p SET
    symbols = %(symbols)s::text[],
    asset_classes = %(asset_classes)s::text[],
    timeframes = %(timeframes)s::text[],
    directions = %(directions)s::text[],
    min_score = %(min_score)s::numeric,
    channels = %(channels)s::text[],
    quiet_from = %(quiet_from)s::time,
    quiet_until = %(quiet_until)s::time,
    daily_cap = %(daily_cap)s::integer,
    digest_at = %(digest_at)s::time,
    is_weekly_wanted = %(weekly)s::boolean,
    updated_at = %(now)s::timestamptz
WHERE p.subscriber_id = %(subscriber_id)s::integer
    AND (
        p.symbols, p.asset_classes, p.timeframes, p.directions, p.min_score, p.channels, p.quiet_from, p.quiet_until,
        p.daily_cap, p.digest_at, p.is_weekly_wanted
    ) IS DISTINCT FROM (
        %(symbols)s::text[],
        %(asset_classes)s::text[],
        %(timeframes)s::text[],
        %(directions)s::text[],
        %(min_score)s::numeric,
        %(channels)s::text[],
        %(quiet_from)s::time,
        %(quiet_until)s::time,
        %(daily_cap)s::integer,
        %(digest_at)s::time,
        %(weekly)s::boolean
    );

-- name: public
SELECT g.given, i.public_symbol
FROM unnest(%(symbols)s::text[]) AS g (given)
INNER JOIN market.instruments AS i ON g.given = i.public_symbol OR g.given = i.symbol || '@' || i.venue;

-- name: a_few_symbols
SELECT i.public_symbol FROM market.instruments AS i
WHERE i.is_active
ORDER BY i.public_symbol COLLATE "C" -- noqa: RF03
LIMIT 9;
