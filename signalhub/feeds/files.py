"""The user's own files: csv, csv.gz or parquet in, clean bars and a list of rejected rows out.

It declares no FEED: a file is read once on request (`signalhub import`), not asked again and again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import Timeframe
from signalhub.errors import DataUnusable
from signalhub.feeds.file_columns import read_table
from signalhub.feeds.file_names import FileOptions, find_files, spec_of, suffix_of, timeframe_of
from signalhub.feeds.file_rows import REJECT_SCHEMA, judge, with_numbers
from signalhub.feeds.file_times import NO_ZONE, read_times

__all__ = ["REJECT_SCHEMA", "FileOptions", "ParsedFile", "find_files", "read_file"]


@dataclass(frozen=True)
class ParsedFile:
    """What one file gave."""

    path: Path
    spec: InstrumentSpec
    timeframe: Timeframe
    bars: pl.DataFrame
    """BAR_SCHEMA, ascending by open_at, unique, every one valid and closed."""
    rejects: pl.DataFrame
    """REJECT_SCHEMA, ascending by line."""
    rows_read: int
    """bars + rejects; the header and blank lines are no rows."""


def read_file(path: Path, options: FileOptions, now: datetime) -> ParsedFile:
    """The bars of one file, each row judged for itself.

    Raises: DataUnusable when the file as a whole cannot be used, with one line that says why.
    """
    if not path.is_file():
        raise DataUnusable(f"{path}: there is no such file.")
    if suffix_of(path) is None:
        raise DataUnusable(f"{path} is neither .csv, .csv.gz nor .parquet.")
    spec, timeframe = spec_of(path, options), timeframe_of(path, options)
    table = read_table(path)
    times = read_times(table["raw_time"], options.timezone, dates_suffice=timeframe.code == "1d")
    _refuse_without_zone(times, path)
    bars, rejects = judge(with_numbers(table).hstack(times), timeframe, now)
    return ParsedFile(path, spec, timeframe, bars, rejects, table.height)


def _refuse_without_zone(times: pl.DataFrame, path: Path) -> None:
    """One error for the file instead of one per row, when not a single time has its zone."""
    if times["open_at"].null_count() == times.height and (times["time_problem"] == NO_ZONE).any():
        raise DataUnusable(f"{path} has times without a zone. Say which one, for example --timezone UTC.")
