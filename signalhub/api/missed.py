"""What the live feed was told, so that after a lost connection it can say what it was not, and nothing twice."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries

SIGNAL, SIGNAL_CLOSED = "signal", "signal_closed"
Event = tuple[str, int]

_SQL = Queries("api/feed")
_REACH = timedelta(minutes=20)
_REMEMBERED = 20_000


class Told:
    """Remembers events, and which live signals are open as far as it was told."""

    def __init__(self) -> None:
        self._order: deque[Event] = deque()
        self._events: set[Event] = set()
        self._open: set[int] = set()

    def is_new(self, event: Event) -> bool:
        """Whether the event was not told before."""
        return event not in self._events

    def remember(self, event: Event) -> None:
        """It is told now."""
        self._events.add(event)
        self._order.append(event)
        if len(self._order) > _REMEMBERED:
            self._events.discard(self._order.popleft())
        (self._open.add if event[0] == SIGNAL else self._open.discard)(event[1])

    def begin(self, connection: Connection, now: datetime) -> None:
        """What is there now was told by somebody else: nobody waits for it."""
        for event in self.since(connection, now):
            self.remember(event)
        self._open = _open(connection)

    def since(self, connection: Connection, lost_at: datetime) -> list[Event]:
        """What happened since then, in order of signals; some of it may have been told before."""
        rows = _SQL.rows(connection, "live_since", since=lost_at - _REACH)
        appeared = [(SIGNAL, row["signal_id"]) for row in rows]
        ended = {row["signal_id"] for row in rows if not row["is_open"]} | (self._open - _open(connection))
        return [*appeared, *((SIGNAL_CLOSED, signal_id) for signal_id in sorted(ended))]


def _open(connection: Connection) -> set[int]:
    return {row["signal_id"] for row in _SQL.rows(connection, "open_live")}
