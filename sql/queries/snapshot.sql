-- Purpose: what snapshot.py runs: closed bars with their indicators, one block of closes and the context before it.

-- name: spans
-- From where each instrument that has a bar in the block must be read: `context` bars before the block. Whether it is
-- followed today does not matter: a replay sees what was there then.
SELECT
    i.instrument_id,
    COALESCE((
        SELECT min(p.open_at)
        FROM (
            SELECT z.open_at
            FROM market.indicators AS z
            WHERE z.instrument_id = i.instrument_id AND z.timeframe = %(timeframe)s::text
                AND z.open_at < %(first_open)s::timestamptz
            ORDER BY z.open_at DESC
            LIMIT %(context)s::integer
        ) AS p
    ), %(first_open)s::timestamptz) AS from_at
FROM market.instruments AS i
WHERE (%(instrument_ids)s::integer[] IS NULL OR i.instrument_id = ANY(%(instrument_ids)s::integer[]))
    AND EXISTS (
        SELECT 1 FROM market.indicators AS y
        WHERE y.instrument_id = i.instrument_id AND y.timeframe = %(timeframe)s::text
            AND y.open_at BETWEEN %(first_open)s::timestamptz AND %(last_open)s::timestamptz
    )
ORDER BY i.instrument_id;

-- name: load_bars
-- One row per (instrument, bar): the block's bars and up to `context` bars before them, in today's shares, as their
-- indicators are. Instants as microseconds.
-- The constant bounds let PostgreSQL leave out chunks before it looks at rows. OFFSET 0: one index scan an instrument,
-- for the planner expects few rows and would compare each with every instrument. Bars and indicators are read apart
-- and joined in Polars for the same reason.
SELECT b.*
FROM unnest(%(instrument_ids)s::integer[], %(from_ats)s::timestamptz[]) AS c (instrument_id, from_at)
CROSS JOIN LATERAL (
    SELECT
        b.instrument_id,
        (date_part('epoch', b.open_at) * 1000000.0::double precision)::bigint AS open_at,
        b.open,
        b.high,
        b.low,
        b.close,
        b.volume,
        b.filled_count,
        CASE
            -- By key, a row at a time: joined, the planner compares each row with every watermark.
            WHEN (
                SELECT w.settled_through FROM market.watermarks AS w
                WHERE w.instrument_id = b.instrument_id AND w.timeframe = b.base_timeframe
            ) >= b.close_at THEN 1
            WHEN b.bar_count >= market.expected_bars(
                (SELECT i.calendar FROM market.instruments AS i WHERE i.instrument_id = b.instrument_id),
                b.base_timeframe, b.open_at, b.close_at
            ) THEN 1
            ELSE 0
        END AS is_complete,
        b.price_factor
    FROM market.adjusted_bars AS b
    WHERE b.instrument_id = c.instrument_id
        AND b.timeframe = %(timeframe)s::text
        AND b.open_at >= c.from_at
        AND b.open_at >= %(first_needed)s::timestamptz
        AND b.open_at <= %(last_open)s::timestamptz
    ORDER BY b.open_at
    OFFSET 0
) AS b;

-- name: outliers
-- Bars of the block and its context that hold a flagged base bar, a row for each flag. Hardly ever any.
SELECT
    f.instrument_id,
    date_bin(t.span, f.open_at, '2000-01-01 00:00:00+00'::timestamptz) AS open_at,
    f.score
FROM market.timeframes AS t
INNER JOIN market.bar_flags AS f
    ON f.flag = 'outlier'
    AND f.open_at >= %(first_open)s::timestamptz
    AND f.open_at < %(last_open)s::timestamptz + t.span
INNER JOIN market.instrument_bases AS r
    ON f.instrument_id = r.instrument_id AND f.base_timeframe = r.base_timeframe
    AND f.open_at >= r.rules_from AND f.open_at < r.rules_until
WHERE t.timeframe = %(timeframe)s::text AND f.instrument_id = ANY(%(instrument_ids)s::integer[])
ORDER BY f.instrument_id, f.open_at;

-- name: dirty_instruments
-- Of each timeframe, instruments some of whose bars before a close are written but not yet rolled up and computed, and
-- from when on: everything that closes after that hangs on them.
SELECT
    k.timeframe,
    d.instrument_id,
    min(d.from_at) AS from_at
FROM unnest(%(timeframes)s::text[], %(closes)s::timestamptz[]) AS k (timeframe, last_close)
INNER JOIN market.dirty_ranges AS d
    ON (d.timeframe IS NULL OR d.timeframe = k.timeframe) AND d.from_at < k.last_close
GROUP BY k.timeframe, d.instrument_id
ORDER BY k.timeframe, d.instrument_id;

-- name: unlisted
-- Spans, cut to the block, in which an instrument was not listed. Hardly ever any.
SELECT
    u.instrument_id,
    u.status,
    GREATEST(u.valid_from, %(first_close)s::timestamptz) AS from_at,
    LEAST(u.valid_until, %(last_close)s::timestamptz + INTERVAL '1 microsecond') AS to_at
FROM market.instrument_status AS u
WHERE u.status <> 'listed'
    AND u.valid_from <= %(last_close)s::timestamptz AND u.valid_until > %(first_close)s::timestamptz
ORDER BY u.instrument_id, u.valid_from;

-- name: closes
-- Every close of the timeframe in the span at which some instrument that was not delisted then has a closed bar.
SELECT DISTINCT b.close_at
FROM market.closed_bars AS b
WHERE b.timeframe = %(timeframe)s::text
    AND b.close_at > %(after)s::timestamptz AND b.close_at <= %(until)s::timestamptz
    AND b.open_at > %(after)s::timestamptz - INTERVAL '48 hours' AND b.open_at < %(until)s::timestamptz
    AND (%(instrument_ids)s::integer[] IS NULL OR b.instrument_id = ANY(%(instrument_ids)s::integer[]))
    AND NOT EXISTS (
        SELECT 1 FROM market.instrument_status AS u
        WHERE u.instrument_id = b.instrument_id AND u.status = 'delisted'
            AND u.valid_from <= b.close_at AND u.valid_until > b.close_at
    )
ORDER BY b.close_at;

-- name: liveness
-- An instrument is live at a close when a live feed may write its bars and no other source wrote one of this span;
-- it is late when the calendar expects a bar there and the watermark has not reached the close, or what came has not
-- been rolled up and computed yet. Nobody waits for one that was late long before: it is not followed any more, or
-- its market is closed for good, and would hold up all others at every close; nor for one that is halted. One that is
-- delisted is not there.
SELECT
    k.kind,
    array_agg(k.instrument_id ORDER BY k.instrument_id) AS instrument_ids,
    array_agg(k.is_awaited ORDER BY k.instrument_id) AS are_awaited,
    array_agg(k.behind_bars ORDER BY k.instrument_id) AS behind_bars,
    array_agg(k.behind_hours ORDER BY k.instrument_id) AS behind_hours
FROM (
    SELECT
        i.instrument_id,
        h.settled_at >= %(close)s::timestamptz - t.span - INTERVAL '1 hour' AND u.instrument_id IS NULL AS is_awaited,
        date_part('epoch', %(close)s::timestamptz - h.settled_at) / 3600.0::double precision AS behind_hours,
        date_part('epoch', %(close)s::timestamptz - h.settled_at) / h.seconds AS behind_bars,
        CASE
            WHEN o.has_live IS NOT TRUE THEN 'other'
            -- Looked for only where another source may write: that nothing was found takes a look at a day of bars.
            WHEN o.has_other AND EXISTS (
                SELECT 1 FROM market.instrument_bases AS r
                INNER JOIN market.bars AS x
                    ON r.instrument_id = x.instrument_id AND r.base_timeframe = x.base_timeframe
                    AND x.open_at >= r.rules_from AND x.open_at < r.rules_until
                INNER JOIN market.sources AS s ON x.source_id = s.source_id
                WHERE r.instrument_id = i.instrument_id AND NOT s.is_live
                    AND x.open_at >= %(close)s::timestamptz - t.span AND x.open_at < %(close)s::timestamptz
                    AND x.open_at >= %(close)s::timestamptz - INTERVAL '24 hours'
            ) THEN 'other'
            WHEN h.settled_at < %(close)s::timestamptz THEN 'unsettled'
            WHEN i.instrument_id IN (
                SELECT d.instrument_id FROM market.dirty_ranges AS d
                WHERE (d.timeframe IS NULL OR d.timeframe = %(timeframe)s::text)
                    AND d.from_at < %(close)s::timestamptz
            ) THEN 'unsettled'
            ELSE 'live'
        END AS kind
    FROM market.timeframes AS t
    -- A calendar is asked once, however many follow it.
    INNER JOIN (SELECT DISTINCT n.calendar FROM market.instruments AS n WHERE n.is_active) AS c
        ON market.expected_bars(c.calendar, t.timeframe, %(close)s::timestamptz - t.span, %(close)s::timestamptz) > 0
    INNER JOIN market.instruments AS i ON c.calendar = i.calendar AND i.is_active
    INNER JOIN (
        SELECT w.instrument_id, max(w.settled_through) AS settled_at, min(b.seconds) AS seconds
        FROM market.watermarks AS w
        INNER JOIN market.timeframes AS b ON w.timeframe = b.timeframe
        INNER JOIN market.timeframes AS f ON f.timeframe = %(timeframe)s::text AND b.position <= f.position
        GROUP BY w.instrument_id
    ) AS h ON i.instrument_id = h.instrument_id
    LEFT JOIN (
        SELECT p.instrument_id, bool_or(s.is_live) AS has_live, bool_or(NOT s.is_live) AS has_other
        FROM market.instrument_sources AS p
        INNER JOIN market.sources AS s ON p.source = s.source
        GROUP BY p.instrument_id
    ) AS o ON i.instrument_id = o.instrument_id
    LEFT JOIN (
        SELECT u.instrument_id, bool_or(u.status = 'delisted') AS is_delisted
        FROM market.instrument_status AS u
        WHERE u.status <> 'listed'
            AND u.valid_from <= %(close)s::timestamptz AND u.valid_until > %(close)s::timestamptz
        GROUP BY u.instrument_id
    ) AS u ON i.instrument_id = u.instrument_id
    WHERE t.timeframe = %(timeframe)s::text AND u.is_delisted IS NOT TRUE
) AS k
GROUP BY k.kind;

-- name: newest_spans
-- From where on the newest `bars` bars up to a close are read, of each instrument that has any: its market may be
-- closed then.
SELECT
    i.instrument_id,
    p.from_at
FROM market.instruments AS i
CROSS JOIN LATERAL (
    SELECT min(n.open_at) AS from_at
    FROM (
        SELECT z.open_at
        FROM market.indicators AS z
        WHERE z.instrument_id = i.instrument_id AND z.timeframe = %(timeframe)s::text
            AND z.open_at <= %(last_open)s::timestamptz AND z.open_at >= %(not_before)s::timestamptz
        ORDER BY z.open_at DESC
        LIMIT %(bars)s::integer
    ) AS n
) AS p
WHERE p.from_at IS NOT NULL
    AND mod(i.instrument_id, %(portions)s::integer) = %(portion)s::integer
    AND (%(instrument_ids)s::integer[] IS NULL OR i.instrument_id = ANY(%(instrument_ids)s::integer[]))
ORDER BY i.instrument_id;

-- name: context_spans
-- From where on a coarser timeframe is read: the last bar that had closed by the first close.
SELECT
    c.instrument_id,
    COALESCE((
        SELECT max(z.open_at) FROM market.indicators AS z
        WHERE z.instrument_id = c.instrument_id AND z.timeframe = %(timeframe)s::text
            AND z.open_at < %(first_at)s::timestamptz AND z.open_at >= %(not_before)s::timestamptz
    ), %(first_at)s::timestamptz) AS from_at
FROM unnest(%(instrument_ids)s::integer[]) AS c (instrument_id)
ORDER BY c.instrument_id;

-- name: calendars
-- Of the instruments that do not trade always.
SELECT
    i.instrument_id,
    i.calendar
FROM market.instruments AS i
WHERE i.instrument_id = ANY(%(instrument_ids)s::integer[]) AND i.calendar <> '24/7'
ORDER BY i.instrument_id;

-- name: observations
-- Of each bar's span the newest observation that became known in it, its newest version: close_at is the first close
-- by which it is known. What the bars before knew already is newer now and then: the reader looks.
-- noqa: disable=RF02,RF03
SELECT DISTINCT ON (o.instrument_id, o.kind, k.known_by)
    o.instrument_id,
    o.kind,
    (date_part('epoch', k.known_by) * 1000000.0::double precision)::bigint AS close_at,
    (date_part('epoch', o.observed_at) * 1000000.0::double precision)::bigint AS observed_at,
    o.value
FROM market.observations AS o
INNER JOIN market.timeframes AS t ON t.timeframe = %(timeframe)s::text
CROSS JOIN LATERAL (
    SELECT date_bin(
        t.span, o.known_at + t.span - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00'::timestamptz
    ) AS known_by
) AS k
WHERE o.instrument_id = ANY(%(instrument_ids)s::integer[]) AND o.kind = ANY(%(kinds)s::text[])
    AND o.observed_at >= %(observed_from)s::timestamptz AND o.observed_at <= %(last_close)s::timestamptz
    AND o.known_at <= %(last_close)s::timestamptz
ORDER BY
    o.instrument_id, o.kind, k.known_by, o.observed_at DESC, o.known_at DESC, o.source COLLATE "C";

-- name: refresh_ids
SELECT
    COALESCE(min(r.refresh_id), 0) AS oldest,
    COALESCE(max(r.refresh_id), 0) AS newest
FROM market.refreshes AS r;

-- name: changed_since
-- Of each timeframe, instruments whose rows before kept_until were written since a refresh, and from when on. Nearly
-- always none: a new bar is no change.
SELECT
    k.timeframe,
    c.instrument_id,
    min(c.from_at) AS from_at
FROM unnest(
    %(timeframes)s::text[], %(refresh_ids)s::bigint[], %(kept_untils)s::timestamptz[]
) AS k (timeframe, refresh_id, kept_until)
INNER JOIN market.refreshes AS r ON k.timeframe = r.timeframe AND r.refresh_id > k.refresh_id
CROSS JOIN LATERAL unnest(r.instrument_ids, r.from_ats) AS c (instrument_id, from_at)
WHERE c.from_at < k.kept_until
GROUP BY k.timeframe, c.instrument_id
ORDER BY k.timeframe, c.instrument_id;

-- name: new_instruments
-- Those that have a bar in the block and are not known yet.
SELECT i.instrument_id
FROM market.instruments AS i
WHERE NOT i.instrument_id = ANY(%(known_ids)s::integer[])
    AND mod(i.instrument_id, %(portions)s::integer) = %(portion)s::integer
    AND EXISTS (
        SELECT 1 FROM market.indicators AS y
        WHERE y.instrument_id = i.instrument_id AND y.timeframe = %(timeframe)s::text
            AND y.open_at BETWEEN %(first_open)s::timestamptz AND %(last_open)s::timestamptz
    )
ORDER BY i.instrument_id;
