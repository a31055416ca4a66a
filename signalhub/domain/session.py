"""Sessions: when a calendar trades, and which bars that lets us expect.

A bar of the UTC grid is expected when it overlaps a session: it may straddle the session's open. The calendar
24/7 never closes and has no sessions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from signalhub.domain.timeframe import Timeframe

ALWAYS = "24/7"
WEEKDAYS = "24/5"
_NEW_YORK = ZoneInfo("America/New_York")
_FIVE_O_CLOCK = time(17)


@dataclass(frozen=True, order=True)
class Session:
    """One half-open span of trading, UTC."""

    open_at: datetime
    close_at: datetime


@dataclass(frozen=True)
class Calendar:
    """A trading calendar with its sessions, ascending and disjoint; none for 24/7."""

    name: str
    sessions: Sequence[Session] = ()

    def nth_close(self, after: datetime, timeframe: Timeframe, n: int) -> datetime | None:
        """The close of the n-th expected bar that opens at or after `after`; None past the last session."""
        if self.name == ALWAYS:
            return timeframe.ceil(after) + n * timeframe.span
        for count, open_at in enumerate(self.expected_opens(after, timeframe), start=1):
            if count == n:
                return open_at + timeframe.span
        return None

    def expected_opens(self, after: datetime, timeframe: Timeframe) -> Iterator[datetime]:
        """Opens of expected bars at or after `after`, ascending, to the end of the known sessions."""
        next_open = timeframe.ceil(after)
        first = bisect_right(self.sessions, next_open, key=lambda session: session.close_at)
        for session in self.sessions[first:]:
            next_open = max(next_open, timeframe.floor(session.open_at))
            while next_open < session.close_at:
                yield next_open
                next_open += timeframe.span


def weekday_sessions(from_at: datetime, to_at: datetime) -> list[Session]:
    """The weeks of the 24/5 market: Sunday 17:00 to Friday 17:00 New York, in UTC, overlapping the span."""
    sunday = (from_at - timedelta(days=8)).astimezone(_NEW_YORK).date()
    sunday += timedelta(days=(6 - sunday.weekday()) % 7)
    weeks: list[Session] = []
    while True:
        open_at = datetime.combine(sunday, _FIVE_O_CLOCK, _NEW_YORK).astimezone(UTC)
        close_at = datetime.combine(sunday + timedelta(days=5), _FIVE_O_CLOCK, _NEW_YORK).astimezone(UTC)
        if open_at >= to_at:
            return weeks
        if close_at > from_at:
            weeks.append(Session(open_at, close_at))
        sunday += timedelta(days=7)
