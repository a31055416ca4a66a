"""Import: files of bars → market store, one transaction a file, then rollups and indicators once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from signalhub import clock
from signalhub.bars import ingest, instruments, sessions
from signalhub.bars.ingest import Ingested, Source
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from signalhub.errors import DataUnusable, NotFound
from signalhub.feeds.files import FileOptions, ParsedFile, find_files, read_file
from signalhub.jobs import gaps, pipeline
from signalhub.jobs.progress import Progress

FILE_SOURCE = Source("file")


@dataclass
class Imported:
    """What an import did.

    `rejects` has one row per rejected row: file, line, reason, content. `skipped` are files that were not looked
    into, by their names; `unusable` are the messages of those that were, in vain.
    """

    files: int = 0
    rows_read: int = 0
    ingested: Ingested = field(default_factory=Ingested)
    rejects: list[pl.DataFrame] = field(default_factory=list)
    skipped: list[tuple[Path, str]] = field(default_factory=list)
    unusable: list[str] = field(default_factory=list)
    symbols: list[str] = field(default_factory=list)
    written_from: dict[int, datetime] = field(default_factory=dict)
    """Instrument → the first open that came."""
    gaps: int = 0
    """Runs of missing bars that were not known before."""

    @property
    def rejected(self) -> int:
        """How many rows were rejected."""
        return sum(frame.height for frame in self.rejects)


def import_files(
    database: Database, paths: Sequence[Path], options: FileOptions, now: datetime, progress: Progress | None = None
) -> Imported:
    """Imports every usable file, one transaction each; a second run changes nothing.

    Raises: DataUnusable where no file at all can be used, UsageInvalid where an option is wrong; nothing was
    written then.
    """
    progress = progress or Progress()
    files, skipped = find_files(paths, options)
    result = Imported(skipped=skipped)
    progress.stage("importing", len(files), "files")
    started = clock.stopwatch()
    for path in files:
        progress.note(_pace(path, result.rows_read, clock.stopwatch() - started))
        _store_or_tell(database, path, options, now, result)
        progress.advance(1)
    progress.note(_pace(files[-1], result.rows_read, clock.stopwatch() - started))
    if not result.files:
        raise DataUnusable(_none_usable(result.unusable))
    progress.stage("rollups and indicators")
    pipeline.refresh(database, now, progress.note)
    for instrument_id, first in result.written_from.items():
        # A little before: the hole between what was there and the first bar that came ends where that begins.
        result.gaps += gaps.detect(database, [instrument_id], first - timedelta(minutes=1), now).recorded
    return result


def _store_or_tell(database: Database, path: Path, options: FileOptions, now: datetime, result: Imported) -> None:
    """One file that cannot be used does not keep the others out."""
    try:
        store_file(database, path, options, now, result)
    except DataUnusable as error:
        result.unusable.append(str(error))


def _none_usable(messages: Sequence[str]) -> str:
    others = len(messages) - 1
    those = "file" if others == 1 else f"{others:,} files"
    return f"{messages[0]} The other {those} cannot be used either." if others else messages[0]


def _pace(path: Path, rows: int, seconds: float) -> str:
    rate = f"{rows:,} rows, {rows / seconds:,.0f} rows/s · " if rows else ""
    return f"{rate}{path.name}"


def store_file(
    database: Database, path: Path, options: FileOptions, now: datetime, result: Imported | None = None
) -> Imported:
    """Reads one file and stores its bars in one transaction; rollups and indicators are left to `refresh`.

    Raises: DataUnusable.
    """
    result = result or Imported()
    parsed = read_file(path, options, now)
    with database.transaction() as connection:
        _store(connection, parsed, options, now, result)
    return result


def _store(connection: Connection, parsed: ParsedFile, options: FileOptions, now: datetime, result: Imported) -> None:
    spec = _settled_spec(connection, parsed.spec, options)
    result.files += 1
    result.rows_read += parsed.rows_read
    if parsed.rejects.height:
        result.rejects.append(parsed.rejects.select(pl.lit(str(parsed.path)).alias("file"), pl.all()))
    if parsed.bars.is_empty():
        return
    instrument_id = instruments.register(connection, spec, FILE_SOURCE.name, is_live=False, now=now)
    result.symbols.append(instruments.find(connection, f"{spec.symbol}@{spec.venue}").public_symbol)
    opens = parsed.bars["open_at"]
    first, last = opens[0], opens[-1] + parsed.timeframe.span
    sessions.ensure(connection, spec.trading_calendar, first, last)
    result.written_from[instrument_id] = min(first, result.written_from.get(instrument_id, first))
    bars = ingest.of_instrument(parsed.bars, instrument_id)
    result.ingested += pipeline.take_in(connection, parsed.timeframe, bars, FILE_SOURCE, {instrument_id: last}, now)


def _settled_spec(connection: Connection, spec: InstrumentSpec, options: FileOptions) -> InstrumentSpec:
    """A symbol named without a venue means the instrument that has it, if one does."""
    if options.symbol is None or options.venue is not None:
        return spec
    try:
        found = instruments.find(connection, options.symbol)
    except NotFound:
        return spec
    return replace(spec, symbol=found.symbol, venue=found.venue, asset_class=found.asset_class, calendar=found.calendar)
