-- Purpose: what a signal was made from, and the proofs that it is still what it was.
-- Grain:   one row, none where there is no such signal. inputs: the exact text whose sha256 is input_hash; record: the
--          text of the stored row whose sha256 is record_sha256, sealed when the signal was stored.
-- Read by: analysts, docs/how-to/verify-the-record.md. seq: the ledger's entry of its publication and of its closing.
-- is_intact: both hashes fit. `inputs::jsonb -> 'row' ->> 'close'` reads one value.
-- It reads what the role signalhub_analyst may not: with the rights of its owner, and in UTC as rows are sealed.
-- A parameter goes by the function's name:
-- noqa: disable=RF01,RF03
CREATE OR REPLACE FUNCTION analytics.signal_inputs(signal_id bigint) RETURNS TABLE (
    inputs text,
    input_hash text,
    record text,
    record_sha256 text,
    published_seq bigint,
    closed_seq bigint,
    is_intact boolean
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path TO pg_catalog, pg_temp
SET timezone TO 'UTC'
SET extra_float_digits TO 1
BEGIN ATOMIC
SELECT
    p.inputs,
    s.input_hash,
    engine.record_of(to_json(s)) AS record,
    k.record_sha256,
    b.seq AS published_seq,
    e.seq AS closed_seq,
    COALESCE(
        s.input_hash = encode(sha256(convert_to(p.inputs, 'UTF8')), 'hex')
        AND k.record_sha256 = engine.seal_of(to_json(s)), FALSE
    ) AS is_intact
FROM engine.signals AS s
LEFT JOIN engine.signal_inputs AS p ON s.signal_id = p.signal_id
LEFT JOIN engine.seals AS k ON s.signal_id = k.signal_id AND k.kind = 'signal'
LEFT JOIN engine.ledger AS b ON s.signal_id = b.signal_id AND b.kind = 'published'
LEFT JOIN engine.ledger AS e ON s.signal_id = e.signal_id AND e.kind = 'closed'
WHERE s.signal_id = signal_inputs.signal_id;
END;
