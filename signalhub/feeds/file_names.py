"""What a file's name and folder say about the bars inside: which instrument, which timeframe, which venue.

A name reads `<symbol>_<timeframe>__<venue>[-tag…]_<yyyymm>`, or shorter: `AAPL_1d.csv`, `BTCUSDT-1h.csv`,
`BTCUSDT-1h-2024-05.csv`. What the user says as an option stands above what the name says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from signalhub.domain import timeframe as timeframes
from signalhub.domain.instrument import ASSET_CLASSES, InstrumentSpec, guess_asset_class, split_pair
from signalhub.domain.timeframe import Timeframe
from signalhub.errors import DataUnusable, UsageInvalid

SUFFIXES = (".csv.gz", ".csv", ".parquet")
_FOLDER_CLASSES = {**{name: name for name in ASSET_CLASSES}, "derivatives": "crypto"}
_PAIRED_CLASSES = ("crypto", "forex", "commodity")
_NAME = re.compile(r"(?P<symbol>.+?)[_-](?P<code>\d+[A-Za-z]+)(?:-\d{4}-\d{2}(?:-\d{2})?)?")
_BARE_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9._]*")
_UNKNOWN_VENUE = "file"


@dataclass(frozen=True)
class FileOptions:
    """What the user said about the files; None means: go by the name."""

    symbol: str | None = None
    asset_class: str | None = None
    timeframe: str | None = None
    venue: str | None = None
    timezone: str | None = None
    calendar: str | None = None


@dataclass(frozen=True)
class NameParts:
    """What a name says; `code` is a timeframe as written, ours or not."""

    symbol: str | None
    code: str | None
    venue: str | None


def find_files(paths: Sequence[Path], options: FileOptions) -> tuple[list[Path], list[tuple[Path, str]]]:
    """The usable files of files and folders, and the skipped ones, each with the reason.

    Guarantees: the order of `paths`, within a folder by name; no file twice.
    Raises: DataUnusable when a file named directly cannot be used, or nothing is left; UsageInvalid when an
    option is wrong.
    """
    _check(options)
    usable: dict[Path, None] = {}
    skipped: dict[Path, str] = {}
    for path, is_named in _candidates(paths):
        reason = _reason_to_skip(path, options, is_named)
        if reason is None:
            usable[path] = None
        elif is_named:
            raise DataUnusable(f"{path}: {reason}.")
        else:
            skipped[path] = reason
    if not usable:
        raise DataUnusable(_nothing_usable(paths, skipped))
    return list(usable), list(skipped.items())


def timeframe_of(path: Path, options: FileOptions) -> Timeframe:
    """The timeframe of the file's bars: the option, else the name.

    Raises: DataUnusable when neither tells, or the name tells one that is not ours.
    """
    code = options.timeframe or parse_name(path).code
    reason = _code_problem(code)
    if code is None or reason:
        raise DataUnusable(f"{path}: {reason}.")
    return timeframes.parse(code)


def spec_of(path: Path, options: FileOptions) -> InstrumentSpec:
    """The instrument of the file's bars: options, else the name and the folder.

    Raises: DataUnusable when no symbol is to be found.
    """
    parts = parse_name(path)
    asset_class = options.asset_class or _folder_class(path)
    symbol = options.symbol or _own_symbol(parts.symbol, asset_class)
    if symbol is None:
        raise DataUnusable(f"{path}: {_NO_SYMBOL}.")
    venue = options.venue or parts.venue or _UNKNOWN_VENUE
    return InstrumentSpec(
        symbol, venue, asset_class or guess_asset_class(split_pair(symbol)), calendar=options.calendar
    )


def parse_name(path: Path) -> NameParts:
    """What the file's name says.

    Guarantees: `1M` is a month and never taken for `1m`, a minute.
    """
    stem = path.name.removesuffix(suffix_of(path) or "")
    instrument, _, origin = stem.partition("__")
    venue = re.split("[-_]", origin)[0].lower() or None
    match = _NAME.fullmatch(instrument)
    if match:
        return NameParts(match["symbol"], _own_code(match["code"]), venue)
    return NameParts(instrument if _BARE_SYMBOL.fullmatch(instrument) else None, None, venue)


def suffix_of(path: Path) -> str | None:
    """The suffix that makes the file one of ours, as written, else None."""
    for suffix in SUFFIXES:
        if path.name.lower().endswith(suffix):
            return path.name[-len(suffix) :]
    return None


_NO_SYMBOL = "its name holds no symbol; give --symbol"
_NO_TIMEFRAME = "its name holds no timeframe; give --timeframe"


def _check(options: FileOptions) -> None:
    if options.timeframe is not None:
        timeframes.parse(options.timeframe)
    if options.asset_class is not None and options.asset_class not in ASSET_CLASSES:
        known = ", ".join(ASSET_CLASSES)
        raise UsageInvalid(f"{options.asset_class!r} is no asset class. Use one of {known}.")


def _candidates(paths: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
    """Every file to look at, and whether the user named it directly."""
    for path in paths:
        if path.is_dir():
            yield from ((found, False) for found in _files_below(path))
        else:
            yield path, True


def _files_below(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if suffix_of(path) and not path.name.startswith("."))
    return sorted(path for path in found if path.is_file())


def _reason_to_skip(path: Path, options: FileOptions, is_named: bool) -> str | None:
    if not path.is_file():
        return "there is no such file"
    if suffix_of(path) is None:
        return f"only {', '.join(SUFFIXES)} can be read"
    code = parse_name(path).code
    if not is_named and options.timeframe and code and code != options.timeframe:
        return f"its timeframe is {code} by its name, not {options.timeframe}"
    return _code_problem(options.timeframe or code) or _symbol_problem(path, options)


def _code_problem(code: str | None) -> str | None:
    if code is None:
        return _NO_TIMEFRAME
    ours = [timeframe.code for timeframe in timeframes.TIMEFRAMES]
    return None if code in ours else f"its timeframe {code} is not one of {', '.join(ours)}"


def _symbol_problem(path: Path, options: FileOptions) -> str | None:
    return None if options.symbol or parse_name(path).symbol else _NO_SYMBOL


def _nothing_usable(paths: Sequence[Path], skipped: dict[Path, str]) -> str:
    where = ", ".join(str(path) for path in paths) or "the paths given"
    if not skipped:
        return f"No usable file in {where}: there is no {', '.join(SUFFIXES)} file."
    first, reason = next(iter(skipped.items()))
    more = f" ({len(skipped)} skipped)" if len(skipped) > 1 else ""
    return f"No usable file in {where}: {first.name}: {reason}{more}."


def _own_code(code: str) -> str:
    """`1H` → `1h`, `1D` → `1d`; an `M` stays, since it means a month."""
    return code if code.endswith("M") else code.lower()


def _own_symbol(text: str | None, asset_class: str | None) -> str | None:
    if text is None:
        return None
    return split_pair(text) if asset_class is None or asset_class in _PAIRED_CLASSES else text.upper()


def _folder_class(path: Path) -> str | None:
    for parent in path.resolve().parents:
        if parent.name.lower() in _FOLDER_CLASSES:
            return _FOLDER_CLASSES[parent.name.lower()]
    return None
