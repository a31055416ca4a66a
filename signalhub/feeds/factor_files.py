"""Factor files: the splits of one share, out of a file in the form of Lean's (csv or csv.gz).

A row `date, price_factor, split_factor[, reference_price]` says by what raw prices up to and including that day
are multiplied to be those of the file's own today; the last row lies in the far future. A split is where
split_factor changes from one row to the next. Dividends are in price_factor, which is not read.
Source: QuantConnect Lean, Data/equity/usa/factor_files.
"""

from __future__ import annotations

import csv
import gzip
import math
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path

from signalhub.domain.split import SplitDay, plain_ratio
from signalhub.errors import DataUnusable

_FEWEST_FIELDS = 3
_DATES = ("%Y-%m-%d", "%Y%m%d")


@dataclass(frozen=True)
class FactorFile:
    """What a factor file says of splits: all there were from `first_day` to `last_day`."""

    path: Path
    first_day: date
    last_day: date
    splits: tuple[SplitDay, ...]
    other_changes: int
    """Rows that only change price_factor: dividends, which are left in the prices."""


@dataclass(frozen=True)
class _Row:
    line: int
    day: date
    split_factor: float


def read_factors(path: Path) -> FactorFile:
    """Reads a factor file; a first line without a date is its header.

    Raises: DataUnusable, naming the line.
    """
    rows = [_row(path, line, fields) for line, fields in _fields(path)]
    if len(rows) < 2:
        raise DataUnusable(f"{path} holds no factors: at least two rows of date,price_factor,split_factor are needed.")
    for before, row in pairwise(rows):
        if row.day <= before.day:
            raise DataUnusable(f"{path}, line {row.line}: {row.day} does not come after {before.day}. Sort the rows.")
    changes = [(before, row) for before, row in pairwise(rows) if row.split_factor != before.split_factor]
    splits = tuple(SplitDay(before.day, _ratio(path, before, row)) for before, row in changes)
    # The last row is the far future: the file vouches for what lies before it.
    return FactorFile(path, rows[0].day, rows[-2].day, splits, len(rows) - 1 - len(splits))


def _ratio(path: Path, before: _Row, row: _Row) -> float:
    ratio = plain_ratio(row.split_factor / before.split_factor)
    if not 1e-6 < ratio < 1e6:
        raise DataUnusable(
            f"{path}, line {row.line}: split_factor goes from {before.split_factor:g} to {row.split_factor:g}, "
            "which is no split."
        )
    return ratio


def _fields(path: Path) -> list[tuple[int, list[str]]]:
    """The rows that are not blank, with their line numbers, without the header."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as text:
            rows = [(line, row) for line, row in enumerate(csv.reader(text), start=1) if any(row)]
    except FileNotFoundError:
        raise DataUnusable(f"{path}: there is no such file.") from None
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise DataUnusable(f"{path} cannot be read as a csv file: {error}.") from error
    return rows[1:] if rows and _day(rows[0][1][0]) is None else rows


def _row(path: Path, line: int, fields: list[str]) -> _Row:
    if len(fields) < _FEWEST_FIELDS:
        raise DataUnusable(f"{path}, line {line}: expected date,price_factor,split_factor, found {','.join(fields)!r}.")
    day, factor = _day(fields[0]), _number(fields[2])
    if day is None:
        raise DataUnusable(f"{path}, line {line}: {fields[0]!r} is no date such as 2014-06-06 or 20140606.")
    if factor is None:
        raise DataUnusable(f"{path}, line {line}: split_factor {fields[2]!r} is no number above 0.")
    return _Row(line, day, factor)


def _day(text: str) -> date | None:
    for form in _DATES:
        try:
            return datetime.strptime(text.strip(), form).date()
        except ValueError:
            continue
    return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number > 0 else None
