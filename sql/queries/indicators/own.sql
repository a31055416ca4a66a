-- Purpose: what indicators/own.py and own_checks.py run: users' own indicators, each in a table of its own in schema
--          own. The tables and the view over them are made in Python, for their names and columns are the users'.
-- Units:   a window is a bar with the lookback bars before it: the same ones always, whenever it is computed.

-- name: create_own_schema
CREATE SCHEMA IF NOT EXISTS own;

-- name: create_own_table
-- is_current: every row of its table is what its file makes of the bars. problem: why it is computed no more.
CREATE TABLE IF NOT EXISTS own.definitions (
    name text NOT NULL,
    sha256 text NOT NULL,
    columns text[] NOT NULL,
    what text NOT NULL,
    unit text NOT NULL,
    lookback_bars integer NOT NULL,
    is_current boolean NOT NULL DEFAULT FALSE,
    problem text,
    CONSTRAINT definition_is_unique PRIMARY KEY (name)
);

-- name: create_windows
CREATE TEMPORARY TABLE IF NOT EXISTS own_windows (
    window_id integer NOT NULL,
    of_instrument integer NOT NULL,
    open_at timestamptz NOT NULL,
    open double precision NOT NULL,
    high double precision NOT NULL,
    low double precision NOT NULL,
    close double precision NOT NULL,
    volume double precision NOT NULL,
    is_last boolean NOT NULL
) ON COMMIT DROP;

-- name: is_there
SELECT to_regclass('own.definitions') IS NOT NULL;

-- name: definitions
SELECT
    d.name,
    d.sha256,
    d.columns,
    d.is_current,
    d.problem
FROM own.definitions AS d
ORDER BY d.name COLLATE "C"; -- noqa: RF03

-- name: define
INSERT INTO own.definitions (name, sha256, columns, what, unit, lookback_bars, is_current)
SELECT
    %(name)s::text,
    %(sha256)s::text,
    %(columns)s::text[],
    %(what)s::text,
    %(unit)s::text,
    %(lookback_bars)s::integer,
    TRUE
ON CONFLICT (name) DO UPDATE SET
    sha256 = excluded.sha256,
    columns = excluded.columns,
    what = excluded.what,
    unit = excluded.unit,
    lookback_bars = excluded.lookback_bars,
    is_current = TRUE,
    problem = NULL;

-- name: leave_behind
-- Bars change while a file is not there: its rows are shown no more, and made again when it comes back.
UPDATE own.definitions AS d SET is_current = FALSE
WHERE d.is_current AND NOT d.name = ANY(%(names)s::text[]);

-- name: note_problem
UPDATE own.definitions AS d SET is_current = FALSE, problem = %(problem)s::text
WHERE d.name = %(name)s::text;

-- name: shown
-- The tables that analytics.own_indicators reads.
SELECT DISTINCT c.relname::text AS name
FROM pg_catalog.pg_rewrite AS r
INNER JOIN pg_catalog.pg_depend AS d ON r.oid = d.objid AND d.refclassid = 'pg_catalog.pg_class'::regclass
INNER JOIN pg_catalog.pg_class AS c ON d.refobjid = c.oid
WHERE r.ev_class = to_regclass('analytics.own_indicators')
    AND c.relnamespace = to_regnamespace('own') AND c.relname <> 'definitions';

-- name: everything
-- Each series from its first bar on, or from when on indicators are kept.
SELECT DISTINCT
    b.instrument_id,
    t.timeframe,
    COALESCE(k.kept_from, '0001-01-02 00:00:00+00'::timestamptz) AS from_at
FROM market.instrument_bases AS b
INNER JOIN market.timeframes AS f ON b.base_timeframe = f.timeframe
INNER JOIN market.timeframes AS t ON f.position <= t.position
LEFT JOIN market.retention AS k ON k.relation = 'market.indicators' AND t.timeframe = k.timeframe;

-- name: due
-- From when on rows are made again: where bars were dropped, only what still has its whole window.
SELECT
    u.instrument_id,
    GREATEST(u.from_at, k.kept_from, CASE WHEN EXISTS (
        SELECT 1 FROM market.retention AS r
        WHERE r.relation <> 'market.indicators' AND r.timeframe = %(timeframe)s::text
    ) THEN COALESCE((
        SELECT a.open_at
        FROM market.adjusted_bars AS a
        WHERE a.instrument_id = u.instrument_id AND a.timeframe = %(timeframe)s::text
        ORDER BY a.open_at
        LIMIT 1 OFFSET %(lookback)s::integer
    ), 'infinity') END) AS from_at
FROM unnest(%(instrument_ids)s::integer[], %(from_ats)s::timestamptz[]) AS u (instrument_id, from_at)
LEFT JOIN market.retention AS k ON k.relation = 'market.indicators' AND k.timeframe = %(timeframe)s::text
ORDER BY u.instrument_id;

-- name: slices
-- Stretches of no more than `size` bars.
SELECT
    x.instrument_id,
    min(x.open_at) AS from_at,
    max(x.open_at) AS last_at,
    count(*) AS bars
FROM (
    SELECT
        u.instrument_id,
        b.open_at,
        (row_number() OVER (PARTITION BY u.instrument_id ORDER BY b.open_at) - 1) / %(size)s::integer AS slice
    FROM unnest(%(instrument_ids)s::integer[], %(from_ats)s::timestamptz[]) AS u (instrument_id, from_at)
    CROSS JOIN LATERAL (
        SELECT a.open_at
        FROM market.adjusted_bars AS a
        WHERE a.instrument_id = u.instrument_id AND a.timeframe = %(timeframe)s::text AND a.open_at >= u.from_at
        OFFSET 0 -- noqa: AM09
    ) AS b
) AS x
GROUP BY x.instrument_id, x.slice
ORDER BY x.instrument_id, x.slice;

-- name: clear_windows
TRUNCATE own_windows;

-- name: fill_windows
-- A bar that has fewer than lookback bars before it gets no window. OFFSET 0 keeps PostgreSQL from reading the bars of
-- all instruments at once.
WITH asked AS MATERIALIZED (
    SELECT
        u.instrument_id,
        u.from_at,
        u.last_at,
        LEAST(c.open_at, f.open_at, u.from_at) AS context_from
    FROM unnest(%(instrument_ids)s::integer[], %(from_ats)s::timestamptz[], %(last_ats)s::timestamptz[])
    AS u (instrument_id, from_at, last_at)
    -- Our own indicators have a row for each bar, and an index that bars of several bases have not.
    CROSS JOIN LATERAL (
        SELECT
            min(x.open_at) AS open_at,
            count(*) AS bars
        FROM (
            SELECT i.open_at
            FROM market.indicators AS i
            WHERE i.instrument_id = u.instrument_id AND i.timeframe = %(timeframe)s::text AND i.open_at < u.from_at
            ORDER BY i.open_at DESC
            LIMIT %(lookback)s::integer
        ) AS x
    ) AS c
    -- Where their old rows were dropped (market.retention), the bars say it.
    CROSS JOIN LATERAL (
        SELECT min(x.open_at) AS open_at
        FROM (
            SELECT b.open_at
            FROM market.closed_bars AS b
            WHERE b.instrument_id = u.instrument_id AND b.timeframe = %(timeframe)s::text AND b.open_at < u.from_at
                AND c.bars < %(lookback)s::integer
            ORDER BY b.open_at DESC
            LIMIT %(lookback)s::integer
        ) AS x
    ) AS f
),

series AS MATERIALIZED (
    SELECT
        u.instrument_id,
        u.from_at,
        b.open_at,
        b.open,
        b.high,
        b.low,
        b.close,
        b.volume,
        row_number() OVER (PARTITION BY u.instrument_id, u.from_at ORDER BY b.open_at) AS place
    FROM asked AS u
    CROSS JOIN LATERAL (
        SELECT
            a.open_at,
            a.open,
            a.high,
            a.low,
            a.close,
            a.volume
        FROM market.adjusted_bars AS a
        WHERE a.instrument_id = u.instrument_id AND a.timeframe = %(timeframe)s::text
            AND a.open_at >= u.context_from AND a.open_at <= u.last_at
        OFFSET 0 -- noqa: AM09
    ) AS b
),

due AS (
    SELECT
        s.instrument_id,
        s.from_at,
        s.place,
        row_number() OVER (ORDER BY s.instrument_id, s.open_at) AS window_id
    FROM series AS s
    WHERE s.open_at >= s.from_at AND s.place > %(lookback)s::integer
),

-- Materialized, so that the bars are joined by their whole key.
members AS MATERIALIZED (
    SELECT
        d.instrument_id,
        d.from_at,
        d.window_id,
        d.place - k.back AS place,
        k.back = 0 AS is_last
    FROM due AS d
    CROSS JOIN generate_series(0, %(lookback)s::integer) AS k (back)
)

INSERT INTO own_windows (window_id, of_instrument, open_at, open, high, low, close, volume, is_last)
SELECT
    m.window_id,
    s.instrument_id,
    s.open_at,
    s.open,
    s.high,
    s.low,
    s.close,
    s.volume,
    m.is_last
FROM members AS m
INNER JOIN series AS s
    ON m.instrument_id = s.instrument_id AND m.from_at = s.from_at AND m.place = s.place;

-- name: windows
SELECT
    w.window_id,
    w.of_instrument,
    (date_part('epoch', w.open_at) * 1000000.0::double precision)::bigint AS open_at,
    w.open,
    w.high,
    w.low,
    w.close,
    w.volume
FROM own_windows AS w
ORDER BY w.window_id, w.open_at;

-- name: faults
-- What a checked SELECT, made a view, leans on beside its bars: other relations, and whatever may say something else
-- tomorrow (functions that are not IMMUTABLE, the present, the session).
WITH tree AS (
    SELECT
        r.ev_class,
        r.ev_action::text AS nodes
    FROM pg_catalog.pg_rewrite AS r
    WHERE r.ev_class = to_regclass('pg_temp.own_checked')
)

SELECT 'reads ' || c.oid::regclass::text || ': it may read bars alone' AS fault
FROM tree AS t
CROSS JOIN LATERAL regexp_matches(t.nodes, ':relid (\d+)', 'g') AS m (found)
INNER JOIN pg_catalog.pg_class AS c ON m.found[1]::oid = c.oid
WHERE c.oid NOT IN (t.ev_class, to_regclass('pg_temp.own_windows'))
UNION
SELECT 'calls ' || p.oid::regprocedure::text || ', which is not IMMUTABLE: the same bars must give the same value'
FROM tree AS t
CROSS JOIN LATERAL regexp_matches(t.nodes, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)', 'g') AS m (found)
INNER JOIN pg_catalog.pg_proc AS p ON m.found[1]::oid = p.oid
WHERE p.provolatile <> 'i'
UNION
SELECT 'asks for the present or the session: the same bars must give the same value'
FROM tree AS t
WHERE position('SQLVALUEFUNCTION' IN t.nodes) > 0
ORDER BY 1;

-- name: checked_columns
SELECT
    a.attname::text AS name,
    format_type(a.atttypid, NULL) AS type
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = to_regclass('pg_temp.own_checked') AND a.attnum > 0
ORDER BY a.attnum;
