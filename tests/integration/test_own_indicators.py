"""Users' own indicators: any history of writes ends in the rows of one computation, each of its own window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from signalhub.bars import retention
from signalhub.bars.retention import Keeping
from signalhub.db import derived
from signalhub.db.engine import Database
from signalhub.domain.timeframe import H1, M15
from signalhub.indicators import own, own_files
from signalhub.jobs import pipeline
from tests.conftest import scale
from tests.integration.test_indicator_store import in_random_pieces
from tests.market import MONDAY, NEXT_YEAR, add_instrument, at, bar, frame, put, random_bars, rows

RECURSIVE = """\
-- what: an EMA that never forgets, and a mean
-- unit: price
-- lookback: 40
-- columns: my_ema, my_mean
SELECT
    instrument_id, open_at, ta.ema(close, 5) OVER w AS my_ema,
    avg(close) OVER (PARTITION BY instrument_id ORDER BY open_at ROWS 2 PRECEDING) AS my_mean
FROM bars WINDOW w AS (PARTITION BY instrument_id ORDER BY open_at);
"""
PYTHON = """\
import polars as pl
import talib
from signalhub.indicators.own_files import OwnIndicator


def function(bars):
    values = talib.EMA(bars["close"].to_numpy(), 5)
    return bars.select(my_talib=pl.Series(values), way=pl.col("close").diff().abs().rolling_sum(4))


INDICATOR = OwnIndicator("an EMA", "price", ("my_talib", "way"), 30, function)
"""
FILES = {"settling.sql": RECURSIVE, "python_one.py": PYTHON}


@pytest.fixture(autouse=True)
def _as_in_a_new_process() -> Iterator[None]:
    own_files.read.cache_clear()
    yield
    own_files.read.cache_clear()


def with_files(database: Database, folder: Path, **files: str) -> Database:
    """The database with a folder of these files, as a new process sees it."""
    own_files.read.cache_clear()
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return replace(database, own_indicators=folder)


def refresh(database: Database) -> None:
    pipeline.refresh(database, NEXT_YEAR)


def stored(database: Database, name: str, columns: str) -> list[dict[str, Any]]:
    """Rows as text, which is exact for floats."""
    query = (
        f"SELECT instrument_id, timeframe, open_at, ROW({columns})::text AS content FROM own.{name} ORDER BY 1, 2, 3"
    )
    return rows(database, query)


def everything(database: Database) -> list[list[dict[str, Any]]]:
    return [stored(database, "settling", "my_ema, my_mean"), stored(database, "python_one", "my_talib, way")]


def shown(database: Database) -> set[str]:
    return {row["indicator"] for row in rows(database, "SELECT DISTINCT indicator FROM analytics.own_indicators")}


@pytest.mark.parametrize("seed", range(max(1, round(8 * scale()))))
def test_any_history_of_writes_ends_in_the_rows_of_one_computation(
    database: Database, tmp_path: Path, seed: int
) -> None:
    database = with_files(database, tmp_path, **FILES)
    btc, eth = add_instrument(database), add_instrument(database, "ETH/USDT")
    bars = pl.concat(
        [random_bars(seed, btc, MONDAY, M15, 500, keep=0.9), random_bars(seed + 100, eth, at("6"), M15, 300)]
    )
    for piece in in_random_pieces(bars, seed):
        put(database, piece, timeframe=M15)
        refresh(database)
    piecemeal = everything(database)
    with database.transaction() as connection:
        connection.execute("DROP SCHEMA own CASCADE")
    refresh(database)
    assert everything(database) == piecemeal
    assert {row["timeframe"] for row in piecemeal[0]} == {"15m", "1h"}
    assert shown(database) == {"settling", "python_one"}


def test_a_value_is_that_of_its_own_window_however_the_history_is_cut_into_slices(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = with_files(database, tmp_path, **FILES)
    btc = add_instrument(database)
    put(database, random_bars(3, btc, MONDAY, H1, 120, keep=1.0), timeframe=H1)
    monkeypatch.setattr(own, "_ROWS", 41 * 7)
    refresh(database)
    opens = rows(database, "SELECT open_at FROM market.bars ORDER BY 1")
    got = rows(database, "SELECT open_at, my_ema FROM own.settling WHERE timeframe = '1h' ORDER BY 1")
    assert [row["open_at"] for row in got] == [row["open_at"] for row in opens[40:]]
    window = """
        SELECT ta.ema(x.close, 5) OVER (ORDER BY x.open_at) AS value FROM (
            SELECT b.open_at, b.close FROM market.bars AS b WHERE b.open_at <= %s ORDER BY b.open_at DESC LIMIT 41
        ) AS x ORDER BY x.open_at DESC LIMIT 1
    """
    for row in got[::9]:
        assert rows(database, window, (row["open_at"],)) == [{"value": row["my_ema"]}]


def test_the_view_shows_a_row_for_each_column_to_an_analyst(database: Database, tmp_path: Path) -> None:
    database = with_files(database, tmp_path, **FILES)
    put(database, random_bars(3, add_instrument(database), MONDAY, H1, 50, keep=1.0), timeframe=H1)
    refresh(database)
    with database.transaction() as connection:
        connection.execute("SET LOCAL ROLE signalhub_analyst")
        found = connection.execute(
            "SELECT symbol, timeframe, close_at - open_at, indicator, column_name, count(value) "
            "FROM analytics.own_indicators GROUP BY 1, 2, 3, 4, 5 ORDER BY 4, 5"
        ).fetchall()
    hour = timedelta(hours=1)
    assert found == [
        ("BTC/USDT", "1h", hour, "python_one", "my_talib", 20),
        ("BTC/USDT", "1h", hour, "python_one", "way", 20),
        ("BTC/USDT", "1h", hour, "settling", "my_ema", 10),
        ("BTC/USDT", "1h", hour, "settling", "my_mean", 10),
    ]


def test_a_changed_file_is_computed_from_the_first_bar_on_and_may_have_other_columns(
    database: Database, tmp_path: Path
) -> None:
    database = with_files(database, tmp_path, **FILES)
    put(database, random_bars(3, add_instrument(database), MONDAY, H1, 60, keep=1.0), timeframe=H1)
    refresh(database)
    before = stored(database, "settling", "my_ema")
    database = with_files(database, tmp_path, **{"settling.sql": RECURSIVE.replace("(close, 5)", "(close, 6)")})
    refresh(database)
    assert len(before) == len(stored(database, "settling", "my_ema"))
    assert before != stored(database, "settling", "my_ema")
    database = with_files(database, tmp_path, **{"settling.sql": RECURSIVE.replace("my_ema", "mine")})
    refresh(database)
    assert stored(database, "settling", "mine") == before
    assert shown(database) == {"settling", "python_one"}


def test_one_that_was_away_is_not_shown_and_is_made_again_when_it_comes_back(
    database: Database, tmp_path: Path
) -> None:
    alone, database = database, with_files(database, tmp_path, **FILES)
    btc = add_instrument(database)
    put(database, random_bars(3, btc, MONDAY, H1, 60, keep=1.0), timeframe=H1)
    refresh(database)
    put(database, frame([bar(btc, at("5 20:00"), price=130)]), timeframe=H1)
    refresh(alone)
    assert shown(database) == set()
    refresh(database)
    assert shown(database) == {"settling", "python_one"}
    repaired = everything(database)
    with database.transaction() as connection:
        connection.execute("DROP SCHEMA own CASCADE")
    refresh(database)
    assert everything(database) == repaired


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("fragile.sql", RECURSIVE.replace("avg(close)", "1 / avg(open - 101)").replace("ROWS 2", "ROWS 0")),
        ("fragile.py", PYTHON.replace("    values", "    assert bars['close'].max() < 150\n    values")),
    ],
)
def test_one_that_fails_on_real_bars_stops_nobody_else(
    database: Database, tmp_path: Path, name: str, text: str
) -> None:
    text = text.replace("my_", "your_").replace("way", "yours")
    database = with_files(database, tmp_path, **FILES, **{name: text})
    btc = add_instrument(database)
    put(database, random_bars(3, btc, MONDAY, H1, 60, keep=1.0), timeframe=H1)
    put(database, frame([bar(btc, at("6 12:00"), price=160 if name == "fragile.py" else 101)]), timeframe=H1)
    refresh(database)
    assert shown(database) == {"settling", "python_one"}
    problem = rows(database, "SELECT problem FROM own.definitions WHERE problem IS NOT NULL")[0]["problem"]
    assert "division by zero" in problem or "AssertionError" in problem
    assert rows(database, "SELECT 1 FROM market.dirty_ranges WHERE to_at <= %s", (NEXT_YEAR,)) == []


def test_rows_go_when_ours_go_and_those_whose_window_is_gone_stay(database: Database, tmp_path: Path) -> None:
    database = with_files(database, tmp_path, **FILES)
    btc = add_instrument(database)
    put(database, random_bars(3, btc, MONDAY, H1, 1400, keep=1.0), timeframe=H1)
    refresh(database)
    before = everything(database)
    now = MONDAY + timedelta(hours=1400)
    retention.drop_expired(database, Keeping({H1: 20}), now)
    put(database, frame([bar(btc, now - timedelta(days=19), price=103)]), timeframe=H1)
    refresh(database)
    assert [[row["open_at"] for row in table] for table in everything(database)] == [
        [row["open_at"] for row in table] for table in before
    ]
    retention.drop_expired(database, Keeping({}, indicators=10), now)
    own.drop_expired(database)
    kept_from = rows(database, "SELECT max(kept_from) AS at FROM market.retention WHERE relation LIKE '%%indicators'")
    assert {row["open_at"] >= kept_from[0]["at"] for row in everything(database)[0]} == {True}


def test_the_view_shows_them_again_after_a_migration_made_it_anew(database: Database, tmp_path: Path) -> None:
    database = with_files(database, tmp_path, **FILES)
    put(database, random_bars(3, add_instrument(database), MONDAY, H1, 50, keep=1.0), timeframe=H1)
    refresh(database)
    with database.transaction() as connection:
        connection.execute("UPDATE market.derived_objects SET sha256 = '' WHERE path LIKE '%own_indicators.sql'")
        assert derived.sync(connection) == ["3_views/32_own_indicators.sql"]
    assert shown(database) == set()
    refresh(database)
    assert shown(database) == {"settling", "python_one"}
