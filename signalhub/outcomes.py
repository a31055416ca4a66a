"""Outcomes: every open signal walked over the base bars that closed since it was last looked at.

Set-based, in one statement. Final up to the watermark: what was closed is never opened again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries

_SQL = Queries("outcomes")


@dataclass(frozen=True)
class Tracked:
    """How many of the signals looked at stand where, by status, and which of them ended now."""

    by_status: Counter[str] = field(default_factory=Counter)
    ended: Sequence[int] = ()


def track(
    connection: Connection, now: datetime, cost_bps: float, instrument_ids: Sequence[int] | None = None
) -> Tracked:
    """Walks open signals up to the watermark and `now`.

    Units: `cost_bps` is fee + slippage per side, in basis points; net takes it off twice.
    Guarantees: in one step or in many, the same outcomes.
    """
    ids = None if instrument_ids is None else list(instrument_ids)
    reach = _SQL.rows(connection, "reach", now=now, instrument_ids=ids)[0]
    if reach["earliest"] is None:
        return Tracked()
    rows = _SQL.rows(connection, "track", now=now, cost_bps=cost_bps, instrument_ids=ids, **reach)
    ended = [row["signal_id"] for row in rows if row["status"] != "open"]
    return Tracked(Counter(row["status"] for row in rows), ended)
