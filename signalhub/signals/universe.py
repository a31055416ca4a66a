"""The universe of a snapshot: its instruments, as they ever were, and the calendars they trade by."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from signalhub.bars import instruments, sessions
from signalhub.db.connection import Connection
from signalhub.signals.scene import Universe


def universe_of(connection: Connection, instrument_ids: Iterable[int], first: datetime, last: datetime) -> Universe:
    """Those of the instruments that are known, with their sessions from `first` to `last`; made where they lack."""
    present = set(instrument_ids)
    chosen = {item.instrument_id: item for item in instruments.ever(connection) if item.instrument_id in present}
    calendars = {}
    for name in sorted({item.calendar for item in chosen.values()}):
        sessions.ensure(connection, name, first, last)
        calendars[name] = sessions.load(connection, name, first, last)
    return Universe(chosen, calendars)
