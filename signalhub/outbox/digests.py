"""Digests: a message per subscriber, channel and period, created when the subscriber's local time has come."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries

_SQL = Queries("outbox/digests")
LATE = timedelta(hours=12)
"""A digest that could not be created or sent for so long is skipped: the next one is nearer."""
WEEKLY_AT = time(8)
"""When the weekly performance comes on Mondays where there is no digest time."""


def create_digests(connection: Connection, now: datetime) -> int:
    """Creates the digests whose local time has come, each due exactly then; the number of new messages.

    Guarantees: one message per (subscriber, period, channel, kind), however often and late this runs; none for a
    time more than `LATE` ago.
    """
    made = _SQL.rows(connection, "create_digests", now=now, late=LATE, weekly_at=WEEKLY_AT)
    return int(made[0]["messages"])
