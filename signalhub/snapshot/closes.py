"""Which closes there are, and which instruments may give live signals at one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.domain.timeframe import Timeframe

_SQL = Queries("snapshot")


def closes_between(
    connection: Connection,
    timeframe: Timeframe,
    after: datetime,
    until: datetime,
    instrument_ids: Sequence[int] | None = None,
) -> list[datetime]:
    """The closes in (after, until] at which some instrument has a closed bar, ascending."""
    ids = None if instrument_ids is None else list(instrument_ids)
    parameters = {"timeframe": timeframe.code, "after": after, "until": until, "instrument_ids": ids}
    return [row["close_at"] for row in _SQL.rows(connection, "closes", **parameters)]


@dataclass(frozen=True)
class Liveness:
    """The instruments of one close: settled ones of a live feed, late ones of a live feed, all others."""

    live: list[int]
    unsettled: list[int]
    other: list[int]
    awaited: list[int]
    """Those of the unsettled ones whose bar may come any moment: they were settled not long before."""
    behind: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    """How far each unsettled one was settled before the close: in base bars, and in hours."""


def by_liveness(connection: Connection, timeframe: Timeframe, close: datetime) -> Liveness:
    """Which instruments may give live signals at a close, which are late for it, and which are not live."""
    rows = _SQL.rows(connection, "liveness", timeframe=timeframe.code, close=close)
    groups: dict[str, list[int]] = {"live": [], "unsettled": [], "other": []}
    for row in rows:
        groups[row["kind"]].append(row["instrument_id"])
    unsettled = [row for row in rows if row["kind"] == "unsettled"]
    awaited = [row["instrument_id"] for row in unsettled if row["is_awaited"]]
    behind = {row["instrument_id"]: (row["behind_bars"], row["behind_hours"]) for row in unsettled}
    return Liveness(**groups, awaited=awaited, behind=behind)
