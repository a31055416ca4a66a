"""A file of a user's own indicator that is not sound is refused with a line that says which, why and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from signalhub.db.engine import Database
from signalhub.errors import PluginInvalid
from signalhub.indicators import own, own_files
from signalhub.indicators.own_values import answer

HEAD = "-- what: a mean\n-- unit: price\n-- lookback: 3\n-- columns: mine\n"
OVER = "OVER (PARTITION BY instrument_id ORDER BY open_at ROWS 3 PRECEDING)"
SELECT = f"SELECT instrument_id, open_at, avg(close) {OVER} AS mine FROM bars"
PYTHON = """\
import polars as pl
from signalhub.indicators.own_files import OwnIndicator

def function(bars):
    return {answer}

INDICATOR = OwnIndicator("a mean", "price", {columns}, {lookback}, function)
"""
MEAN = "bars.select(mine=pl.col('close').rolling_mean(4))"


def of_sql(select: str, head: str = HEAD) -> dict[str, str]:
    return {"one.sql": head + select}


def of_python(found: str = MEAN, columns: str = '("mine",)', lookback: int = 3) -> dict[str, str]:
    return {"one.py": PYTHON.format(answer=found, columns=columns, lookback=lookback)}


def expression(value: str) -> dict[str, str]:
    return of_sql(SELECT.replace(f"avg(close) {OVER}", value))


REFUSED = {
    "no head": (of_sql(SELECT, "-- what: a mean\n"), "its head lacks unit, lookback, columns"),
    "no number": (of_sql(SELECT, HEAD.replace("3", "some")), "lookback is a whole number"),
    "too far back": (of_sql(SELECT, HEAD.replace("3", "1001")), "from 0 to 1000"),
    "a name of ours": (of_sql(SELECT.replace("mine", "rsi_14"), HEAD.replace("mine", "rsi_14")), "among ours"),
    "a name that is none": (of_sql(SELECT, HEAD.replace("mine", "My Column")), "'My Column' cannot be a column"),
    "a file's name": ({"One.sql": HEAD + SELECT}, "cannot be a table's"),
    "the name of our table": ({"definitions.sql": HEAD + SELECT}, "cannot be a table's"),
    "two of a name": (of_sql(SELECT) | of_python(columns='("other",)'), "another file has the same name"),
    "two of a column": (of_sql(SELECT) | {"two.sql": HEAD + SELECT}, "column mine is there twice"),
    "no SQL": (of_sql("SELECT FROM WHERE"), "PostgreSQL says: syntax error"),
    "two statements": (of_sql(SELECT + ") AS x; DROP TABLE market.bars; SELECT (1"), "Write one SELECT"),
    "no SELECT": (of_sql("DELETE FROM market.bars RETURNING 1"), "Write one SELECT"),
    "another table": (expression("(SELECT count(*) FROM market.bars)"), "reads market.bars: it may read bars alone"),
    "a catalogue": (expression("(SELECT count(*) FROM pg_class)"), "reads pg_class"),
    "the windows": (expression("(SELECT count(*) FROM market.own_windows)"), "does not exist"),
    "chance": (expression("close + random()"), "calls random(), which is not IMMUTABLE"),
    "now": (expression("date_part('epoch', now() - open_at)"), "calls now()"),
    "the time zone": (expression("date_part('hour', open_at)"), "which is not IMMUTABLE"),
    "the present": (expression("close * length(CURRENT_USER::text)"), "asks for the present or the session"),
    "other columns": (of_sql(SELECT.replace("mine", "yours")), "give instrument_id, open_at, mine"),
    "no open_at": (of_sql(SELECT.replace("open_at, avg", "1 AS open_at, avg")), "the keys as they are"),
    "text": (expression("'high'::text"), "the column mine is text, no number"),
    "a later bar": (expression("lead(close) OVER (PARTITION BY instrument_id ORDER BY open_at)"), "later bars come"),
    "the whole": (expression("avg(close) OVER (PARTITION BY instrument_id)"), "look at earlier bars only"),
    "all instruments": (expression("avg(close) OVER (ORDER BY open_at ROWS 3 PRECEDING)"), "PARTITION BY"),
    "two rows": (of_sql(f"{SELECT} UNION ALL {SELECT}"), "two rows for one bar"),
    "a flat bar": (expression("(close - low) / (high - low)"), "division by zero"),
    "too short": (expression("lag(close, 4) OVER (PARTITION BY instrument_id ORDER BY open_at)"), "raise lookback"),
    "no Python": ({"one.py": "import nothing_of_the_kind"}, "cannot be imported: ModuleNotFoundError"),
    "nothing declared": ({"one.py": "INDICATOR = 1"}, "declares no INDICATOR"),
    "an error": (of_python("1 / 0"), "fails on made-up bars, flat ones among them: ZeroDivisionError"),
    "no frame": (of_python("bars['close']"), "gives a Series"),
    "no column": (of_python("bars.select('close')"), "gives no column mine"),
    "other rows": (of_python("bars.select(mine=pl.col('close').mean())"), "1 rows for"),
    "no value yet": (of_python(MEAN.replace("4", "5")), "no value after 3 bars"),
    "a later bar in Python": (of_python("bars.select(mine=pl.col('close').shift(-1))"), "later bars come"),
    "the whole in Python": (of_python("bars.select(mine=pl.col('close') / pl.col('close').max())"), "later bars"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _as_in_a_new_process() -> Iterator[None]:
    own_files.read.cache_clear()
    yield
    own_files.read.cache_clear()


def in_folder(database: Database, folder: Path, files: dict[str, str]) -> Database:
    for name, text in files.items():
        (folder / name).write_text(text)
    return replace(database, own_indicators=folder)


def told(database: Database, folder: Path, files: dict[str, str]) -> str:
    """What the refusal says after the file's name; nothing where there is none."""
    own_files.read.cache_clear()
    folder.mkdir()
    try:
        own.ready(in_folder(database, folder, files))
    except PluginInvalid as refused:
        return next(iter(str(refused).split(f"{folder / name}", 1)[1] for name in files if name in str(refused)), "")
    return ""


def test_what_is_not_sound_is_refused_with_its_file_and_what_to_do(database: Database, tmp_path: Path) -> None:
    found = {what: told(database, tmp_path / what, files) for what, (files, _) in REFUSED.items()}
    wrong = {what: line for what, line in found.items() if REFUSED[what][1] not in line or "\n" in line}
    assert wrong == {}


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PluginInvalid, match=r"SIGNALHUB_OWN_INDICATORS is .*, which is no folder"):
        own_files.read(tmp_path / "nowhere")


def test_how_far_a_window_is_off_is_told_where_it_is(database: Database, tmp_path: Path) -> None:
    ema = "ta.ema(close, 10) OVER (PARTITION BY instrument_id ORDER BY open_at)"
    files = of_sql(SELECT) | {
        "off.sql": HEAD.replace("mine", "ema_of_mine").replace("3", "30") + expression(ema)["one.sql"]
        .removeprefix(HEAD).replace("mine", "ema_of_mine"),
        "_notes.sql": "not looked at", "readme.md": "nor this",
    }  # fmt: skip
    (ema_one, off), (exact, nothing) = own.ready(in_folder(database, tmp_path, files))
    assert (exact.name, exact.window_words(nothing)) == ("one", "4 bars")
    assert 1e-9 < off < 0.01
    assert ema_one.window_words(off).startswith("31 bars, ")


def test_what_is_not_finite_is_null(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(PYTHON.format(answer=MEAN, columns='("mine",)', lookback=3))
    (found,) = own_files.read(tmp_path)
    odd = replace(found, source=lambda bars: bars.rename({"close": "mine"}))
    bars = pl.DataFrame({"close": [float("nan"), float("inf"), 1.0, None]})
    assert answer(odd, bars)["mine"].to_list() == [None, None, 1.0, None]
