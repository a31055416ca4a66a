-- Purpose: what signals/ledger.py runs: the chain of live signals and of their closings, made longer and read.

-- name: lock
-- One transaction at a time makes the chain longer: the next one sees where this one ended.
SELECT pg_advisory_xact_lock(hashtext('engine.ledger'));

-- name: last
SELECT
    l.seq,
    l.entered_at,
    l.chain_sha256
FROM engine.ledger AS l
ORDER BY l.seq DESC
LIMIT 1;

-- name: payloads
-- What is to be entered: the seals of live signals, or of their closed outcomes, that are not in it yet.
SELECT
    p.signal_id,
    p.record_sha256
FROM engine.seals AS p
INNER JOIN engine.signals AS s ON p.signal_id = s.signal_id
WHERE p.signal_id = ANY(%(signal_ids)s::bigint[]) AND s.origin = 'live'
    AND p.kind = CASE %(kind)s::text WHEN 'published' THEN 'signal' ELSE 'outcome' END
    AND NOT EXISTS (SELECT 1 FROM engine.ledger AS l WHERE l.signal_id = p.signal_id AND l.kind = %(kind)s::text)
ORDER BY p.signal_id;

-- name: enter
INSERT INTO engine.ledger (seq, kind, signal_id, entered_at, payload_sha256, chain_sha256)
SELECT
    r.seq, %(kind)s::text, r.signal_id, %(entered_at)s::timestamptz, r.payload_sha256, r.chain_sha256
FROM unnest(
    %(seqs)s::bigint[], %(signal_ids)s::bigint[], %(payloads)s::text[], %(chains)s::text[]
) AS r (seq, signal_id, payload_sha256, chain_sha256)
ORDER BY r.seq;

-- name: entries
-- The chain after an entry, with the seal that the row an entry speaks of would get now; null where it is gone.
-- The caller's time zone is UTC: instants of rows are sealed in it.
SELECT
    l.seq,
    l.kind,
    l.signal_id,
    l.entered_at,
    l.payload_sha256,
    l.chain_sha256,
    -- By key, row by row: joined, they would be read whole for every page.
    CASE l.kind
        WHEN 'published' THEN (
            SELECT engine.seal_of(to_json(s)) FROM engine.signals AS s
            WHERE s.signal_id = l.signal_id AND s.origin = 'live'
        )
        ELSE (
            SELECT engine.seal_of(to_json(o)) FROM engine.outcomes AS o
            WHERE o.signal_id = l.signal_id AND o.status <> 'open'
        )
    END AS record_sha256
FROM engine.ledger AS l
WHERE l.seq > %(after)s::bigint
ORDER BY l.seq
LIMIT %(limit)s::bigint;

-- name: missing
-- What should be in the chain and is not: live signals, and closings of them.
SELECT
    m.signal_id,
    m.kind
FROM (
    SELECT
        s.signal_id,
        'published' AS kind
    FROM engine.signals AS s
    WHERE s.origin = 'live'
    UNION ALL
    SELECT
        o.signal_id,
        'closed' AS kind
    FROM engine.outcomes AS o
    INNER JOIN engine.signals AS s ON o.signal_id = s.signal_id AND s.origin = 'live'
    WHERE o.status <> 'open'
) AS m
WHERE NOT EXISTS (SELECT 1 FROM engine.ledger AS l WHERE l.signal_id = m.signal_id AND l.kind = m.kind)
ORDER BY m.signal_id, m.kind DESC;

-- name: size
SELECT count(*) FROM engine.ledger;

-- name: day
-- The entries of a span, and the last one before it.
SELECT
    l.seq,
    l.kind,
    l.signal_id,
    l.entered_at,
    l.payload_sha256,
    l.chain_sha256
FROM engine.ledger AS l
WHERE l.seq >= COALESCE((
    SELECT b.seq FROM engine.ledger AS b
    WHERE b.entered_at < %(begin)s::timestamptz
    ORDER BY b.seq DESC
    LIMIT 1
), 0) AND l.entered_at < %(end)s::timestamptz
ORDER BY l.seq;
