"""Random histories of bad input: what feeds say of one instrument, in which batches, at which reading of the clock.

Bars are dropped, duplicated, reordered, corrected, flat, off the grid, dated ahead, and no numbers at all.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from signalhub.domain.timeframe import H1, M1, M15, Timeframe
from tests.market import MONDAY

APART = timedelta(days=40)
"""Between two histories in one database: a refresh of one has nothing to do with the others."""
_BARS = {M1: 300, M15: 220, H1: 120}
_LONGEST_JUMP = timedelta(days=2)
DOORS = ("feed", "file", "plug-in")


class Row(NamedTuple):
    """What somebody says is a bar."""

    open_at: datetime
    values: tuple[float | None, ...]
    """Open, high, low, close, volume."""


@dataclass(frozen=True)
class Batch:
    """What comes at once through one door, and what the clock says then."""

    door: str
    timeframe: Timeframe
    rows: Sequence[Row]
    now: datetime
    is_backfill: bool
    refresh_at: datetime | None
    """What the clock says at the refresh after it, if there is one."""


@dataclass(frozen=True)
class History:
    """Everything that comes of one instrument, and an instant after which nothing is left to come or to close."""

    seed: int
    batches: Sequence[Batch]
    priorities: dict[str, int]
    """Which door corrects which."""
    over: datetime


def history(seed: int) -> History:
    """The history of a seed."""
    rng = random.Random(seed)
    start = MONDAY + seed * APART + timedelta(minutes=rng.randrange(0, 1440, 60))
    timeframe = rng.choices([M1, M15, H1], [5, 3, 2])[0]
    batches = _stream(rng, start, timeframe)
    if rng.random() < 0.3:  # another base that rules some of the days
        batches += _stream(rng, start - timedelta(days=rng.randrange(3)), M15 if timeframe == H1 else H1)
        rng.shuffle(batches)
    priorities = {door: rng.choice([0, 0, 1]) for door in DOORS}
    return History(seed, batches, priorities, MONDAY + seed * APART + timedelta(days=20))


def _stream(rng: random.Random, start: datetime, timeframe: Timeframe) -> list[Batch]:
    truth = _truth(rng, start, timeframe)
    count = rng.randint(3, 9)
    said: list[list[Row]] = [[] for _ in range(count)]
    for number, row in enumerate(truth):
        in_time = number * count // len(truth)
        versions = _versions(rng, row)
        for version in versions:
            is_late = rng.random() < (0.1 if len(versions) == 1 else 0.6)
            said[rng.randrange(count) if is_late else in_time].append(version)
    if rng.random() < 0.5:
        rng.shuffle(said)
    end = truth[-1].open_at + timeframe.span
    return [_batch(rng, timeframe, rows, end) for rows in said]


def _truth(rng: random.Random, start: datetime, timeframe: Timeframe) -> list[Row]:
    """A random walk on a power of two, with minutes without trades and flat runs."""
    rows, close, flat = [], 100.0, 0
    for number in range(_BARS[timeframe]):
        opened = close
        flat = flat - 1 if flat else rng.choice([0] * 60 + [rng.randint(2, 70)])
        close = opened if flat else max(1.0, opened + rng.randint(-16, 16) / 16)
        up, down = (0.0, 0.0) if flat else (rng.randint(0, 8) / 16, rng.randint(0, 8) / 16)
        values = (opened, max(opened, close) + up, min(opened, close) - down, close, 0.0 if flat else rng.random() * 9)
        if rng.random() < 0.95:
            rows.append(Row(start + number * timeframe.span, values))
    return rows


def _versions(rng: random.Random, row: Row) -> list[Row]:
    """The row as it is told: mostly once, now and then never, twice, or with other values before and after."""
    chance = rng.random()
    if chance < 0.03:
        return []
    if chance < 0.06:
        return [row, row]
    if chance < 0.18:
        return [*(Row(row.open_at, _other_values(rng)) for _ in range(rng.randint(1, 3))), row]
    return [row]


def _other_values(rng: random.Random) -> tuple[float, ...]:
    opened, close = rng.randint(1200, 2000) / 16, rng.randint(1200, 2000) / 16
    return opened, max(opened, close) + 1, min(opened, close) - 1, close, rng.choice([0.0, 3.5])


def _batch(rng: random.Random, timeframe: Timeframe, rows: list[Row], end: datetime) -> Batch:
    now, door = _clock(rng, end), rng.choice(DOORS)
    spoiled = [SPOIL[rng.choice(list(SPOIL))](rng, row, timeframe, now) for row in rows if rng.random() < 0.05]
    if door == "feed" and rng.random() < 0.7:  # one bar off the grid, and an exchange's whole answer is refused
        spoiled = [row for row in spoiled if row.open_at == timeframe.floor(row.open_at)]
    told = rows + spoiled
    if rng.random() < 0.7:
        rng.shuffle(told)
    refresh_at = _clock(rng, end) if rng.random() < 0.6 else None
    return Batch(door, timeframe, told, now, rng.random() < 0.5, refresh_at)


def _clock(rng: random.Random, end: datetime) -> datetime:
    """Mostly right: a little after the end. It may have jumped ahead by days, or back into the midst of the bars."""
    jump = rng.choices(
        [timedelta(seconds=rng.uniform(0, 7200)), rng.random() * _LONGEST_JUMP, -rng.random() * _LONGEST_JUMP / 4],
        [70, 15, 15],
    )[0]
    return end + jump


def _with(row: Row, place: int, value: float | None) -> Row:
    return Row(row.open_at, (*row.values[:place], value, *row.values[place + 1 :]))


Spoil = Callable[[random.Random, Row, Timeframe, datetime], Row]
SPOIL: dict[str, Spoil] = {
    "not a number": lambda rng, row, _, __: _with(row, rng.randrange(5), math.nan),
    "infinite": lambda rng, row, _, __: _with(row, rng.randrange(5), rng.choice([math.inf, -math.inf])),
    "without a price": lambda rng, row, _, __: _with(row, rng.randrange(4), None),
    "negative": lambda rng, row, _, __: _with(row, rng.randrange(5), -1.0),
    "high below low": lambda _, row, __, ___: _with(_with(row, 1, 50.0), 2, 60.0),
    "off the grid": lambda rng, row, _, __: Row(row.open_at + timedelta(seconds=rng.randint(1, 59)), row.values),
    "dated ahead": lambda rng, row, timeframe, now: Row(
        timeframe.floor(now) + rng.randint(0, 500) * timeframe.span, row.values
    ),
}
"""What makes a row no bar."""
