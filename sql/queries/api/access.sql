-- Purpose: what api/access.py runs: whose keys they are, and what their owners may see.

-- name: holders
SELECT a.subscriber_id, a.name, k.role, k.key_id, nullif(k.expires_at, 'infinity') AS expires_at
FROM account.keys AS k
INNER JOIN account.subscribers AS a ON k.subscriber_id = a.subscriber_id
WHERE k.key_id = ANY(%(key_ids)s::integer[]) AND k.revoked_at IS NULL AND k.expires_at > %(now)s::timestamptz
    AND a.is_active;

-- name: spans
-- Those without length never held. Instants beyond these two cannot be read back in every time zone.
SELECT
    e.subscriber_id,
    e.strategy,
    greatest(e.valid_from, '0001-01-02 00:00:00+00') AS valid_from,
    least(e.valid_until, '9999-12-30 00:00:00+00') AS valid_until
FROM account.entitlements AS e
WHERE e.subscriber_id = ANY(%(subscriber_ids)s::integer[]) AND e.valid_from < e.valid_until;
