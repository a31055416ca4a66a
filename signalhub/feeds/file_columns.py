"""Tables out of files: text lines or parquet rows, with the columns we know under our own names.

A csv is read as plain lines and split here, not by a csv reader: so each row keeps its line number and its
text, and a row with too many or too few fields is one bad row instead of a bad file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from signalhub.errors import DataUnusable
from signalhub.feeds.file_names import suffix_of

ALIASES: dict[str, tuple[str, ...]] = {
    "time": ("ts", "timestamp", "datetime", "open_at", "open_time", "date", "time"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "vol", "v"),
    "turnover": ("turnover", "quote_volume", "quote_asset_volume"),
}
"""Our column → the names it goes by in files, the clearer ones first."""
REQUIRED = ("time", "open", "high", "low", "close")
NUMBERS = ("open", "high", "low", "close", "volume", "turnover")

_SEPARATORS = (",", ";", "\t", "|")
_NO_SEPARATOR = "\x01"
"""Stands for "do not split" while lines are read: a byte that no text file holds."""


def read_table(path: Path) -> pl.DataFrame:
    """The rows of a file, as they stand there.

    Shape: line (Int64), content (String, null for parquet), fields_off (Int64: fields more than in the
    header, negative for fewer), then raw_<column> for each of ALIASES that holds something, as it stands.
    Raises: DataUnusable when the file cannot be read, is empty or lacks columns.
    """
    is_parquet = (suffix_of(path) or "").lower() == ".parquet"
    table = _read_parquet(path) if is_parquet else _read_csv(path)
    if table.is_empty():
        raise DataUnusable(f"{path} is empty: it holds no rows.")
    return table.drop(name for name in ("raw_volume", "raw_turnover") if _is_blank(table, name))


def recognise(names: Sequence[str]) -> dict[str, str]:
    """Our columns → the file's names for them, without regard to case, spaces and quotes."""
    known: dict[str, str] = {}
    for name in names:
        known.setdefault(_plain(name), name)
    candidates = {column: [known[name] for name in names if name in known] for column, names in ALIASES.items()}
    return {column: present[0] for column, present in candidates.items() if present}


def _is_blank(table: pl.DataFrame, name: str) -> bool:
    """Whether a column is there without a single value, as a mark price's volume is."""
    raw = table[name] if name in table.columns else pl.Series([0])
    return raw.null_count() == len(raw) or (raw.dtype == pl.String and bool((raw.fill_null("") == "").all()))


def _plain(name: str) -> str:
    return name.strip("\ufeff \t\r\"'<>").lower().replace(" ", "_")


def _check(path: Path, names: Sequence[str]) -> dict[str, str]:
    found = recognise(names)
    missing = [column for column in REQUIRED if column not in found]
    if missing:
        shown = ", ".join(name.strip()[:20] for name in names[:8])
        raise DataUnusable(
            f"{path} has no column for {', '.join(missing)}. The first line names: {shown}. "
            f"Expected a header such as ts,open,high,low,close,volume."
        )
    if _plain(found["time"]) == "date" and "time" in map(_plain, names):
        raise DataUnusable(f"{path} holds its times in two columns, date and time. Join them into one.")
    return found


def _read_parquet(path: Path) -> pl.DataFrame:
    try:
        frame = pl.read_parquet(path, glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataUnusable(f"{path} cannot be read as parquet: {_first_line(error)}.") from error
    found = _check(path, frame.columns)
    _check_types(path, frame, found)
    raw = frame.select(pl.col(name).alias(f"raw_{column}") for column, name in found.items())
    fixed = (pl.lit(None, pl.String).alias("content"), pl.lit(0, pl.Int64).alias("fields_off"))
    return raw.with_row_index("line", offset=1).with_columns(pl.col("line").cast(pl.Int64), *fixed)


def _check_types(path: Path, frame: pl.DataFrame, found: dict[str, str]) -> None:
    for column in NUMBERS:
        kind = frame.schema[found[column]] if column in found else pl.Float64()
        if not (kind.is_numeric() or kind in (pl.String, pl.Null)):
            raise DataUnusable(f"{path}: column {found[column]} holds {kind}, not numbers.")


def _read_csv(path: Path) -> pl.DataFrame:
    lines = _read_lines(path)
    header = str(lines["content"][0])
    separator = max(_SEPARATORS, key=lambda mark: len(recognise(header.split(mark))))
    names = header.split(separator)
    return _split(lines[1:], separator, names, _check(path, names))


def _read_lines(path: Path) -> pl.DataFrame:
    """The lines that are not blank, numbered from 1; the header comes first."""
    try:
        lines = pl.read_csv(
            path,
            has_header=False,
            separator=_NO_SEPARATOR,
            quote_char=None,
            infer_schema=False,
            encoding="utf8-lossy",
            glob=False,
            new_columns=["content"],
            row_index_name="line",
            row_index_offset=1,
        )
    except pl.exceptions.NoDataError:
        raise DataUnusable(f"{path} is empty.") from None
    except pl.exceptions.PolarsError as error:
        raise DataUnusable(f"{path} is not a csv file: it holds no lines of text.") from error
    except OSError as error:
        raise DataUnusable(f"{path} cannot be read: {_first_line(error)}.") from error
    lines = lines.filter(pl.col("content").str.contains(r"\S")).with_columns(pl.col("line").cast(pl.Int64))
    if lines.is_empty():
        raise DataUnusable(f"{path} is empty.")
    return lines


def _split(lines: pl.DataFrame, separator: str, names: list[str], found: dict[str, str]) -> pl.DataFrame:
    marks = pl.col("content").str.count_matches(separator, literal=True).cast(pl.Int64)
    fields = _unquoted(lines).str.split_exact(separator, len(names) - 1).struct
    place = {column: names.index(name) for column, name in found.items()}
    raw = (fields.field(f"field_{index}").alias(f"raw_{column}") for column, index in place.items())
    return lines.with_columns((marks - (len(names) - 1)).alias("fields_off"), *raw)


def _unquoted(lines: pl.DataFrame) -> pl.Expr:
    content = pl.col("content")
    has_quotes = lines.select(content.str.contains('"', literal=True).any()).item()
    return content.str.replace_all('"', "", literal=True) if has_quotes else content


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
