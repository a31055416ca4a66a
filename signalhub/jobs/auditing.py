"""Auditing: what is stored, compared with what the base bars say it must be; found, recorded, and made right."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from signalhub.bars import audit as rollups
from signalhub.bars.audit import Compared, Finding
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.db.queries import Queries
from signalhub.domain import timeframe as timeframes
from signalhub.indicators import audit as indicators
from signalhub.jobs import pipeline
from signalhub.jobs.audit_windows import Window, next_slice, slice_at
from signalhub.jobs.progress import Progress

_LOG = logging.getLogger(__name__)
_SQL = Queries("jobs/auditing")
_ROUNDS = 3
"""Repairs at most: what was computed from a wrong rollup is judged only when that is right."""
_EVER_AFTER = datetime(9999, 1, 1, tzinfo=UTC)
_Key = tuple[str, int, str, str, datetime, str]


@dataclass(frozen=True)
class Audited:
    """What an audit compared, and what it found wrong."""

    windows: int
    rows: int
    findings: list[Finding]


def audit(database: Database, windows: Sequence[Window], now: datetime, progress: Progress) -> Audited:
    """Compares the windows one by one; what differs is recorded in market.audit_findings."""
    progress.stage("auditing", len(windows), "windows")
    rows, found = 0, dict[_Key, Finding]()
    for window in windows:
        for compared in _audit_window(database, window, now, found.values()):
            rows += compared.rows
            found |= {_key(item): item for item in compared.findings}
        progress.advance(1)
    return Audited(len(windows), rows, sorted(found.values(), key=_key))


def repair(
    database: Database, windows: Sequence[Window], findings: Sequence[Finding], now: datetime, progress: Progress
) -> list[Finding]:
    """Makes anew what was found wrong, and compares again; what remains."""
    for _ in range(_ROUNDS):
        if not findings:
            break
        progress.stage("repairing")
        rollups.repair(database, findings)
        pipeline.refresh(database, now, progress.note)
        findings = audit(database, [*windows, *_around(findings)], now, progress).findings
    return list(findings)


def audit_slices(database: Database, now: datetime, count: int) -> Audited:
    """The next window of those units that waited longest: the scheduled audit, which goes round and round."""
    with database.transaction() as connection:
        units = _SQL.rows(connection, "units", count=count)
    rows, findings = 0, list[Finding]()
    for unit in units:
        for compared in _audit_unit(database, now, **unit):
            rows, findings = rows + compared.rows, [*findings, *compared.findings]
    if findings:
        _LOG.warning("the audit found %d values that differ: `signalhub audit --full --repair`", len(findings))
    return Audited(len(units), rows, findings)


def _audit_unit(
    database: Database, now: datetime, instrument_id: int, timeframe: str, audited_through: datetime | None
) -> list[Compared]:
    window = next_slice(database, instrument_id, timeframes.parse(timeframe), audited_through)
    compared = _audit_window(database, window, now, ()) if window else []
    through = window.to_at if window and not window.is_last else None
    with database.transaction() as connection:
        key = {"instrument_id": instrument_id, "timeframe": timeframe}
        _SQL.run(connection, "advance", **key, audited_through=through, now=now)
    return compared


def _audit_window(database: Database, window: Window, now: datetime, known: Iterable[Finding]) -> list[Compared]:
    # Bars, dirty ranges, rollups and indicators of one instant: else a refresh under way would look like an error.
    with database.reading() as connection:
        rollups.read_in_utc(connection)
        every = _compare(connection, window, now, known)
    with database.transaction() as connection:
        for compared in every:
            _record(connection, compared, now)
    return every


def _compare(connection: Connection, window: Window, now: datetime, known: Iterable[Finding]) -> list[Compared]:
    key, every = window.instrument_id, list[Compared]()
    if window.levels:
        every.append(rollups.compare(connection, key, window.levels, window.from_at, window.to_at, now))
    if window.timeframe:
        wrong = [*known, *(item for compared in every for item in compared.findings)]
        span = (window.from_at, None if window.is_last else window.to_at)
        every += indicators.judge(connection, key, window.timeframe, span, wrong, now)
    return every


def _record(connection: Connection, compared: Compared, now: datetime) -> None:
    """What was found, and that what was found before is right again."""
    found = compared.findings
    parameters = {
        "instrument_id": compared.instrument_id,
        "now": now,
        "relations": [item.relation for item in found],
        "base_timeframes": [item.base_timeframe for item in found],
        "timeframes": [item.timeframe for item in found],
        "open_ats": [item.open_at for item in found],
        "column_names": [item.column_name for item in found],
    }
    values = {"stored": [item.stored for item in found], "expected": [item.expected for item in found]}
    _SQL.run(connection, "record", **parameters, **values)
    where = {"compared": list(compared.relations), "compared_timeframes": list(compared.timeframes)}
    _SQL.run(connection, "settle", **parameters, **where, from_at=compared.from_at, to_at=compared.to_at or "infinity")


def _around(findings: Iterable[Finding]) -> list[Window]:
    """Windows at what was found, which may lie outside of those that were asked for."""
    windows = list[Window]()
    for item in sorted(findings, key=lambda item: (item.instrument_id, item.timeframe, item.open_at)):
        timeframe = timeframes.parse(item.timeframe)
        last = windows[-1] if windows else None
        is_held = last and (last.instrument_id, last.timeframe) == (item.instrument_id, timeframe)
        if not (last and is_held and last.from_at <= item.open_at < last.to_at):
            windows.append(slice_at(item.instrument_id, timeframe, item.open_at, _EVER_AFTER))
    return windows


def _key(finding: Finding) -> _Key:
    return (
        finding.relation,
        finding.instrument_id,
        finding.base_timeframe or "",
        finding.timeframe,
        finding.open_at,
        finding.column_name,
    )
