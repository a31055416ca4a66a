"""Quality: bars that jump absurdly are flagged and kept; how good an instrument's bars are is a view.

A flag is a function of the bar and of the bars before it, whatever the order in which they came: nothing looks ahead.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.domain import timeframe as timeframes
from signalhub.domain.timeframe import Timeframe
from signalhub.settings import LEAST_OUTLIER_Z, Settings

_SQL = Queries("bars/quality")

NEIGHBOURS = 30
"""Moves before a bar against which its jump is measured."""
FEWEST_NEIGHBOURS = 10
"""With fewer moves before it a bar is not judged."""
_NEWEST_BARS = 10
"""Ranges that begin within so many bars are cleared together, and not one by one."""
_BEFORE_BARS = 3
"""The bar before is looked for this far back; whose is not there is looked at closely."""
_JUST_BELOW = 1 - 1e-12
"""No jump may be missed because its logarithm was rounded."""
LEAST_SCALE = 0.0025
"""Neighbours that hardly move count as if they moved this much: a quiet market's first tick is not absurd."""


@dataclass(frozen=True)
class Rules:
    """By what bars are judged; see the settings of these names."""

    fresh_bars: float = 2.0
    fresh_hours: float = 2.0
    complete_pct: float = 90.0
    outlier_z: float = 12.0
    flat_bars: int = 10

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        """The rules that are set."""
        return cls(**{name: getattr(settings, name) for name in cls.__dataclass_fields__})


def flag_outliers(connection: Connection, dirty_ids: Sequence[int], now: datetime) -> int:
    """Flags the bars of the dirty ranges, and those they are neighbours to, anew; the number of flags written.

    Guarantees: afterwards the flags are those of one look at all bars, each with its robust z-score: the jump beyond
    the last three closes, less the median of the moves before it, over 1.4826 × their median absolute deviation.
    """
    suspects = _suspects(connection, dirty_ids, now)
    if not suspects:
        return 0
    return _SQL.run(
        connection,
        "flag_outliers",
        dirty_ids=suspects,
        neighbours=NEIGHBOURS,
        fewest=FEWEST_NEIGHBOURS,
        least_scale=LEAST_SCALE,
        least_z=LEAST_OUTLIER_Z,
        now=now,
    )


def _suspects(connection: Connection, dirty_ids: Sequence[int], now: datetime) -> list[int]:
    """The ranges to look at closely: old ones, and of the newest those that may hold a jump."""
    found: list[int] = []
    newest: dict[Timeframe, list[dict[str, Any]]] = {}
    for row in _SQL.rows(connection, "written", dirty_ids=list(dirty_ids)):
        base = timeframes.parse(row["base_timeframe"])
        if row["from_at"] < now - _NEWEST_BARS * base.span:
            found.append(row["dirty_id"])
        else:
            newest.setdefault(base, []).append(row)
    for base, ranges in newest.items():
        found += _that_may_jump(connection, base, ranges)
    return found


def _that_may_jump(connection: Connection, base: Timeframe, ranges: Sequence[dict[str, Any]]) -> list[int]:
    rows = _SQL.rows(
        connection,
        "suspects",
        dirty_ids=[row["dirty_id"] for row in ranges],
        instrument_ids=sorted({row["instrument_id"] for row in ranges}),
        timeframe=base.code,
        since=min(row["from_at"] for row in ranges) - _BEFORE_BARS * base.span,
        least_ratio=math.exp(LEAST_OUTLIER_Z * LEAST_SCALE) * _JUST_BELOW,
    )
    return [row["dirty_id"] for row in rows]


def remember(connection: Connection, rules: Rules) -> None:
    """Writes the rules down where analytics.data_quality reads them. Nothing is written where they say so already."""
    _SQL.run(connection, "remember_rules", rules=json.dumps(asdict(rules), sort_keys=True))


def data_quality(
    connection: Connection, now: datetime, symbol: str | None = None, timeframe: str | None = None
) -> list[dict[str, Any]]:
    """Rows of analytics.data_quality at an instant, by symbol and timeframe. Instants in UTC."""
    _SQL.run(connection, "set_now", now=now)
    return _SQL.rows(connection, "data_quality", symbol=symbol, timeframe=timeframe)
