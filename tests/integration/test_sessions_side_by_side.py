"""Sessions that several ask for at once: no hole is left between spans, and what is there is read without waiting."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Thread

from signalhub.bars import sessions
from signalhub.db.engine import Database
from signalhub.domain.session import WEEKDAYS, weekday_sessions

EARLY, LATE = datetime(2019, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)


def test_two_that_make_far_spans_leave_no_hole_between_them(database: Database) -> None:
    with database.transaction() as connection:
        sessions.ensure(connection, WEEKDAYS, LATE, LATE)
        other = Thread(target=_ensure, args=(database, EARLY))
        other.start()
        other.join(0.5)
        assert other.is_alive()  # waits until we have ended
    other.join()
    with database.transaction() as connection:
        found = sessions.load(connection, WEEKDAYS, EARLY, LATE)
    assert found.sessions == tuple(weekday_sessions(EARLY, found.sessions[-1].close_at))


def test_who_finds_its_sessions_waits_for_nobody(database: Database) -> None:
    _ensure(database, LATE)
    with database.transaction() as connection:
        sessions.ensure(connection, WEEKDAYS, EARLY, LATE)
        other = Thread(target=_ensure, args=(database, LATE))
        other.start()
        other.join(30)
        assert not other.is_alive()


def _ensure(database: Database, instant: datetime) -> None:
    with database.transaction() as connection:
        sessions.ensure(connection, WEEKDAYS, instant, instant)
