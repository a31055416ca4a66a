-- Purpose: what subscribers/keys.py runs: keys made, recognised and revoked. A key that never expires reads as null.

-- name: issue
INSERT INTO account.keys (subscriber_id, role, key_sha256, hint, created_at, expires_at)
VALUES (
    %(subscriber_id)s::integer,
    %(role)s::text,
    %(key_sha256)s::text,
    %(hint)s::text,
    %(now)s::timestamptz,
    coalesce(%(expires_at)s::timestamptz, 'infinity')
)
RETURNING key_id;

-- name: resolve
SELECT a.subscriber_id, a.name, k.role, k.key_id, nullif(k.expires_at, 'infinity') AS expires_at
FROM account.keys AS k
INNER JOIN account.subscribers AS a ON k.subscriber_id = a.subscriber_id
WHERE k.key_sha256 = %(key_sha256)s::text AND k.revoked_at IS NULL AND k.expires_at > %(now)s::timestamptz
    AND a.is_active;

-- name: of
SELECT
    k.key_id, a.name, k.role, k.hint, k.created_at, nullif(k.expires_at, 'infinity') AS expires_at, k.revoked_at
FROM account.keys AS k
INNER JOIN account.subscribers AS a ON k.subscriber_id = a.subscriber_id
WHERE k.subscriber_id = %(subscriber_id)s::integer
ORDER BY k.key_id;

-- name: find
SELECT
    k.key_id, a.name, k.role, k.hint, k.created_at, nullif(k.expires_at, 'infinity') AS expires_at, k.revoked_at
FROM account.keys AS k
INNER JOIN account.subscribers AS a ON k.subscriber_id = a.subscriber_id
WHERE k.key_id = %(key_id)s::integer OR k.hint = %(hint)s::text OR k.key_sha256 = %(key_sha256)s::text
ORDER BY k.key_id;

-- name: revoke
UPDATE account.keys AS k SET revoked_at = %(now)s::timestamptz
WHERE k.key_id = %(key_id)s::integer AND k.revoked_at IS NULL;
