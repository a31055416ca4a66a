"""Bar times out of files: epoch numbers of any unit, ISO texts with or without a zone, dates alone."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import polars as pl

from signalhub.domain.bar import OPEN_AT
from signalhub.errors import UsageInvalid

_CANONICAL = "%Y-%m-%dT%H:%M:%SZ"
_NAIVE = pl.Datetime("us")
_PARTS = (
    r"^\s*(?<day>\d{4}[-/]?\d{2}[-/]?\d{2})"
    r"(?:[T ]+(?<minute>\d{1,2}:\d{2})(?::(?<second>\d{2}(?:\.\d+)?))?)?"
    r"\s*(?<zone>Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?\s*$"
)
_COMPACT_DATES = (19000101, 21001231)
"""Numbers in this span are dates written 20240517, not epoch seconds of 1970."""
_PER_SECOND = {1: 1e11, 1_000: 1e14, 1_000_000: 1e17, 1_000_000_000: float("inf")}
"""Ticks per second of an epoch → the magnitude below which a number is one. 1e11 s is the year 5138."""
_LAST_SECOND = 253_402_300_799
"""The end of the year 9999, beyond which no time can be written."""

MISSING = "time is missing"
UNREADABLE = "time is not readable"
NO_ZONE = "time has no zone"
NOT_ON_CLOCKS = "time does not exist once in the time zone"


def read_times(raw: pl.Series, timezone: str | None, dates_suffice: bool) -> pl.DataFrame:
    """The instants of a column of times.

    Shape: open_at (UTC, null where there is a problem), time_problem (String, null where there is none).
    Guarantees: an epoch's unit is one for the whole column; `dates_suffice` takes dates alone as 00:00 UTC.
    Raises: UsageInvalid when `timezone` is unknown.
    """
    _check_zone(timezone)
    kind = raw.dtype
    if kind.is_numeric() and _is_epoch(raw):
        return _judged(_from_epoch(raw), raw)
    if kind.is_numeric() or kind == pl.String:
        return _from_text(raw.cast(pl.String), timezone, dates_suffice)
    if kind == pl.Date:
        return _from_naive(raw.cast(_NAIVE), "UTC" if dates_suffice else timezone)
    if isinstance(kind, pl.Datetime) and kind.time_zone:
        return _judged(raw.dt.convert_time_zone("UTC").cast(OPEN_AT), raw)
    if isinstance(kind, pl.Datetime):
        is_dates = dates_suffice and bool((raw.dt.time() == pl.Series([0]).cast(pl.Time)[0]).all())
        return _from_naive(raw.cast(_NAIVE), "UTC" if is_dates else timezone)
    return _judged(_no_times(len(raw)), raw)


def _check_zone(timezone: str | None) -> None:
    if timezone is None:
        return
    try:
        ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        known = "Use UTC or a name such as Europe/Berlin."
        raise UsageInvalid(f"{timezone!r} is no time zone. {known}") from None


def _no_times(count: int) -> pl.Series:
    return pl.repeat(None, count, dtype=OPEN_AT, eager=True)


def _judged(open_at: pl.Series, raw: pl.Series, problem: str = UNREADABLE) -> pl.DataFrame:
    """Instants beside the problem of each that is none."""
    if open_at.null_count() == 0:
        problems = pl.lit(None, pl.String)
    else:
        blank = pl.col("raw").is_null()
        if raw.dtype == pl.String:
            blank = blank | (pl.col("raw").str.strip_chars() == "")
        problems = pl.when(pl.col("open_at").is_null()).then(
            pl.when(blank).then(pl.lit(MISSING)).otherwise(pl.lit(problem))
        )
    frame = pl.DataFrame({"open_at": open_at, "raw": raw})
    return frame.select("open_at", problems.alias("time_problem"))


def _from_text(raw: pl.Series, timezone: str | None, dates_suffice: bool) -> pl.DataFrame:
    canonical = raw.str.to_datetime(_CANONICAL, strict=False, time_unit="us").dt.replace_time_zone("UTC")
    if canonical.null_count() == 0:
        return _judged(canonical, raw)
    if canonical.null_count() == len(raw) and _is_epoch(raw):
        return _judged(_from_epoch(raw), raw)
    others = canonical.is_null()
    judged = _from_parts(raw.filter(others), timezone, dates_suffice)
    open_at = canonical.scatter(others.arg_true(), judged["open_at"]).alias("open_at")
    problems = pl.repeat(None, len(raw), dtype=pl.String, eager=True).alias("time_problem")
    return pl.DataFrame([open_at, problems.scatter(others.arg_true(), judged["time_problem"])])


def _is_epoch(raw: pl.Series) -> bool:
    text = raw.str.strip_chars() if raw.dtype == pl.String else raw
    numbers = text.cast(pl.Float64, strict=False).drop_nulls()
    if len(numbers) * 2 <= len(raw) - raw.null_count():
        return False
    middle = numbers.median()
    return not (isinstance(middle, float) and _COMPACT_DATES[0] <= middle <= _COMPACT_DATES[1])


def _from_epoch(raw: pl.Series) -> pl.Series:
    """Whole numbers go by integers, since a float has no room for nanoseconds; only fractions go by float."""
    text = raw.str.strip_chars() if raw.dtype == pl.String else raw
    floats = text.cast(pl.Float64, strict=False)
    wholes = text.cast(pl.Int64, strict=False) if raw.dtype != pl.Float64 else None
    per_second = _ticks_per_second(floats)
    in_range = pl.col("floats").abs() <= _LAST_SECOND * per_second
    micros = (pl.col("floats") * (1_000_000 / per_second)).round().cast(pl.Int64, strict=False)
    if wholes is not None:
        exact = _scaled(pl.when(in_range).then(pl.col("wholes")), per_second)
        micros = pl.coalesce(exact, pl.when(in_range).then(micros))
    frame = pl.DataFrame({"floats": floats, "wholes": floats if wholes is None else wholes})
    return frame.select(pl.when(in_range).then(micros).cast(_NAIVE)).to_series().dt.replace_time_zone("UTC")


def _ticks_per_second(numbers: pl.Series) -> int:
    middle = numbers.filter(numbers.is_finite()).abs().median()
    magnitude = middle if isinstance(middle, float) else 0.0
    return next(ticks for ticks, below in _PER_SECOND.items() if magnitude < below)


def _scaled(whole: pl.Expr, per_second: int) -> pl.Expr:
    if per_second <= 1_000_000:
        return whole * (1_000_000 // per_second)
    return whole // (per_second // 1_000_000)


def _from_parts(raw: pl.Series, timezone: str | None, dates_suffice: bool) -> pl.DataFrame:
    parts = raw.to_frame("raw").select(pl.col("raw"), _local().alias("local"), *_zone_and_kind())
    offset = pl.when("is_date").then(0).otherwise("offset") if dates_suffice else pl.col("offset")
    local = parts.select("raw", "local", offset.alias("offset"))
    by_offset = local.select((pl.col("local") - pl.duration(minutes="offset")).dt.replace_time_zone("UTC"))
    without = local.select(pl.when(pl.col("offset").is_null()).then(pl.col("local"))).to_series()
    by_zone = _from_naive(without, timezone)
    open_at = by_offset.to_series().fill_null(by_zone["open_at"])
    judged = _judged(open_at, raw)
    problem = pl.when(without.is_null()).then(pl.col("time_problem")).otherwise(by_zone["time_problem"])
    return judged.with_columns(problem.alias("time_problem"))


def _groups() -> pl.Expr:
    return pl.col("raw").str.extract_groups(_PARTS)


def _local() -> pl.Expr:
    """The wall-clock reading, whatever its zone."""
    day = _groups().struct.field("day").str.replace_all("[-/]", "")
    minute = _groups().struct.field("minute").fill_null("00:00").str.zfill(5)
    second = _groups().struct.field("second").fill_null("00")
    text = pl.concat_str([day, minute, second], separator=" ")
    return text.str.to_datetime("%Y%m%d %H:%M %S%.f", strict=False, time_unit="us")


def _zone_and_kind() -> tuple[pl.Expr, pl.Expr]:
    """`offset` east of UTC in minutes, null without a zone; `is_date` for a date alone."""
    zone = _groups().struct.field("zone")
    hours = zone.str.extract(r"^([+-]\d{2})").cast(pl.Int64, strict=False)
    minutes = zone.str.extract(r"^[+-]\d{2}:?(\d{2})$").cast(pl.Int64, strict=False).fill_null(0)
    signed = hours * 60 + minutes * pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
    offset = pl.when(zone.is_not_null()).then(signed.fill_null(0)).alias("offset")
    is_date = _groups().struct.field("minute").is_null() & zone.is_null()
    return offset, is_date.alias("is_date")


def _from_naive(local: pl.Series, timezone: str | None) -> pl.DataFrame:
    if timezone is None:
        return _judged(_no_times(len(local)), local, NO_ZONE)
    zoned = local.dt.replace_time_zone(timezone, ambiguous="null", non_existent="null")
    return _judged(zoned.dt.convert_time_zone("UTC"), local, NOT_ON_CLOCKS)
