"""Which base timeframe rules on which days, when an instrument has bars of several.

The finest base rules the days it covers. A run of days of a finer base that begins or ends in the middle of a
day leaves that day to a coarser base that covers more of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from signalhub.domain.timeframe import Timeframe


@dataclass(frozen=True)
class BaseDay:
    """One UTC day of one base: the span its bars cover on that day."""

    base: Timeframe
    day: datetime
    first_at: datetime
    last_at: datetime


def ruling_bases(days: Iterable[BaseDay]) -> list[tuple[datetime | None, Timeframe]]:
    """The points at which another base begins to rule, as (day or None for ever before, base).

    Guarantees: ascending, neighbours differ, the first one has no day; days without bars change nothing.
    """
    by_day: dict[datetime, list[BaseDay]] = {}
    for entry in days:
        by_day.setdefault(entry.day, []).append(entry)
    changes: list[tuple[datetime | None, Timeframe]] = []
    ordered = sorted(by_day)
    for index, day in enumerate(ordered):
        before = _bases(by_day, ordered, index - 1)
        after = _bases(by_day, ordered, index + 1)
        ruling = _ruling(by_day[day], before, after)
        if not changes:
            changes.append((None, ruling))
        elif changes[-1][1] != ruling:
            changes.append((day, ruling))
    return changes


def _bases(by_day: dict[datetime, list[BaseDay]], ordered: list[datetime], index: int) -> set[Timeframe]:
    return {entry.base for entry in by_day[ordered[index]]} if 0 <= index < len(ordered) else set()


def _ruling(entries: list[BaseDay], before: set[Timeframe], after: set[Timeframe]) -> Timeframe:
    finest_first = sorted(entries, key=lambda entry: entry.base)
    for position, entry in enumerate(finest_first[:-1]):
        coarser = finest_first[position + 1 :]
        # Grid points of the coarser base: 00:07 on a thin market is no later start than 00:00 of an hour bar.
        starts_late = entry.base not in before and any(c.base.floor(entry.first_at) > c.first_at for c in coarser)
        ends_early = entry.base not in after and any(c.base.ceil(entry.last_at) < c.last_at for c in coarser)
        if not starts_late and not ends_early:
            return entry.base
    return finest_first[-1].base
