"""What must be believed after a history of input: rules in plain Python, and the clean stream that says the same."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from typing import NamedTuple

from signalhub.domain.timeframe import Timeframe
from tests.bad_input import Row

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Key = tuple[Timeframe, datetime]


class Version(NamedTuple):
    """What was believed of a bar, since when, by whose word; and how it came."""

    values: tuple[float | None, ...]
    known_at: datetime
    door: str
    is_backfill: bool
    batch: int


def is_bar(row: Row, timeframe: Timeframe, now: datetime) -> bool:
    """Whether a row is a bar at all."""
    if any(value is None or not math.isfinite(value) for value in row.values):
        return False
    opened, high, low, close, volume = (value or 0.0 for value in row.values)
    is_possible = 0 < low <= min(opened, close) and max(opened, close) <= high and volume >= 0
    is_on_grid = (row.open_at - _EPOCH) % timeframe.span == timedelta(0)
    return is_possible and is_on_grid and row.open_at + timeframe.span <= now


def bars_of(rows: Iterable[Row], timeframe: Timeframe, now: datetime, *, first_wins: bool = False) -> list[Row]:
    """The bars among the rows, one per open: the first told or the last."""
    found: dict[datetime, Row] = {}
    for row in rows:
        if is_bar(row, timeframe, now) and not (first_wins and row.open_at in found):
            found[row.open_at] = row
    return list(found.values())


@dataclass
class Believed:
    """The versions of every bar, oldest first."""

    priorities: dict[str, int]
    versions: dict[Key, list[Version]] = field(default_factory=dict)
    batches: int = 0

    def hear(self, rows: Iterable[Row], timeframe: Timeframe, door: str, now: datetime, *, is_backfill: bool) -> None:
        """Bars of one batch, each open once."""
        self.batches += 1
        for row in rows:
            stands = self.versions.setdefault((timeframe, row.open_at), [])
            close = row.open_at + timeframe.span
            if not stands:
                known_at = close if is_backfill else max(now, close)
            elif stands[-1].values == row.values or self._is_outranked(door, stands[-1].door):
                continue
            else:
                known_at = max(now, stands[-1].known_at)
            stands.append(Version(row.values, known_at, door, is_backfill, self.batches))

    def _is_outranked(self, door: str, by: str) -> bool:
        return self.priorities[door] < self.priorities[by]

    def bars(self) -> list[tuple[object, ...]]:
        """The last word on each bar, in order."""
        last = ((*key, *stands[-1][:3]) for key, stands in sorted(self.versions.items()))
        return [(key.code, open_at, *values, known, door) for key, open_at, values, known, door in last]

    def revisions(self) -> list[tuple[object, ...]]:
        """What was believed before, in order, and until when."""
        return [
            (timeframe.code, open_at, *old.values, old.known_at, new.known_at, old.door)
            for (timeframe, open_at), stands in sorted(self.versions.items())
            for old, new in pairwise(stands)
        ]

    def clean_stream(self, over: datetime) -> Iterator[tuple[Timeframe, str, bool, datetime, list[Row]]]:
        """The same in order: all first versions, then the corrections as they became known."""
        told = []
        for (timeframe, open_at), stands in self.versions.items():
            for number, version in enumerate(stands):
                is_old = number == 0 and version.is_backfill
                batch = version.batch if number else 0
                group = (number > 0, over if is_old else version.known_at, batch, timeframe, version.door)
                told.append(((*group, version.is_backfill), Row(open_at, version.values)))
        for group, items in groupby(sorted(told), lambda item: item[0]):
            _, at, _, timeframe, door, is_backfill = group
            yield timeframe, door, is_backfill, at, [row for _, row in items]
