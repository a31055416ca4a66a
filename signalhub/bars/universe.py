"""The universe in time: when an instrument was listed, halted or delisted, so that a replay sees what there was then.

No span means listed: an instrument is taken for one that trades until somebody says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.domain.instrument import Listing

_SQL = Queries("bars/universe")
_BELIEVED = 3
"""So many may be gone from a venue's list at once; more only where the greater part of ours is still on it."""


@dataclass(frozen=True)
class Span:
    """A row of analytics.universe. `source` is None where nobody said so; `valid_until` None: until further notice."""

    symbol: str
    venue: str
    status: str
    valid_from: datetime
    valid_until: datetime | None
    source: str | None


@dataclass(frozen=True)
class Change:
    """What a venue says of an instrument now, and what was recorded before."""

    symbol: str
    status: Listing
    was: Listing


def record(
    connection: Connection,
    instrument_id: int,
    status: Listing,
    from_at: datetime,
    until: datetime | None = None,
    *,
    source: str,
    now: datetime,
) -> bool:
    """Says what an instrument was in [from_at, until); None: until further notice. Whether that was news.

    Guarantees: spans never overlap; what stood there gives way, what stood before and after stays.
    """
    span = {"instrument_id": instrument_id, "from_at": from_at, "until": until}
    _SQL.run(connection, "lock_instrument", instrument_id=instrument_id)
    if _SQL.scalar(connection, "is_recorded", **span, status=status.value):
        return False
    _SQL.run(connection, "keep_what_comes_after", **span)
    _SQL.run(connection, "keep_what_came_before", instrument_id=instrument_id, from_at=from_at)
    _SQL.run(connection, "forget_what_stood_there", **span)
    _SQL.run(connection, "insert", **span, status=status.value, source=source, now=now)
    return True


def observe(
    connection: Connection, source: str, venue: str, listing: Mapping[str, Listing], now: datetime
) -> list[Change]:
    """Records what a venue's list of markets says from now on; one of ours that is not on it is delisted.

    A list from which most of ours are gone is taken for half a list, and not believed. What is recorded for later, such
    as a delisting that was announced, stays.
    """
    rows = _SQL.rows(
        connection,
        "told_otherwise",
        source=source,
        venue=venue,
        symbols=list(listing),
        statuses=[status.value for status in listing.values()],
        now=now,
    )
    gone = sum(row["told"] == Listing.DELISTED for row in rows)
    if gone > _BELIEVED and 2 * gone > rows[0]["instruments"]:
        rows = [row for row in rows if row["told"] != Listing.DELISTED]
    for row in rows:
        status = Listing(row["told"])
        record(connection, row["instrument_id"], status, now, row["until"], source=source, now=now)
    return [Change(row["public_symbol"], Listing(row["told"]), Listing(row["recorded"])) for row in rows]


def spans(connection: Connection, symbol: str | None = None, at: datetime | None = None) -> list[Span]:
    """The universe: of one public symbol or of all, at an instant or at all times."""
    return [Span(**row) for row in _SQL.rows(connection, "spans", symbol=symbol, at=at)]
