-- Purpose: what bars/retention.py runs: from when on bars and indicators are kept, and the end of what is older.

-- name: needed_from
-- What is dirty has not been rolled up yet, and open signals are still walked over base bars.
SELECT LEAST(
    (SELECT min(d.from_at) FROM market.dirty_ranges AS d),
    (
        SELECT min(g.close_at)
        FROM engine.outcomes AS o
        INNER JOIN engine.signals AS g ON o.signal_id = g.signal_id
        WHERE o.status = 'open'
    )
);

-- name: keep_from
-- kept_from never goes back: what is gone is gone.
INSERT INTO market.retention AS k (relation, timeframe, kept_from, dropped_at)
SELECT u.relation, u.timeframe, u.kept_from, %(now)s::timestamptz
FROM unnest(%(relations)s::text[], %(timeframes)s::text[], %(kept_from)s::timestamptz[])
AS u (relation, timeframe, kept_from)
ON CONFLICT (relation, timeframe) DO UPDATE SET
    kept_from = excluded.kept_from, dropped_at = excluded.dropped_at
WHERE k.kept_from < excluded.kept_from;

-- name: kept
SELECT k.relation, k.timeframe, k.kept_from FROM market.retention AS k;

-- name: instruments
SELECT i.instrument_id FROM market.instruments AS i ORDER BY i.instrument_id;

-- name: lead_in
-- A late bar at kept_from is computed from the anchor before it: the bars from there on stay. Where there is no anchor
-- yet, computing begins with the first bar, and all of them stay.
SELECT
    s.instrument_id,
    max(s.open_at) AS cut
FROM market.indicator_state AS s
WHERE s.timeframe = %(timeframe)s::text AND s.open_at < %(kept_from)s::timestamptz
GROUP BY s.instrument_id
ORDER BY s.instrument_id;

-- name: drop_chunks
SELECT market.drop_chunks_before(
    %(relation)s::text, %(instrument_ids)s::integer[], %(series)s::text[], %(cuts)s::timestamptz[]
);

-- name: drop_rows
SELECT market.drop_rows(
    %(relation)s::text, %(instrument_id)s::integer, %(series)s::text, %(cut)s::timestamptz, %(most)s::integer
);

-- name: forget_flags
-- A flag outlives its bar no longer than the bars that are kept.
DELETE FROM market.bar_flags AS f
USING market.retention AS k
WHERE k.relation = 'market.bars' AND f.base_timeframe = k.timeframe AND f.open_at < k.kept_from;

-- name: chunks_before
SELECT c.chunk FROM market.chunks_before(%(before)s::timestamptz) AS c;

-- name: compress_chunk
SELECT market.compress_chunk_of(%(chunk)s::text);

-- name: sizes
SELECT s.relation, s.row_count, s.bytes, s.compression_ratio
FROM market.relation_sizes() AS s
ORDER BY s.bytes DESC;
