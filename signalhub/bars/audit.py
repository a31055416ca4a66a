"""Audit of rollups: what is stored, compared with what the base bars say it must be, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from signalhub.bars import rollups
from signalhub.db.connection import Connection
from signalhub.db.edition import TIMESCALE
from signalhub.db.engine import Database
from signalhub.db.queries import Queries
from signalhub.domain import timeframe as timeframes
from signalhub.domain.timeframe import Timeframe

_SQL = Queries("bars/audit")
_APART = timedelta(days=7)


@dataclass(frozen=True)
class Finding:
    """One value that differs; `open_at` differs where the row is missing, or should not be there."""

    relation: str
    instrument_id: int
    base_timeframe: str | None
    timeframe: str
    open_at: datetime
    close_at: datetime
    column_name: str
    stored: str | None
    expected: str | None


@dataclass(frozen=True)
class Compared:
    """What was compared, how many rows that were, and every value that differs."""

    instrument_id: int
    relations: tuple[str, ...]
    timeframes: tuple[str, ...]
    from_at: datetime
    to_at: datetime | None
    """None: up to the last bar."""
    rows: int
    findings: list[Finding]


def span(connection: Connection, instrument_id: int) -> tuple[datetime, datetime] | None:
    """The whole UTC days in which an instrument has bars, rollups or indicators; None where it has none."""
    (row,) = _SQL.rows(connection, "span", instrument_id=instrument_id)
    return (row["from_at"], row["to_at"]) if row["from_at"] else None


def finest_base(connection: Connection, instrument_id: int) -> Timeframe | None:
    """The finest timeframe that an instrument can have indicators of; None: it never had a bar."""
    code = _SQL.scalar(connection, "finest_base", instrument_id=instrument_id)
    return timeframes.parse(code) if code else None


def read_in_utc(connection: Connection) -> None:
    """For this transaction: findings are text, which must not depend on who looked."""
    _SQL.scalar(connection, "in_utc")


def compare(
    connection: Connection,
    instrument_id: int,
    levels: Sequence[Timeframe],
    from_at: datetime,
    to_at: datetime,
    now: datetime,
) -> Compared:
    """The rollups of some timeframes that open in [from_at, to_at), against a recomputation from the base bars.

    Shape: the span lies on the grid of every level. Guarantees: what is forming, dirty, or older than what is kept
    is left out.
    """
    codes = tuple(level.code for level in levels)
    parameters = {"instrument_id": instrument_id, "timeframes": list(codes)}
    rows = _SQL.rows(connection, "differences", **parameters, from_at=from_at, to_at=to_at, now=now)
    findings = [Finding(instrument_id=instrument_id, **row) for row in rows if row["column_name"]]
    count = sum(int(row["stored"]) for row in rows if not row["column_name"])
    relations = tuple(f"market.bars_{code}" for code in codes)
    return Compared(instrument_id, relations, codes, from_at, to_at, count, findings)


def repair(database: Database, findings: Sequence[Finding]) -> None:
    """Takes wrong rows away and records as dirty all that hangs on them: the next refresh makes them anew."""
    rolled_up = [item for item in findings if item.base_timeframe]
    for code, group in groupby(sorted(rolled_up, key=_level), key=lambda item: item.timeframe):
        _make_way(database, timeframes.parse(code), list(group))
    ranges = list(_ranges(findings))
    with database.transaction() as connection:
        _SQL.run(
            connection,
            "record_dirty",
            instrument_ids=[item.instrument_id for item in ranges],
            base_timeframes=[item.base_timeframe for item in ranges],
            timeframes=[item.timeframe for item in ranges],
            from_ats=[item.open_at for item in ranges],
            to_ats=[item.close_at for item in ranges],
        )


def _level(finding: Finding) -> tuple[Timeframe, datetime]:
    return timeframes.parse(finding.timeframe), finding.open_at


def _make_way(database: Database, level: Timeframe, findings: Sequence[Finding]) -> None:
    """A plain refresh only writes over what has bars; and TimescaleDB's skips what it does not know to have changed."""
    if database.edition == TIMESCALE:
        with database.transaction() as connection:
            kept_from = _SQL.scalar(connection, "kept_from")
        for from_at, to_at in _joined([(item.open_at, item.close_at) for item in findings]):
            if kept_from is None or from_at >= kept_from:
                rollups.rebuild(database, level, from_at, to_at)
        return
    with database.transaction() as connection:
        _SQL.run(
            connection,
            f"delete_{level}",
            instrument_ids=[item.instrument_id for item in findings],
            base_timeframes=[item.base_timeframe for item in findings],
            open_ats=[item.open_at for item in findings],
        )


def _ranges(findings: Sequence[Finding]) -> Iterator[Finding]:
    """The findings with what lies close together made one."""
    for _, group in groupby(sorted(findings, key=_key), key=_hangs_on):
        items = list(group)
        for from_at, to_at in _joined([(item.open_at, item.close_at) for item in items]):
            yield Finding(**{**vars(items[0]), "open_at": from_at, "close_at": to_at})


def _hangs_on(finding: Finding) -> tuple[int, str, str]:
    return finding.instrument_id, finding.base_timeframe or "", "" if finding.base_timeframe else finding.timeframe


def _key(finding: Finding) -> tuple[tuple[int, str, str], datetime]:
    return _hangs_on(finding), finding.open_at


def _joined(spans: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Ascending spans, those less than a week apart made one."""
    joined: list[tuple[datetime, datetime]] = []
    for from_at, to_at in sorted(spans):
        if joined and from_at - joined[-1][1] < _APART:
            joined[-1] = (joined[-1][0], max(joined[-1][1], to_at))
        else:
            joined.append((from_at, to_at))
    return joined
