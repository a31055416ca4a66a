"""The column cache: closed bars with indicators of one timeframe on this machine's disk.

A second run reads none of them from the database.

A folder a database and timeframe, a file a column, all of the same rows. `market.refreshes` says what was written since
it was read: those rows alone are read again. It can be deleted at any time.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from signalhub import __version__
from signalhub.db.engine import Database
from signalhub.db.file_lock import FileLock
from signalhub.db.queries import Queries
from signalhub.domain.timeframe import Timeframe
from signalhub.performance import reading
from signalhub.snapshot.frame import BARS, KEY, first_incomplete, firsts, rows_before
from signalhub.snapshot.loading import Spans

_SQL = Queries("performance/columns")
_EVER = datetime(1900, 1, 1, tzinfo=UTC)
_FORMAT = f"1 {__version__}"
"""Raised when the files change; a new program may compute other values, and reads all again."""
ALWAYS = (*BARS, "n")
"""Columns that are always there."""
MADE = "made."
"""Columns that are computed of the others begin with it; null where they were not computed yet."""
Report = Callable[[str, int, int | None], None]
"""Hears of a stage: its name, how much of it is done now, and of how much."""


@dataclass(frozen=True)
class State:
    """What a folder of the cache holds: rows that open at `since` or later, with some before, as of a version."""

    format: str
    since: str
    newest: int
    kept_from: str | None
    watermarks: str | None
    files: Mapping[str, str]
    """Column → file of the folder."""
    incomplete: Mapping[str, str] = field(default_factory=dict)
    """Instrument → its first bar that was not complete: what is settled later makes it so without a refresh."""


@dataclass(frozen=True)
class Version:
    """What the database is like now, as the query `version` tells."""

    newest: int
    first_kept: int | None
    kept_from: datetime | None
    watermarks: str | None


@dataclass
class Columns:
    """All rows of some columns, ascending by (instrument_id, open_at).

    Shape of frame: ALWAYS, close_at and the indicators that were asked for. Nothing is written to the frame's files:
    `keep` adds columns that were made of it.
    """

    timeframe: Timeframe
    frame: pl.DataFrame
    newest: int
    folder: Path | None = None
    state: State | None = None
    rows_read: int = 0
    """Rows that came from the database."""

    def made(self, name: str) -> pl.Series | None:
        """A column that was made of these rows before."""
        if self.folder is None or self.state is None or f"{MADE}{name}" not in self.state.files:
            return None
        column = pl.read_ipc(self.folder / self.state.files[f"{MADE}{name}"]).to_series()
        return column if len(column) == self.frame.height else None

    def keep(self, made: Mapping[str, pl.Series]) -> None:
        """Keeps columns that were made of these rows, unless the cache has gone on meanwhile."""
        if self.folder is None or not made:
            return
        with _locked(self.folder):
            state = _state_of(self.folder)
            if state is None or self.state is None or state.newest != self.newest or state.since != self.state.since:
                return
            columns = pl.DataFrame({f"{MADE}{name}": column for name, column in made.items()})
            self.state = _written(self.folder, state, columns)


def read(
    database: Database,
    home: Path,
    timeframe: Timeframe,
    names: Iterable[str],
    since: datetime | None = None,
    report: Report = lambda _stage, _done, _of: None,
) -> Columns:
    """The columns of all instruments from the cache, brought up to date first.

    `since`: bars that open earlier are not needed, but for the context of those that are. Guarantees: the rows of one
    instant of the database.
    """
    wanted, earliest = sorted(set(names)), since or _EVER
    with ExitStack() as stack:
        version, identity, snapshot = _begun(stack, database, timeframe)
        folder = home / "columns" / identity / timeframe.code
        folder.mkdir(parents=True, exist_ok=True)
        stack.enter_context(_locked(folder))
        cache = _Cache(database, snapshot, folder, timeframe, report)
        state = cache.up_to_date(version, wanted, earliest)
    files = [state.files[name] for name in (*ALWAYS, *wanted)]
    frame = pl.concat([pl.read_ipc(folder / file) for file in files], how="horizontal")
    frame = frame.with_columns(close_at=pl.col("open_at") + timeframe.span)
    return Columns(timeframe, frame, version.newest, folder, state, cache.rows_read)


def read_some(
    database: Database,
    timeframe: Timeframe,
    names: Iterable[str],
    instrument_ids: Sequence[int],
    since: datetime | None = None,
) -> Columns:
    """The columns of a few instruments, from the database and past the cache."""
    with ExitStack() as stack:
        version, _, snapshot = _begun(stack, database, timeframe)
        spans = reading.spans(database, snapshot, timeframe, since or _EVER, instrument_ids)
        frame = reading.rows(database, snapshot, timeframe, spans, sorted(set(names)), lambda _done, _of: None)
    frame = frame.with_columns(close_at=pl.col("open_at") + timeframe.span)
    return Columns(timeframe, frame, version.newest, rows_read=frame.height)


def _begun(stack: ExitStack, database: Database, timeframe: Timeframe) -> tuple[Version, str, str]:
    """The database's version, its identity, and the name of the instant that others may read too."""
    # No refresh is under way, so that what the last one wrote is there to be seen.
    with database.exclusively("refresh"):
        connection = stack.enter_context(database.reading())
        version = _SQL.made(connection, "version", Version, timeframe=timeframe.code)[0]
        snapshot: str = _SQL.scalar(connection, "snapshot")
    return version, _SQL.scalar(connection, "identity"), snapshot


@dataclass
class _Cache:
    """One folder of the cache, for the time of a reading."""

    database: Database
    snapshot: str
    folder: Path
    timeframe: Timeframe
    report: Report
    rows_read: int = 0

    def up_to_date(self, version: Version, wanted: Sequence[str], since: datetime) -> State:
        state = _state_of(self.folder)
        if state is None or not self._can_go_on(state, version, since):
            return self._read_all(version, wanted, since)
        changed = self._changed(state, version)
        if changed:
            state = self._topped_up(state, version, changed)
        elif state.newest != version.newest or state.watermarks != version.watermarks:
            state = _written(self.folder, replace(state, newest=version.newest, watermarks=version.watermarks))
        lacking = [name for name in wanted if name not in state.files]
        return self._widened(state, lacking) if lacking else state

    def _can_go_on(self, state: State, version: Version, since: datetime) -> bool:
        """Whether the cache holds the span, and all that happened since is known."""
        is_known = state.newest == version.newest or (
            state.newest < version.newest and version.first_kept is not None and version.first_kept <= state.newest + 1
        )
        return is_known and datetime.fromisoformat(state.since) <= since and state.kept_from == _text(version.kept_from)

    def _changed(self, state: State, version: Version) -> dict[int, datetime]:
        """From where on which instruments are to be read again."""
        found: dict[int, datetime] = {}
        if state.newest != version.newest:
            with reading.at(self.database, self.snapshot) as connection:
                rows = _SQL.rows(connection, "refreshed", timeframe=self.timeframe.code, after=state.newest)
            found = {row["instrument_id"]: row["from_at"] for row in rows}
        if state.watermarks != version.watermarks:
            for key, instant in state.incomplete.items():
                found[int(key)] = min(found.get(int(key), reading.FAR), datetime.fromisoformat(instant))
        return found

    def _read_all(self, version: Version, wanted: Sequence[str], since: datetime) -> State:
        spans = reading.spans(self.database, self.snapshot, self.timeframe, since)
        frame = self._rows(spans, wanted, "reading bars and indicators")
        state = State(_FORMAT, since.isoformat(), version.newest, _text(version.kept_from), version.watermarks, {})
        return _written(self.folder, state, frame)

    def _topped_up(self, state: State, version: Version, changed: Mapping[int, datetime]) -> State:
        # What holds for a whole window is made again; what was computed of a bar's own window stays where it stays.
        held = [name for name in state.files if not name.startswith(f"{MADE}sound")]
        old = pl.concat([pl.read_ipc(self.folder / state.files[name]) for name in held], how="horizontal")
        names = [name for name in held if name not in ALWAYS and not name.startswith(MADE)]
        spans = Spans(list(changed), list(changed.values()))
        fresh = self._rows(spans, names, "reading what is new")
        frame = pl.concat([rows_before(old, changed), fresh], how="diagonal").select(held).sort(list(KEY))
        state = replace(state, newest=version.newest, watermarks=version.watermarks, files={})
        return _written(self.folder, state, frame)

    def _widened(self, state: State, lacking: Sequence[str]) -> State:
        """More indicators of the rows that are there."""
        keys = pl.concat([pl.read_ipc(self.folder / state.files[name]) for name in KEY], how="horizontal")
        since = firsts(keys)
        spans = Spans(list(since), list(since.values()))
        fresh = reading.indicators_of(self.database, self.snapshot, self.timeframe, spans, lacking, self._told)
        self.rows_read += fresh.height
        joined = keys.join(fresh, on=list(KEY), how="left", maintain_order="left")
        return _written(self.folder, state, joined.select(lacking))

    def _rows(self, spans: Spans, names: Sequence[str], stage: str) -> pl.DataFrame:
        frame = reading.rows(
            self.database, self.snapshot, self.timeframe, spans, names, lambda done, of: self.report(stage, done, of)
        )
        self.rows_read += frame.height
        return frame

    def _told(self, done: int, of: int) -> None:
        self.report("reading indicators", done, of)


def _written(folder: Path, state: State, columns: pl.DataFrame | None = None) -> State:
    """Writes columns as new files beside the old ones, and then, in one move, which of them count."""
    files = dict(state.files)
    if columns is not None:
        columns = columns.rechunk()
        number = 1 + max((int(path.name.partition("-")[0]) for path in folder.glob("*-*.arrow")), default=0)
        for name in columns.columns:
            files[name] = f"{number}-{name}.arrow"
            # In one piece: of several, each look at the values would copy them.
            columns.select(name).write_ipc(folder / files[name], record_batch_size=max(1, columns.height))
        if "is_complete" in columns.columns:
            incomplete = first_incomplete(columns)
            state = replace(state, incomplete={str(key): instant.isoformat() for key, instant in incomplete.items()})
    state = replace(state, files=files)
    beside = folder / "state.new"
    beside.write_text(json.dumps(asdict(state)), encoding="utf-8")
    beside.replace(folder / "state.json")
    for path in folder.glob("*-*.arrow"):
        if path.name not in files.values():
            path.unlink()
    return state


def _state_of(folder: Path) -> State | None:
    """What the folder holds; None where that is nothing, or another program's."""
    try:
        told: dict[str, Any] = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        state = State(**told)
    except (OSError, ValueError, TypeError):
        return None
    is_whole = state.format == _FORMAT and all((folder / file).exists() for file in state.files.values())
    return state if is_whole else None


def _locked(folder: Path) -> FileLock:
    """One process at a time in a folder of the cache."""
    return FileLock(folder / ".lock")


def forget(home: Path) -> None:
    """Deletes the cache of all databases."""
    shutil.rmtree(home / "columns", ignore_errors=True)


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
