"""Audit of indicators: stored rows and anchors, compared with what the formula makes of the bars, bit for bit.

Whatever looks wrong from the nearest anchor is computed again from the first bar before it is called wrong, so that
a bad anchor or a bad rollup is found itself, and not in all that was computed from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from signalhub.bars import audit as rollups
from signalhub.bars.audit import Compared, Finding
from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.domain.timeframe import M1, Timeframe

_SQL = Queries("indicators/audit")
_RELATIONS = ("market.indicators", "market.indicator_state")
_INSTANT = timedelta(microseconds=1)
_EVER = datetime(1, 1, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Reach:
    """What of an instrument's timeframe can be compared at all."""

    rows_from: datetime | None
    """From when on rows are kept; None: all."""
    bars_from: datetime | None
    """From when on bars are kept; None: all."""
    dirty_at: datetime | None
    """From when on rows wait for a refresh; None: none does."""
    anchor_at: datetime | None
    """The first anchor from which the kept bars go on."""

    @property
    def is_out_of_reach(self) -> bool:
        """Bars were dropped, and no anchor is left from which the kept ones go on."""
        return self.bars_from is not None and self.anchor_at is None

    @property
    def computed_from(self) -> datetime | None:
        """The first instant that can be computed; None: from the first bar on."""
        return self.anchor_at + _INSTANT if self.bars_from and self.anchor_at else None

    @property
    def from_at(self) -> datetime:
        """The first instant that can be compared."""
        return max(self.rows_from or _EVER, self.computed_from or _EVER)


def judge(
    connection: Connection,
    instrument_id: int,
    timeframe: Timeframe,
    span: tuple[datetime, datetime | None],
    known: Iterable[Finding],
    now: datetime,
) -> list[Compared]:
    """What of a span can be judged, compared; with the rollups below it where something looks wrong.

    Shape: the span's end None: up to the last bar, whose anchor must be there. `known`: rollups known to be wrong,
    after which no indicator can be judged.
    """
    reach = Reach(**_SQL.rows(connection, "reach", instrument_id=instrument_id, timeframe=timeframe.code)[0])
    from_at = max(span[0], reach.from_at)
    to_at = _first(span[1], reach.dirty_at, *_wrong_bars(instrument_id, timeframe, known))
    if reach.is_out_of_reach or _is_empty(from_at, to_at):
        return []
    compared = _compare(connection, instrument_id, timeframe, (from_at, to_at), from_at)
    if not compared.findings:
        return [compared]
    return _confirmed(connection, compared, timeframe, reach, now)


def _confirmed(
    connection: Connection, suspect: Compared, timeframe: Timeframe, reach: Reach, now: datetime
) -> list[Compared]:
    """The bars below from the first one on, then all from the anchor that was resumed from, computed from the first."""
    key = (suspect.instrument_id, timeframe)
    below = _bars_below(connection, suspect, timeframe, now)
    wrong = [item for compared in below for item in compared.findings]
    to_at = _first(suspect.to_at, *_wrong_bars(*key, wrong))
    anchor = _SQL.scalar(
        connection, "anchor_before", instrument_id=key[0], timeframe=timeframe.code, before_at=suspect.from_at
    )
    from_at = max(anchor or suspect.from_at, reach.from_at)
    if _is_empty(from_at, to_at):
        return below
    return [*below, _compare(connection, *key, (from_at, to_at), reach.computed_from)]


def _bars_below(connection: Connection, suspect: Compared, timeframe: Timeframe, now: datetime) -> list[Compared]:
    span = rollups.span(connection, suspect.instrument_id)
    if timeframe == M1 or span is None:
        return []
    return [rollups.compare(connection, suspect.instrument_id, (timeframe,), *span, now)]


def _compare(
    connection: Connection,
    instrument_id: int,
    timeframe: Timeframe,
    span: tuple[datetime, datetime | None],
    before_at: datetime | None,
) -> Compared:
    """Computed from the newest anchor before `before_at`; None: from the first bar."""
    rows = _SQL.rows(
        connection,
        "differences",
        instrument_id=instrument_id,
        timeframe=timeframe.code,
        from_at=span[0],
        to_at=span[1] or "infinity",
        before_at=before_at or "-infinity",
        is_end=span[1] is None,
    )
    findings = [
        Finding(instrument_id=instrument_id, timeframe=timeframe.code, base_timeframe=None, **row)
        for row in rows
        if row["column_name"]
    ]
    count = sum(int(row["stored"]) for row in rows if not row["column_name"])
    return Compared(instrument_id, _RELATIONS, (timeframe.code,), *span, count, findings)


def _wrong_bars(instrument_id: int, timeframe: Timeframe, findings: Iterable[Finding]) -> list[datetime]:
    return [
        item.open_at
        for item in findings
        if item.base_timeframe and (item.instrument_id, item.timeframe) == (instrument_id, timeframe.code)
    ]


def _first(*instants: datetime | None) -> datetime | None:
    return min((instant for instant in instants if instant), default=None)


def _is_empty(from_at: datetime, to_at: datetime | None) -> bool:
    return to_at is not None and to_at <= from_at
