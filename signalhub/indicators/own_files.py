"""Users' own indicators as files: NAME.sql (a head and one SELECT) or NAME.py (declares INDICATOR)."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl

from signalhub.errors import PluginInvalid
from signalhub.indicators.columns import INDICATOR_COLUMNS

MOST_LOOKBACK = 1000
BAR_COLUMNS = ("open", "high", "low", "close", "volume")
_RESERVED = {*INDICATOR_COLUMNS, *BAR_COLUMNS, "instrument_id", "timeframe", "open_at", "close_at", "symbol", "n"}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
_HEAD = re.compile(r"^--\s*(what|unit|lookback|columns):[ \t]*(\S.*?)\s*$", re.MULTILINE)
_EXAMPLE = "`-- what: …`, `-- unit: …`, `-- lookback: 19`, `-- columns: a, b`"

Function = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True)
class OwnIndicator:
    """What a Python file declares as INDICATOR.

    Shape: `function` gets one instrument's bars of one timeframe, oldest first (open_at, open, high, low, close,
    volume), and gives a frame of `columns`, a row for each. Stored is the last row of what it makes of a bar and the
    `lookback_bars` before it: always of so many, so that values do not depend on when they are computed.
    """

    what: str
    unit: str
    columns: Sequence[str]
    lookback_bars: int
    function: Function


@dataclass(frozen=True)
class Own:
    """An indicator file that was read; `indicators.own_checks` says whether what it computes is sound."""

    path: Path
    what: str
    unit: str
    columns: tuple[str, ...]
    lookback_bars: int
    sha256: str
    source: str | Function
    """The SELECT, or the function."""

    @property
    def name(self) -> str:
        """The file's name: the indicator's, and its table's in schema `own`."""
        return self.path.stem

    def window_words(self, off: float) -> str:
        """What its window does to its values: nothing where that is all it looks at."""
        return f"{self.lookback_bars + 1} bars" + (f", {off:.1g} off what a longer history gives" if off > 1e-9 else "")

    def refused(self, problem: str) -> PluginInvalid:
        """The error that names the file."""
        return PluginInvalid(f"{self.path}: {problem}")


@cache
def read(folder: Path | None) -> tuple[Own, ...]:
    """The indicators of a folder, by name; what begins with _ is left out. Read once per process.

    Raises: PluginInvalid, naming the file, what is wrong with it and what to do.
    """
    if folder is None:
        return ()
    if not folder.is_dir():
        raise PluginInvalid(f"SIGNALHUB_OWN_INDICATORS is {folder}, which is no folder: make it, or unset the setting.")
    paths = [path for path in sorted(folder.iterdir()) if path.suffix in (".sql", ".py") and path.name[0] not in "._"]
    found = tuple(_read_sql(path) if path.suffix == ".sql" else _read_python(path) for path in paths)
    _refuse_twins(found)
    return found


def _read_sql(path: Path) -> Own:
    text = _text(path)
    head = dict(_HEAD.findall(text))
    if missing := [key for key in ("what", "unit", "lookback", "columns") if key not in head]:
        raise PluginInvalid(f"{path}: its head lacks {', '.join(missing)}: begin it with {_EXAMPLE}.")
    columns = [name.strip() for name in head["columns"].split(",")]
    lookback = head["lookback"].removesuffix("bars").strip()
    number = int(lookback) if lookback.isdecimal() else -1
    return _made(path, OwnIndicator(head["what"], head["unit"], columns, number, _no_function), text)


def _no_function(bars: pl.DataFrame) -> pl.DataFrame:
    return bars


def _read_python(path: Path) -> Own:
    text = _text(path)
    spec = importlib.util.spec_from_file_location(f"signalhub_own_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise PluginInvalid(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    declared = getattr(module, "INDICATOR", None)
    if not isinstance(declared, OwnIndicator) or not callable(declared.function):
        raise PluginInvalid(
            f"{path} declares no INDICATOR = OwnIndicator(what, unit, columns, lookback_bars, function)."
        )
    return _made(path, declared, text)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PluginInvalid(f"{path} cannot be read as text: {error}") from error


def _made(path: Path, declared: OwnIndicator, text: str) -> Own:
    source = text.strip().rstrip(";") if path.suffix == ".sql" else declared.function
    columns, digest = tuple(declared.columns), hashlib.sha256(text.encode()).hexdigest()
    own = Own(path, declared.what, declared.unit, columns, declared.lookback_bars, digest, source)
    if not _NAME.fullmatch(own.name) or own.name == "definitions":
        raise own.refused("its name cannot be a table's: use a-z, 0-9 and _, a letter first, at most 48.")
    for name in columns or ("",):
        if not _NAME.fullmatch(name):
            raise own.refused(f"{name!r} cannot be a column: use a-z, 0-9 and _, a letter first, at most 48.")
        if name in _RESERVED:
            raise own.refused(f"the column {name} is there already among ours: give it another name.")
    if not 0 <= own.lookback_bars <= MOST_LOOKBACK:
        raise own.refused(f"lookback is a whole number of bars from 0 to {MOST_LOOKBACK}: how many before its own.")
    return own


def _refuse_twins(found: Iterable[Own]) -> None:
    columns = Counter(name for own in found for name in own.columns)
    names = Counter(own.name for own in found)
    for own in found:
        if names[own.name] > 1:
            raise own.refused("another file has the same name: rename one of them.")
        if twins := [name for name in own.columns if columns[name] > 1]:
            raise own.refused(f"the column {twins[0]} is there twice among your indicators: rename one of them.")
