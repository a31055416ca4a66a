"""Validity: what can still be done with each open live signal, by the newest base bars; changes are stored, appended.

`valid`: it can be entered. `entry_missed`: the price ran so far that more would be risked than there is left to win; it
may come back. `invalidated`: the stop was touched, or the fill gapped beyond a level. `target_reached`, `expired`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries

_SQL = Queries("signals/validity")


def check(
    connection: Connection, ended: Sequence[int], now: datetime, instrument_ids: Sequence[int] | None = None
) -> int:
    """Looks at open live signals, and at those that `ended` now; the number of changes.

    Guarantees: looks at no bar that closes after `now`; what is final stays; run twice it stores once.
    """
    ids = None if instrument_ids is None else list(instrument_ids)
    changes = _SQL.run(connection, "close", signal_ids=list(ended), now=now) if ended else 0
    return changes + _SQL.run(connection, "check", now=now, instrument_ids=ids)
