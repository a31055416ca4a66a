"""Which closes there are, and which instruments may give live signals at one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.domain.timeframe import Timeframe

_SQL = Queries("snapshot")
_NONE: Mapping[str, list[Any]] = {name: [] for name in ("instrument_ids", "are_awaited", "behind_bars", "behind_hours")}


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
    by_kind = {row["kind"]: row for row in rows}
    live, unsettled, other = (by_kind.get(kind, _NONE) for kind in ("live", "unsettled", "other"))
    ids = unsettled["instrument_ids"]
    awaited = [key for key, is_awaited in zip(ids, unsettled["are_awaited"], strict=True) if is_awaited]
    behind = dict(zip(ids, zip(unsettled["behind_bars"], unsettled["behind_hours"], strict=True), strict=True))
    return Liveness(live["instrument_ids"], ids, other["instrument_ids"], awaited, behind)
