"""Sessions as rows of market.sessions: generated once per calendar and span, then read from the database.

Source: 24/5 is ours (domain.session); every other name is a code of the exchange_calendars library.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.domain.session import ALWAYS, WEEKDAYS, Calendar, Session, weekday_sessions
from signalhub.errors import UsageInvalid

_SQL = Queries("bars/sessions")
_MARGIN = timedelta(days=400)
"""Sessions are generated this far beyond what is asked for, so that `valid_until` finds its bar."""


def ensure(connection: Connection, calendar: str, from_at: datetime, to_at: datetime) -> None:
    """Makes sure that market.sessions holds every session of the calendar from `from_at` to well after `to_at`.

    Raises: UsageInvalid for a calendar nobody knows.
    """
    if calendar == ALWAYS:
        return
    span = from_at, to_at + _MARGIN / 2
    if _holds(_covered(connection, calendar), *span):
        return
    _SQL.run(connection, "lock")
    covered = _covered(connection, calendar)
    if _holds(covered, *span):
        return
    start = min([from_at, *covered[:1]])
    end = max([to_at + _MARGIN, *covered[1:]])
    if calendar == WEEKDAYS:
        sessions = weekday_sessions(start, end)
    else:
        sessions, start, end = _exchange_sessions(calendar, start, end)
    _SQL.run(
        connection,
        "insert",
        calendar=calendar,
        opens=[session.open_at for session in sessions],
        closes=[session.close_at for session in sessions],
    )
    _SQL.run(connection, "cover", calendar=calendar, from_at=start, to_at=end)


def _covered(connection: Connection, calendar: str) -> tuple[datetime, ...]:
    """From when to when the calendar's sessions are there; empty where none are."""
    rows = _SQL.rows(connection, "coverage", calendar=calendar)
    return (rows[0]["from_at"], rows[0]["to_at"]) if rows else ()


def _holds(covered: tuple[datetime, ...], from_at: datetime, to_at: datetime) -> bool:
    return bool(covered) and covered[0] <= from_at and covered[1] >= to_at


def load(connection: Connection, calendar: str, from_at: datetime, to_at: datetime) -> Calendar:
    """The calendar with its sessions that overlap the span and the margin after it."""
    if calendar == ALWAYS:
        return Calendar(ALWAYS)
    rows = _SQL.rows(connection, "load", calendar=calendar, from_at=from_at, to_at=to_at + _MARGIN)
    return Calendar(calendar, tuple(Session(row["open_at"], row["close_at"]) for row in rows))


def _exchange_sessions(calendar: str, from_at: datetime, to_at: datetime) -> tuple[list[Session], datetime, datetime]:
    """Sessions of the part of the span that the library knows (to about a year ahead), and that part."""
    # Imported late: it brings pandas, which only equities and indices need.
    import exchange_calendars as xcals

    if calendar not in xcals.get_calendar_names():
        raise UsageInvalid(f"{calendar!r} is no trading calendar: use 24/7, 24/5 or an exchange code such as XNYS.")
    known = xcals.get_calendar(calendar)
    end = min(to_at, known.last_session.tz_localize("UTC").to_pydatetime())
    earliest = type(known).bound_min()
    start = from_at if earliest is None else max(from_at, earliest.tz_localize("UTC").to_pydatetime())
    schedule = xcals.get_calendar(calendar, start=start.date(), end=end.date()).schedule
    sessions = [
        Session(row.open.to_pydatetime().astimezone(UTC), row.close.to_pydatetime().astimezone(UTC))
        for row in schedule.itertuples()
    ]
    return sessions, from_at, end
