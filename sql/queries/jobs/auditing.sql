-- Purpose: what jobs/auditing.py runs: what was found, what was repaired, and whose turn it is.

-- name: record
-- What was found before and is still so stays one finding, with the values of now.
INSERT INTO market.audit_findings (
    relation, instrument_id, base_timeframe, timeframe, open_at, column_name, stored, expected, found_at
)
SELECT
    u.relation, %(instrument_id)s::integer, u.base_timeframe, u.timeframe, u.open_at, u.column_name,
    u.stored, u.expected, %(now)s::timestamptz
FROM unnest(
    %(relations)s::text[], %(base_timeframes)s::text[], %(timeframes)s::text[], %(open_ats)s::timestamptz[],
    %(column_names)s::text[], %(stored)s::text[], %(expected)s::text[]
) AS u (relation, base_timeframe, timeframe, open_at, column_name, stored, expected)
ON CONFLICT ON CONSTRAINT finding_is_recorded_once DO UPDATE SET
    stored = excluded.stored, expected = excluded.expected;

-- name: settle
-- Open findings of an instrument within what was just compared, and not among what was found.
UPDATE market.audit_findings AS f SET repaired_at = %(now)s::timestamptz
WHERE f.instrument_id = %(instrument_id)s::integer AND f.repaired_at IS NULL
    AND f.relation = ANY(%(compared)s::text[]) AND f.timeframe = ANY(%(compared_timeframes)s::text[])
    AND f.open_at >= %(from_at)s::timestamptz AND f.open_at < %(to_at)s::timestamptz
    AND NOT EXISTS (
        SELECT 1
        FROM unnest(
            %(relations)s::text[], %(base_timeframes)s::text[], %(timeframes)s::text[], %(open_ats)s::timestamptz[],
            %(column_names)s::text[]
        ) AS u (relation, base_timeframe, timeframe, open_at, column_name)
        WHERE f.relation = u.relation AND f.base_timeframe IS NOT DISTINCT FROM u.base_timeframe
            AND f.timeframe = u.timeframe AND f.open_at = u.open_at AND f.column_name = u.column_name
    )
    -- What waits for a refresh was not compared.
    AND NOT EXISTS (
        SELECT 1 FROM market.dirty_ranges AS d
        INNER JOIN market.timeframes AS t ON t.timeframe = f.timeframe
        WHERE d.instrument_id = f.instrument_id AND (d.timeframe IS NULL OR d.timeframe = f.timeframe)
            AND d.from_at < f.open_at + t.span AND d.to_at > f.open_at
    );

-- name: units
-- Every (active instrument, timeframe that it has bars of), the one that waits longest first; audited_through null:
-- from its first bar.
SELECT
    i.instrument_id,
    t.timeframe,
    NULLIF(p.audited_through, '-infinity'::timestamptz) AS audited_through
FROM market.instruments AS i
INNER JOIN (
    SELECT
        r.instrument_id,
        min(b.position) AS position
    FROM market.instrument_bases AS r
    INNER JOIN market.timeframes AS b ON r.base_timeframe = b.timeframe
    GROUP BY r.instrument_id
) AS f ON i.instrument_id = f.instrument_id
INNER JOIN market.timeframes AS t ON f.position <= t.position
LEFT JOIN market.audit_progress AS p ON i.instrument_id = p.instrument_id AND t.timeframe = p.timeframe
WHERE i.is_active
ORDER BY p.audited_at NULLS FIRST, i.instrument_id, t.position
LIMIT %(count)s::integer;

-- name: advance
-- audited_through null: round again from the first bar.
INSERT INTO market.audit_progress (instrument_id, timeframe, audited_through, audited_at)
VALUES (
    %(instrument_id)s::integer, %(timeframe)s::text,
    COALESCE(%(audited_through)s::timestamptz, '-infinity'::timestamptz), %(now)s::timestamptz
)
ON CONFLICT (instrument_id, timeframe) DO UPDATE SET
    audited_through = excluded.audited_through, audited_at = excluded.audited_at;
