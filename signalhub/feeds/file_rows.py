"""Row by row: which rows of a file are bars, and what is wrong with each of the others."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from signalhub.domain.bar import BAR_SCHEMA, PRICES
from signalhub.domain.timeframe import Timeframe
from signalhub.feeds.file_columns import NUMBERS

REJECT_SCHEMA: dict[str, pl.DataType] = {"line": pl.Int64(), "reason": pl.String(), "content": pl.String()}
"""One row per rejected row: line in the file (the header is line 1; parquet: its row), why, its text."""

Fault = tuple[pl.Expr, pl.Expr]
"""A condition that must not hold, and the wording for a row on which it does."""

_SHOWN_CHARACTERS = 300


def with_numbers(table: pl.DataFrame) -> pl.DataFrame:
    """The table of file_columns with a float for every number, null where the text is none.

    A file without volume has volume 0; one without turnover has none.
    """
    return table.with_columns(_number(table, column) for column in NUMBERS)


def judge(table: pl.DataFrame, timeframe: Timeframe, now: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bars (BAR_SCHEMA, ascending, unique) and rejects (REJECT_SCHEMA, by line) of a table with its values.

    Guarantees: each row becomes one or the other; of several rows of one time the first good one stays.
    """
    faults = _faults(table, timeframe, now)
    is_bad = pl.any_horizontal(found for found, _ in faults).fill_null(False)
    marked = table.with_columns(is_bad.alias("is_bad"))
    good = marked.filter(~pl.col("is_bad")) if marked["is_bad"].any() else marked
    is_first = _is_first(good["open_at"])
    bars = (good if is_first.all() else good.filter(is_first)).select(*BAR_SCHEMA)
    rejects = [
        _rejects(marked.filter("is_bad"), faults),
        _rejects(good.filter(~is_first), [(pl.lit(True), _told("duplicate time", "open_at"))]),
    ]
    return bars if bars["open_at"].is_sorted() else bars.sort("open_at"), pl.concat(rejects).sort("line")


def _number(table: pl.DataFrame, column: str) -> pl.Series:
    if f"raw_{column}" not in table.columns:
        absent = 0.0 if column == "volume" else None
        return pl.repeat(absent, table.height, dtype=pl.Float64, eager=True).alias(column)
    raw = table[f"raw_{column}"]
    number = raw.cast(pl.Float64, strict=False)
    if raw.dtype == pl.String and number.null_count():
        number = raw.str.strip_chars().cast(pl.Float64, strict=False)
    return number.alias(column)


def _is_first(open_at: pl.Series) -> pl.Series:
    """Whether each time stands there for the first time; cheap where times ascend."""
    if bool((open_at.diff().dt.total_microseconds().drop_nulls() > 0).all()):
        return pl.repeat(True, len(open_at), dtype=pl.Boolean, eager=True)
    return open_at.is_first_distinct()


def _rejects(bad: pl.DataFrame, faults: list[Fault]) -> pl.DataFrame:
    """The wording of the first fault of each bad row. Wording is slow, so only bad rows come here."""
    told = pl.coalesce(pl.when(found.fill_null(False)).then(wording) for found, wording in faults)
    raw = pl.concat_str(pl.col("^raw_.*$").cast(pl.String), separator=",", ignore_nulls=True)
    content = pl.coalesce("content", raw).str.slice(0, _SHOWN_CHARACTERS)
    return bad.select("line", told.alias("reason"), content.alias("content"))


def _faults(table: pl.DataFrame, timeframe: Timeframe, now: datetime) -> list[Fault]:
    """Everything that can be wrong with a row, the most telling first."""
    given = [column for column in NUMBERS if f"raw_{column}" in table.columns]
    numbers = [fault for column in given for fault in _number_faults(column)]
    return [*_field_faults(), *numbers, *_shape_faults(), *_clock_faults(timeframe, now)]


def _field_faults() -> list[Fault]:
    surplus, problem = pl.col("fields_off"), pl.col("time_problem")
    time = pl.when(_is_blank("time")).then(problem).otherwise(_told(problem, "raw_time"))
    return [
        (surplus > 0, pl.format("fields too many for the header: {}", surplus)),
        (surplus < 0, pl.format("fields too few for the header: {}", -surplus)),
        (pl.col("open_at").is_null(), time),
    ]


def _number_faults(column: str) -> list[Fault]:
    is_null, raw = pl.col(column).is_null(), f"raw_{column}"
    if column == "turnover":
        is_null = is_null & ~_is_blank(column)
    unread = pl.when(_is_blank(column)).then(pl.lit(f"{column} is missing"))
    return [
        (is_null, unread.otherwise(_told(f"{column} is not a number", raw))),
        (~pl.col(column).is_finite(), _told(f"{column} is not finite", raw)),
    ]


def _shape_faults() -> list[Fault]:
    price, high, low = pl.min_horizontal(PRICES), pl.col("high"), pl.col("low")
    return [
        (price <= 0, _told("price is not positive", price)),
        (pl.col("volume") < 0, _told("volume is negative", "volume")),
        (pl.col("turnover") < 0, _told("turnover is negative", "turnover")),
        (high < low, pl.format("high {} is below low {}", high, low)),
        (high < pl.max_horizontal("open", "close"), _told("high is below open or close", "high")),
        (low > pl.min_horizontal("open", "close"), _told("low is above open or close", "low")),
    ]


def _clock_faults(timeframe: Timeframe, now: datetime) -> list[Fault]:
    open_at, close_at = pl.col("open_at"), pl.col("open_at") + timeframe.span
    nearest = (open_at + timeframe.span / 2).dt.truncate(timeframe.code)
    off_grid = pl.format("off the {} grid: the nearest open is {}", pl.lit(timeframe.code), _iso(nearest))
    return [
        (open_at.dt.epoch("us") % (timeframe.seconds * 1_000_000) != 0, off_grid),
        (close_at > now, pl.format("bar not closed yet: it closes at {}", _iso(close_at))),
    ]


def _is_blank(column: str) -> pl.Expr:
    return pl.col(f"raw_{column}").cast(pl.String).str.strip_chars().fill_null("") == ""


def _told(what: str | pl.Expr, value: str | pl.Expr) -> pl.Expr:
    shown = _iso(pl.col("open_at")) if isinstance(value, str) and value == "open_at" else value
    return pl.format("{}: {}", pl.lit(what) if isinstance(what, str) else what, shown)


def _iso(instant: pl.Expr) -> pl.Expr:
    return instant.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
