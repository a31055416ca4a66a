-- Purpose: what bars/gaps.py runs: runs of missing bars, kept as rows of market.gaps from open to filled.
-- pg_temp.missing_runs holds what is missing now until the transaction ends.

-- name: create_runs
CREATE TEMPORARY TABLE missing_runs (
    instrument_id integer NOT NULL,
    base_timeframe text NOT NULL,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    missing bigint NOT NULL
) ON COMMIT DROP;

-- name: drop_runs
DROP TABLE pg_temp.missing_runs;

-- name: lock_gaps
-- Two detections at once would both record what neither sees of the other.
SELECT pg_advisory_xact_lock(hashtext('signalhub.gaps'));

-- name: find_runs
INSERT INTO pg_temp.missing_runs (instrument_id, base_timeframe, from_at, to_at, missing)
SELECT m.instrument_id, m.base_timeframe, m.from_at, m.to_at, m.missing
FROM market.missing_runs(%(instrument_ids)s::integer[], %(since)s::timestamptz) AS m;

-- name: extend_open
-- A gap at the end of the bars grows with the watermark. One that the feed was asked about stays as it was asked.
UPDATE market.gaps AS g SET to_at = m.to_at
FROM pg_temp.missing_runs AS m
WHERE g.instrument_id = m.instrument_id AND g.base_timeframe = m.base_timeframe AND g.status = 'open'
    AND m.from_at < g.to_at AND m.to_at > g.to_at
    AND NOT EXISTS (
        SELECT 1
        FROM market.gaps AS o
        WHERE o.instrument_id = g.instrument_id AND o.base_timeframe = g.base_timeframe
            AND o.status IN ('open', 'unavailable') AND o.from_at >= g.to_at AND o.from_at < m.to_at -- noqa: RF01
    );

-- name: recount
-- Bars that came in meanwhile, and calendars that were learnt meanwhile. A base that rules there no longer is missed
-- by nobody. What was missing before the first bar that is kept cannot be told any more, and stays as it stands.
WITH counted AS (
    SELECT
        g.gap_id,
        market.expected_bars(i.calendar, g.base_timeframe, g.from_at, g.to_at)::integer AS expected,
        (
            SELECT count(*)
            FROM market.bars AS b
            WHERE b.instrument_id = g.instrument_id AND b.base_timeframe = g.base_timeframe
                AND b.open_at >= g.from_at AND b.open_at < g.to_at AND b.filled_count = 0
                AND (
                    i.calendar = '24/7'
                    OR EXISTS (
                        SELECT 1
                        FROM market.sessions AS s
                        WHERE s.calendar = i.calendar
                            AND s.open_at < b.open_at + t.span AND s.close_at > b.open_at
                            AND s.open_at > b.open_at - INTERVAL '168 hours'
                    )
                )
        )::integer AS stored,
        (
            SELECT count(*)
            FROM market.instrument_bases AS r
            WHERE r.instrument_id = g.instrument_id AND r.base_timeframe = g.base_timeframe
                AND r.rules_from < g.to_at AND r.rules_until > g.from_at
        ) > 0 AS is_ruled
    FROM market.gaps AS g
    INNER JOIN market.instruments AS i ON g.instrument_id = i.instrument_id
    INNER JOIN market.timeframes AS t ON g.base_timeframe = t.timeframe
    WHERE g.instrument_id = ANY(%(instrument_ids)s::integer[]) AND g.to_at > %(since)s::timestamptz
        AND g.status IN ('open', 'unavailable')
        AND EXISTS (
            SELECT 1
            FROM market.bars AS b
            WHERE b.instrument_id = g.instrument_id AND b.base_timeframe = g.base_timeframe
                AND b.open_at < g.from_at
        )
),
judged AS (
    SELECT
        c.gap_id,
        c.expected,
        CASE WHEN c.is_ruled THEN c.expected - c.stored ELSE 0 END AS missing,
        CASE
            WHEN c.expected = 0 THEN 'closed_session'
            WHEN NOT c.is_ruled OR c.stored = c.expected THEN 'filled'
        END AS closed_as,
        CASE WHEN NOT c.is_ruled THEN 'bars of another base rule there now' END AS detail
    FROM counted AS c
)
UPDATE market.gaps AS g SET
    expected = j.expected,
    missing = j.missing,
    status = COALESCE(j.closed_as, g.status),
    closed_at = CASE WHEN j.closed_as IS NOT NULL THEN %(now)s::timestamptz END,
    detail = COALESCE(j.detail, g.detail)
FROM judged AS j
WHERE g.gap_id = j.gap_id
    AND (g.expected, g.missing, g.status) IS DISTINCT FROM (j.expected, j.missing, COALESCE(j.closed_as, g.status))
RETURNING g.status, g.closed_at IS NOT NULL AS is_closed;

-- name: record_runs
-- What is missing and in no gap yet. A row that was closed and begins at the same bar is opened again.
INSERT INTO market.gaps AS g (instrument_id, base_timeframe, from_at, to_at, expected, missing, detected_at)
SELECT n.instrument_id, n.base_timeframe, n.from_at, n.to_at, e.expected, e.missing, %(now)s::timestamptz
FROM (
    SELECT m.instrument_id, m.base_timeframe, lower(p.span) AS from_at, upper(p.span) AS to_at
    FROM pg_temp.missing_runs AS m
    LEFT JOIN LATERAL (
        SELECT range_agg(tstzrange(k.from_at, k.to_at)) AS spans
        FROM market.gaps AS k
        WHERE k.instrument_id = m.instrument_id AND k.base_timeframe = m.base_timeframe
            AND k.status IN ('open', 'unavailable') AND k.from_at < m.to_at AND k.to_at > m.from_at
    ) AS known ON TRUE
    CROSS JOIN LATERAL unnest(
        tstzmultirange(tstzrange(m.from_at, m.to_at)) - COALESCE(known.spans, tstzmultirange())
    ) AS p (span)
) AS n
INNER JOIN market.instruments AS i ON n.instrument_id = i.instrument_id
CROSS JOIN LATERAL (
    SELECT c.expected, c.expected AS missing
    FROM (SELECT market.expected_bars(i.calendar, n.base_timeframe, n.from_at, n.to_at)::integer AS expected) AS c
) AS e
WHERE e.expected > 0
ON CONFLICT ON CONSTRAINT gap_is_recorded_once DO UPDATE SET
    to_at = excluded.to_at,
    expected = excluded.expected,
    missing = excluded.missing,
    status = 'open',
    detected_at = excluded.detected_at,
    asked_at = NULL,
    closed_at = NULL,
    detail = NULL;

-- name: bars_reach
-- Per calendar, from when to when its bars reach: the span in which its sessions must be known.
SELECT
    i.calendar,
    min(f.open_at) AS from_at,
    max(w.settled_through) AS to_at
FROM market.instruments AS i
INNER JOIN market.watermarks AS w ON i.instrument_id = w.instrument_id
CROSS JOIN LATERAL (
    SELECT b.open_at
    FROM market.bars AS b
    WHERE b.instrument_id = i.instrument_id AND b.base_timeframe = w.timeframe
    ORDER BY b.open_at
    LIMIT 1
) AS f
WHERE i.instrument_id = ANY(%(instrument_ids)s::integer[])
GROUP BY i.calendar
ORDER BY i.calendar;

-- name: list
SELECT
    g.symbol, g.timeframe, g.from_at, g.to_at, g.expected, g.missing, g.status, g.detected_at, g.asked_at, g.closed_at,
    g.detail
FROM analytics.gaps AS g
INNER JOIN market.instruments AS i ON g.symbol = i.public_symbol
WHERE i.instrument_id = ANY(%(instrument_ids)s::integer[])
    AND g.to_at > %(since)s::timestamptz AND g.status = ANY(%(statuses)s::text[])
ORDER BY g.symbol COLLATE "C", g.from_at, g.timeframe COLLATE "C"; -- noqa: RF02

-- name: wanting
-- Gaps that the feed is asked about, oldest first. Before the first bar that is kept nothing is wanted any more.
SELECT g.gap_id, g.base_timeframe, g.from_at, g.to_at
FROM market.gaps AS g
WHERE g.instrument_id = %(instrument_id)s::integer AND g.status = 'open' AND g.to_at > %(since)s::timestamptz
    AND EXISTS (
        SELECT 1
        FROM market.bars AS b
        WHERE b.instrument_id = g.instrument_id AND b.base_timeframe = g.base_timeframe AND b.open_at < g.from_at
    )
ORDER BY g.base_timeframe COLLATE "C", g.from_at; -- noqa: RF03

-- name: asked
UPDATE market.gaps AS g SET
    status = CASE WHEN %(has_none)s::boolean THEN 'unavailable' ELSE g.status END,
    asked_at = %(now)s::timestamptz,
    detail = %(detail)s::text
WHERE g.gap_id = ANY(%(gap_ids)s::bigint[]) AND g.status = 'open';

-- name: add_source
INSERT INTO market.sources (source, is_live) VALUES (%(source)s::text, FALSE) ON CONFLICT (source) DO NOTHING;

-- name: rank_lowest
-- Any other source's bar takes the place of one we filled in.
INSERT INTO market.instrument_sources (instrument_id, source, source_symbol, priority)
SELECT i.instrument_id, %(source)s::text, i.symbol, -2147483648
FROM market.instruments AS i
WHERE i.instrument_id = %(instrument_id)s::integer
ON CONFLICT (instrument_id, source) DO UPDATE SET priority = excluded.priority
WHERE market.instrument_sources.priority <> excluded.priority;

-- name: stand_ins
-- One row per expected bar that a gap lacks, with the close of the last real bar before it. Never for closed sessions.
WITH wanted AS (
    SELECT g.instrument_id, g.base_timeframe, n.open_at
    FROM market.gaps AS g
    INNER JOIN market.instruments AS i ON g.instrument_id = i.instrument_id
    INNER JOIN market.timeframes AS t ON g.base_timeframe = t.timeframe
    CROSS JOIN LATERAL generate_series(g.from_at, g.to_at - t.span, t.span) AS n (open_at)
    WHERE g.gap_id = ANY(%(gap_ids)s::bigint[])
        AND (
            i.calendar = '24/7'
            OR EXISTS (
                SELECT 1
                FROM market.sessions AS s
                WHERE s.calendar = i.calendar AND s.open_at < n.open_at + t.span AND s.close_at > n.open_at
                    AND s.open_at > n.open_at - INTERVAL '168 hours'
            )
        )
)
SELECT
    w.instrument_id,
    (date_part('epoch', w.open_at) * 1000000.0::double precision)::bigint AS open_at,
    l.close
FROM wanted AS w
CROSS JOIN LATERAL (
    SELECT b.open_at, b.close
    FROM market.bars AS b
    WHERE b.instrument_id = w.instrument_id AND b.base_timeframe = w.base_timeframe
        AND b.open_at <= w.open_at AND b.filled_count = 0
    ORDER BY b.open_at DESC
    LIMIT 1
) AS l
WHERE l.open_at < w.open_at
ORDER BY w.open_at;

-- name: lacking
-- Gaps that still lack bars, and may be filled in.
SELECT g.gap_id, g.base_timeframe
FROM market.gaps AS g
WHERE g.instrument_id = %(instrument_id)s::integer AND g.status IN ('open', 'unavailable')
    AND g.to_at > %(since)s::timestamptz
ORDER BY g.base_timeframe COLLATE "C", g.from_at; -- noqa: RF03
