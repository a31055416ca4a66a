-- Purpose: what subscribers/feedback.py runs: what subscribers say about signals.

-- name: put
INSERT INTO account.feedback AS f (subscriber_id, signal_id, rating, comment, given_at)
VALUES (
    %(subscriber_id)s::integer, %(signal_id)s::bigint, %(rating)s::text, %(comment)s::text, %(now)s::timestamptz
)
ON CONFLICT (subscriber_id, signal_id) DO UPDATE SET
    rating = excluded.rating, comment = excluded.comment, given_at = excluded.given_at;
