"""Drift: which signals would be made from other inputs today, because bars were corrected since.

Signals stay as they were; this says which of them the corrections reached, however far back a recursive indicator
remembers. It reads what evaluation reads, by the same code.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import polars as pl

from signalhub import snapshot
from signalhub.bars import instruments
from signalhub.bars.instruments import Instrument
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.db.queries import Queries
from signalhub.domain import timeframe as timeframes
from signalhub.domain.timeframe import Timeframe
from signalhub.indicators.columns import INDICATOR_COLUMNS
from signalhub.signals.inputs import InputColumns, Rule, inputs
from signalhub.snapshot import WINDOW_BARS, Snapshot

_SQL = Queries("signals/drift")
_BLOCK_BARS = 500
_SHOWN = 3
EVER = datetime(1900, 1, 1, tzinfo=UTC)
DIRTY, DROPPED = "dirty", "dropped"
"""Why nothing can be said of a signal: bars wait to be rolled up; bars or indicators of its window were dropped."""


@dataclass(frozen=True)
class Difference:
    """A field of the inputs, such as `window.close[59]` or `row.ema_50`: as it was, and as it would be now."""

    field: str
    stored: Any
    now: Any


@dataclass(frozen=True)
class Drifted:
    """A signal whose inputs would differ now: how many of their fields, and the first of them."""

    signal_id: int
    symbol: str
    timeframe: str
    strategy: str
    strategy_version: str
    direction: str
    origin: str
    close_at: datetime
    differing: int
    fields: list[Difference]


@dataclass
class Drift:
    """What became of the inputs of all signals looked at, by close within each timeframe."""

    signals: int = 0
    drifted: list[Drifted] = field(default_factory=list)
    undecided: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Block:
    """Signals of one timeframe whose closes are near each other."""

    timeframe: Timeframe
    closes: list[datetime]
    instrument_ids: list[int]
    signal_ids: list[int]


def drift(
    database: Database,
    since: datetime = EVER,
    instrument_ids: Sequence[int] | None = None,
    report: Callable[[int, int], None] = lambda _done, _of: None,
) -> Drift:
    """Compares the inputs of every signal with those that the store would give for it now.

    Guarantees: changes nothing; names a signal if and only if a field it was made from has another value now. A column
    that came after the signal is no drift. `report` hears how many signals of how many are done.
    """
    ids = None if instrument_ids is None else list(instrument_ids)
    with database.transaction() as connection:
        known = _SQL.rows(connection, "known", since=since, instrument_ids=ids)
        by_id = {item.instrument_id: item for item in instruments.ever(connection)}
    found = Drift()
    for block in _blocks(known):
        # Signals, bars, indicators and dirty ranges of one instant.
        with database.reading() as connection:
            _look_at(connection, block, by_id, found)
        found.signals += len(block.signal_ids)
        report(found.signals, len(known))
    return found


def _blocks(known: Sequence[Mapping[str, Any]]) -> Iterator[_Block]:
    """Of at most 500 bars each, so that a frame stays small however long the record is."""

    def place(row: Mapping[str, Any]) -> tuple[str, int]:
        span = timeframes.parse(row["timeframe"]).seconds * _BLOCK_BARS
        return row["timeframe"], int(row["close_at"].timestamp()) // span

    for (code, _), group in groupby(known, key=place):
        rows = list(group)
        yield _Block(
            timeframes.parse(code),
            sorted({row["close_at"] for row in rows}),
            sorted({row["instrument_id"] for row in rows}),
            [row["signal_id"] for row in rows],
        )


def _look_at(connection: Connection, block: _Block, by_id: Mapping[int, Instrument], found: Drift) -> None:
    recorded = _SQL.rows(connection, "recorded", signal_ids=block.signal_ids)
    inputs_of = {row["signal_id"]: json.loads(row["inputs"]) for row in recorded}
    named = {name for stored in inputs_of.values() for name in stored["row"]}
    columns = sorted(name for name in named if name in INDICATOR_COLUMNS or snapshot.is_joined(name))
    seen = snapshot.load(connection, block.timeframe, block.closes, block.instrument_ids, columns)
    kept_from = _SQL.scalar(connection, "kept_from", timeframe=block.timeframe.code)
    today = _Today(seen, by_id, kept_from or EVER, columns)
    for row in recorded:
        stored = inputs_of[row["signal_id"]]
        now = today.inputs(row["instrument_id"], row["close_at"], stored)
        if isinstance(now, str):
            found.undecided[now] += 1
        elif fields := differences(stored, now):
            found.drifted.append(_drifted(row, fields))


class _Today:
    """The inputs that a block's snapshot gives for its signals now."""

    def __init__(
        self, seen: Snapshot, by_id: Mapping[int, Instrument], kept_from: datetime, columns: Sequence[str]
    ) -> None:
        self.seen = seen
        self.by_id = by_id
        self.kept_from = kept_from
        self.names = columns
        self.columns = InputColumns(seen.frame)
        frame = seen.frame.with_row_index("place")
        firsts = frame.group_by("instrument_id").agg(pl.col("place").min())
        self.first_places: dict[int, int] = dict(firsts.iter_rows())
        wanted = frame.filter(pl.col("close_at").is_in(list(seen.closes)))
        self.places = {
            (instrument_id, close_at): (place, n)
            for instrument_id, close_at, place, n in wanted.select(
                "instrument_id", "close_at", "place", "n"
            ).iter_rows()
        }

    def inputs(self, instrument_id: int, close_at: datetime, stored: Mapping[str, Any]) -> dict[str, Any] | str:
        """The inputs as they would be now, empty where there is no such bar or window any more; or why not to say."""
        if instrument_id in self.seen.dirty and self.seen.dirty[instrument_id] < close_at:
            return DIRTY
        if (instrument_id, close_at) not in self.places:
            return DROPPED if close_at <= self.kept_from else {}
        place, n = self.places[instrument_id, close_at]
        if place - self.first_places[instrument_id] < WINDOW_BARS - 1:
            # The ordinal counts what was dropped too.
            return DROPPED if n >= WINDOW_BARS else {}
        told = {name: stored[name] for name in ("strategy", "version", "parameters", "direction")}
        rule = Rule(**told, settings=stored.get("settings", {}))
        bar = self.columns.at(place, self.names)
        return inputs(rule, self.by_id[instrument_id], self.seen.timeframe, close_at, bar)


def differences(stored: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """The fields of stored inputs that have another value now, bars first, oldest first."""
    if stored == now:
        return []
    values = dict(_flat(now))
    return [Difference(name, value, values.get(name)) for name, value in _flat(stored) if value != values.get(name)]


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    window = values.get("window", {})
    for index in range(max(map(len, window.values()), default=0)):
        yield from ((f"window.{name}[{index}]", window[name][index]) for name in window)
    for part in ("previous", "row"):
        yield from ((f"{part}.{name}", _known(value)) for name, value in values.get(part, {}).items())
    yield from ((name, value) for name, value in values.items() if name not in ("window", "previous", "row"))


def _known(value: float | None) -> float | None:
    """NaN, which equals nothing, not even itself, is an indicator without a value."""
    return None if value is None or value != value else value


def _drifted(row: Mapping[str, Any], fields: list[Difference]) -> Drifted:
    facts = {name: value for name, value in row.items() if name not in ("instrument_id", "inputs")}
    return Drifted(**facts, differing=len(fields), fields=fields[:_SHOWN])
