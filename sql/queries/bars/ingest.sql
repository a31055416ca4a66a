-- Purpose: what bars/ingest.py runs: bars that came in, merged into market.bars.
-- Parameters are cast; pg_temp.incoming_bars holds the batch until the transaction ends.

-- name: create_incoming
CREATE TEMPORARY TABLE incoming_bars (
    instrument_id integer NOT NULL,
    open_at timestamptz NOT NULL,
    open double precision NOT NULL,
    high double precision NOT NULL,
    low double precision NOT NULL,
    close double precision NOT NULL,
    volume double precision NOT NULL,
    turnover double precision,
    filled_count integer NOT NULL DEFAULT 0
) ON COMMIT DROP;

-- name: create_written
CREATE TEMPORARY TABLE written_bars (
    instrument_id integer NOT NULL,
    open_at timestamptz NOT NULL
) ON COMMIT DROP;

-- name: drop_incoming
DROP TABLE pg_temp.incoming_bars;

-- name: drop_written
DROP TABLE pg_temp.written_bars;

-- name: lock_instruments
-- Writers of one instrument queue up, so that two of them cannot both think a bar is new.
SELECT count(*) FROM (
    SELECT i.instrument_id
    FROM market.instruments AS i
    WHERE i.instrument_id = ANY(%(instrument_ids)s::integer[])
    ORDER BY i.instrument_id
    FOR NO KEY UPDATE
) AS locked;

-- name: kept_from
-- A late bar may lie in a compressed chunk, and bars are few: from here on no limit on what they unpack. Without
-- TimescaleDB that is a setting that nobody reads.
SELECT
    (
        SELECT k.kept_from
        FROM market.retention AS k
        WHERE k.relation = 'market.bars' AND k.timeframe = %(timeframe)s::text
    ) AS kept_from,
    set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', TRUE) AS unpacked;

-- name: overlaps_stored_bars
-- The batch's own span a second time, as constants: PostgreSQL leaves out the chunks before it looks at rows.
SELECT EXISTS ( -- noqa: CP03, LT01, LT06
    SELECT 1
    FROM unnest(%(instrument_ids)s::integer[], %(first_ats)s::timestamptz[], %(last_ats)s::timestamptz[])
    AS s (instrument_id, first_at, last_at)
    INNER JOIN market.bars AS o
        ON s.instrument_id = o.instrument_id AND o.base_timeframe = %(timeframe)s::text
        AND o.open_at BETWEEN s.first_at AND s.last_at
        AND o.open_at BETWEEN %(first_at)s::timestamptz AND %(last_at)s::timestamptz
);

-- name: source_id
-- The row is written only where it is missing or says otherwise, or all writers of a source would queue up.
WITH known AS (
    SELECT s.source_id
    FROM market.sources AS s
    WHERE s.source = %(source)s::text AND s.is_live = %(is_live)s::boolean
),
written AS (
    INSERT INTO market.sources (source, is_live)
    SELECT %(source)s::text, %(is_live)s::boolean
    WHERE NOT EXISTS (SELECT 1 FROM known)
    ON CONFLICT (source) DO UPDATE SET is_live = excluded.is_live
    RETURNING source_id
)
SELECT k.source_id FROM known AS k
UNION ALL
SELECT w.source_id FROM written AS w;

-- name: correct_bars
-- The old version goes to bar_revisions, the new one takes its place, in one statement. A source of lower
-- priority than the one that wrote the bar corrects nothing; an equal bar is no correction. The constants let
-- PostgreSQL leave out chunks, and TimescaleDB unpack no more of a compressed one than it must.
WITH changed AS (
    SELECT
        i.instrument_id, i.open_at, i.open, i.high, i.low, i.close, i.volume, i.turnover, i.filled_count,
        GREATEST(%(now)s::timestamptz, b.known_at) AS corrected_at,
        b.open AS old_open, b.high AS old_high, b.low AS old_low, b.close AS old_close,
        b.volume AS old_volume, b.turnover AS old_turnover, b.filled_count AS old_filled_count,
        b.known_at AS old_known_at, b.source_id AS old_source_id
    FROM pg_temp.incoming_bars AS i
    INNER JOIN market.bars AS b
        ON i.instrument_id = b.instrument_id AND b.base_timeframe = %(timeframe)s::text AND i.open_at = b.open_at
    WHERE b.open_at BETWEEN %(first_at)s::timestamptz AND %(last_at)s::timestamptz
        AND (i.open, i.high, i.low, i.close, i.volume, i.turnover, i.filled_count)
        IS DISTINCT FROM (b.open, b.high, b.low, b.close, b.volume, b.turnover, b.filled_count)
        AND (
            b.source_id = %(source_id)s::smallint
            OR COALESCE((
                SELECT p.priority FROM market.instrument_sources AS p
                WHERE p.instrument_id = i.instrument_id AND p.source = %(source)s::text
            ), 0) >= COALESCE((
                SELECT p.priority FROM market.instrument_sources AS p
                INNER JOIN market.sources AS s ON p.source = s.source
                WHERE p.instrument_id = i.instrument_id AND s.source_id = b.source_id
            ), 0)
        )
),
kept AS (
    INSERT INTO market.bar_revisions (
        instrument_id, base_timeframe, open_at, open, high, low, close, volume, turnover, filled_count,
        known_at, superseded_at, source_id
    )
    SELECT
        c.instrument_id, %(timeframe)s::text, c.open_at, c.old_open, c.old_high, c.old_low, c.old_close,
        c.old_volume, c.old_turnover, c.old_filled_count, c.old_known_at, c.corrected_at, c.old_source_id
    FROM changed AS c
    ORDER BY c.instrument_id, c.open_at
),
corrected AS (
    UPDATE market.bars AS b SET
        open = c.open, high = c.high, low = c.low, close = c.close, volume = c.volume, turnover = c.turnover,
        filled_count = c.filled_count, known_at = c.corrected_at, source_id = %(source_id)s::smallint
    FROM changed AS c
    WHERE b.instrument_id = c.instrument_id AND b.base_timeframe = %(timeframe)s::text AND b.open_at = c.open_at
        AND b.instrument_id = ANY(%(instrument_ids)s::integer[])
        AND b.open_at BETWEEN %(first_at)s::timestamptz AND %(last_at)s::timestamptz
    RETURNING b.instrument_id, b.open_at
)
INSERT INTO pg_temp.written_bars (instrument_id, open_at)
SELECT c.instrument_id, c.open_at FROM corrected AS c;

-- name: insert_bars
-- A first version that came by backfill counts as known at its close, one that came live as known now.
WITH inserted AS (
    INSERT INTO market.bars (
        instrument_id, base_timeframe, open_at, open, high, low, close, volume, turnover, filled_count,
        high_at, low_at, known_at, source_id
    )
    SELECT
        i.instrument_id, t.timeframe, i.open_at, i.open, i.high, i.low, i.close, i.volume, i.turnover,
        i.filled_count, i.open_at, i.open_at, -- noqa: AL08
        CASE
            WHEN %(is_backfill)s::boolean THEN i.open_at + t.span
            ELSE GREATEST(%(now)s::timestamptz, i.open_at + t.span)
        END,
        %(source_id)s::smallint
    FROM pg_temp.incoming_bars AS i
    CROSS JOIN market.timeframes AS t
    WHERE t.timeframe = %(timeframe)s::text
    ON CONFLICT DO NOTHING
    RETURNING instrument_id, open_at
)
INSERT INTO pg_temp.written_bars (instrument_id, open_at)
SELECT b.instrument_id, b.open_at FROM inserted AS b;

-- name: insert_bars_that_are_all_new
INSERT INTO market.bars (
    instrument_id, base_timeframe, open_at, open, high, low, close, volume, turnover, filled_count,
    high_at, low_at, known_at, source_id
)
SELECT
    i.instrument_id, t.timeframe, i.open_at, i.open, i.high, i.low, i.close, i.volume, i.turnover,
    i.filled_count, i.open_at, i.open_at, -- noqa: AL08
    CASE
        WHEN %(is_backfill)s::boolean THEN i.open_at + t.span
        ELSE GREATEST(%(now)s::timestamptz, i.open_at + t.span)
    END,
    %(source_id)s::smallint
FROM pg_temp.incoming_bars AS i
CROSS JOIN market.timeframes AS t
WHERE t.timeframe = %(timeframe)s::text;

-- name: count_outranked
-- What differs still, after the corrections were made, was written by a source of higher priority.
SELECT count(*)
FROM pg_temp.incoming_bars AS i
INNER JOIN market.bars AS b
    ON i.instrument_id = b.instrument_id AND b.base_timeframe = %(timeframe)s::text AND i.open_at = b.open_at
WHERE b.open_at BETWEEN %(first_at)s::timestamptz AND %(last_at)s::timestamptz
    AND (i.open, i.high, i.low, i.close, i.volume, i.turnover, i.filled_count)
    IS DISTINCT FROM (b.open, b.high, b.low, b.close, b.volume, b.turnover, b.filled_count);

-- name: written
SELECT
    b.instrument_id,
    (date_part('epoch', b.open_at) * 1000000.0::double precision)::bigint AS open_at
FROM pg_temp.written_bars AS b;

-- name: record_dirty_ranges
-- A range that is dirty already gets a new id: a refresh under way forgets the ids it began with.
INSERT INTO market.dirty_ranges (instrument_id, base_timeframe, from_at, to_at)
SELECT u.instrument_id, %(timeframe)s::text, u.from_at, u.to_at
FROM unnest(%(instrument_ids)s::integer[], %(from_ats)s::timestamptz[], %(to_ats)s::timestamptz[])
AS u (instrument_id, from_at, to_at)
ON CONFLICT ON CONSTRAINT dirty_range_is_recorded_once DO UPDATE SET dirty_id = DEFAULT;

-- name: advance_watermarks
INSERT INTO market.watermarks AS w (instrument_id, timeframe, settled_through)
SELECT u.instrument_id, %(timeframe)s::text, u.settled_through
FROM unnest(%(instrument_ids)s::integer[], %(settled)s::timestamptz[]) AS u (instrument_id, settled_through)
ON CONFLICT (instrument_id, timeframe) DO UPDATE SET
    settled_through = excluded.settled_through
WHERE w.settled_through < excluded.settled_through;

-- name: settled_through
SELECT w.settled_through
FROM market.watermarks AS w
WHERE w.instrument_id = %(instrument_id)s::integer AND w.timeframe = %(timeframe)s::text;

-- name: obtained
-- A watermark vouches for nothing before the first bar: there may have been none, or nobody asked.
SELECT
    COALESCE((
        SELECT min(b.open_at)
        FROM market.bars AS b
        WHERE b.instrument_id = w.instrument_id AND b.base_timeframe = w.timeframe
            AND b.open_at < w.settled_through
    ), w.settled_through) AS first_at,
    w.settled_through
FROM market.watermarks AS w
WHERE w.instrument_id = %(instrument_id)s::integer AND w.timeframe = %(timeframe)s::text;

-- name: settled_by_instrument
SELECT w.instrument_id, w.settled_through
FROM market.watermarks AS w
WHERE w.instrument_id = ANY(%(instrument_ids)s::integer[]) AND w.timeframe = %(timeframe)s::text;
