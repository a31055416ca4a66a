"""Feedback: what subscribers say about signals, one row per (subscriber, signal); the last word stands."""

from __future__ import annotations

from datetime import datetime

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.errors import UsageInvalid

RATINGS = ("useful", "not_useful", "taken", "skipped")
LONGEST_COMMENT = 2000

_SQL = Queries("subscribers/feedback")


def put(
    connection: Connection, subscriber_id: int, signal_id: int, rating: str, comment: str | None, now: datetime
) -> None:
    """Puts on record what a subscriber says about a signal that exists.

    Raises: UsageInvalid, saying what is allowed.
    """
    if rating not in RATINGS:
        raise UsageInvalid(f"rating {rating[:40]!r} is not known. Use one of {', '.join(RATINGS)}.")
    if comment is not None and (len(comment) > LONGEST_COMMENT or "\0" in comment):
        raise UsageInvalid(f"comment: expected at most {LONGEST_COMMENT} letters of text.")
    given = {"subscriber_id": subscriber_id, "signal_id": signal_id, "rating": rating, "comment": comment}
    _SQL.run(connection, "put", now=now, **given)
