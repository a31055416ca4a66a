-- Purpose: what api/sessions.py runs: logins to the page, and whose they are.

-- name: open
INSERT INTO account.sessions (session_sha256, key_id, created_at, expires_at)
SELECT %(session_sha256)s::text, k.key_id, %(now)s::timestamptz, LEAST(%(expires_at)s::timestamptz, k.expires_at)
FROM account.keys AS k
WHERE k.key_id = %(key_id)s::integer;

-- name: forget_old
DELETE FROM account.sessions AS s
WHERE s.expires_at <= %(now)s::timestamptz;

-- name: close
DELETE FROM account.sessions AS s
WHERE s.session_sha256 = %(session_sha256)s::text;

-- name: going_on
-- Whether their keys still open anything is looked up with the keys.
SELECT s.session_sha256, s.key_id, s.expires_at
FROM account.sessions AS s
WHERE s.session_sha256 = ANY(%(sessions)s::text[]) AND s.expires_at > %(now)s::timestamptz;
