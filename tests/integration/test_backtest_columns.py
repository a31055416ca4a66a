"""The column cache: what it gives is what the database holds, however it came to be brought up to date."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from signalhub.bars import ingest
from signalhub.db.engine import Database
from signalhub.domain.timeframe import H1, M15
from signalhub.jobs import pipeline
from signalhub.performance import columns as cache
from signalhub.performance.columns import Columns
from tests.evaluation_market import BARS, add, lively_market, lively_quarters, settle
from tests.lively import lively_bars
from tests.market import MONDAY, NEXT_YEAR, put

NAMES = ("ema_9", "rsi_14")
NEW_FROM = MONDAY + BARS * M15.span


@pytest.fixture
def market(database: Database) -> list[int]:
    ids = lively_market(database)
    pipeline.refresh(database, NEXT_YEAR)
    return ids


def read(database: Database, home: Path, names: tuple[str, ...] = NAMES, **changes: object) -> Columns:
    return cache.read(database, home, M15, names, **changes)  # type: ignore[arg-type]


def assert_true(database: Database, home: Path, found: Columns, names: tuple[str, ...] = NAMES) -> None:
    """The same as read by somebody who has no cache."""
    whole = read(database, home / "elsewhere", names)
    assert found.frame.equals(whole.frame)
    cache.forget(home / "elsewhere")


def grown(number: int, instrument_id: int, bars: int = 20) -> pl.DataFrame:
    return lively_bars(100 + number, instrument_id, NEW_FROM, M15, bars, has_volume=True)


def test_a_second_run_reads_no_row_from_the_database(database: Database, market: list[int], tmp_path: Path) -> None:
    first, second = read(database, tmp_path), read(database, tmp_path)
    assert (first.rows_read, second.rows_read) == (len(market) * BARS, 0)
    assert second.frame.equals(first.frame)
    assert_true(database, tmp_path, second)


def test_more_columns_are_read_alone(database: Database, market: list[int], tmp_path: Path) -> None:
    read(database, tmp_path)
    more = (*NAMES, "atr_14")
    wider = read(database, tmp_path, more)
    assert wider.rows_read == len(market) * BARS
    assert_true(database, tmp_path, wider, more)
    assert read(database, tmp_path, more).rows_read == read(database, tmp_path).rows_read == 0


def test_new_bars_and_new_instruments_are_all_that_is_read_again(
    database: Database, market: list[int], tmp_path: Path
) -> None:
    read(database, tmp_path)
    put(database, grown(0, market[0]), M15)
    pipeline.refresh(database, NEXT_YEAR)
    topped_up = read(database, tmp_path)
    assert 20 <= topped_up.rows_read < 60
    assert_true(database, tmp_path, topped_up)
    newcomer = lively_market(database, ("N/USDT",))[0]
    pipeline.refresh(database, NEXT_YEAR)
    with_newcomer = read(database, tmp_path)
    assert with_newcomer.rows_read == BARS
    assert newcomer in with_newcomer.frame["instrument_id"]
    assert_true(database, tmp_path, with_newcomer)


def test_a_correction_of_an_old_bar_reaches_the_cache(database: Database, market: list[int], tmp_path: Path) -> None:
    before = read(database, tmp_path)
    bars = lively_quarters(1, market[1])
    changed = bars[40:41].with_columns(close=pl.col("high"), volume=pl.col("volume") + 3)
    put(database, changed, M15, now=NEXT_YEAR + timedelta(minutes=1))
    assert read(database, tmp_path).rows_read == 0, "nothing was refreshed yet: the database says the same"
    pipeline.refresh(database, NEXT_YEAR + timedelta(minutes=1))
    after = read(database, tmp_path)
    assert 0 < after.rows_read <= BARS - 40
    assert not after.frame.equals(before.frame)
    assert_true(database, tmp_path, after)


def test_where_it_is_not_known_what_changed_all_is_read_again(
    database: Database, market: list[int], tmp_path: Path
) -> None:
    read(database, tmp_path)
    put(database, grown(0, market[0]), M15)
    pipeline.refresh(database, NEXT_YEAR)
    with database.transaction() as connection:
        connection.execute("DELETE FROM market.refreshes")
    found = read(database, tmp_path)
    assert found.rows_read == len(market) * BARS + 20
    assert_true(database, tmp_path, found)
    assert read(database, tmp_path).rows_read == 0, "pruned or not, nothing came since"


def test_an_earlier_span_is_read_anew_and_a_later_one_is_there(
    database: Database, market: list[int], tmp_path: Path
) -> None:
    late = read(database, tmp_path, since=MONDAY + 200 * M15.span)
    assert late.rows_read == len(market) * (BARS - 200 + 120), "with the context of the first bar"
    assert read(database, tmp_path, since=MONDAY + 250 * M15.span).rows_read == 0
    early = read(database, tmp_path)
    assert early.rows_read == len(market) * BARS
    assert_true(database, tmp_path, early)


def test_what_is_settled_later_is_complete_without_a_refresh(database: Database, tmp_path: Path) -> None:
    instrument_id = add(database, "H/USDT")
    settle(database, MONDAY)
    gappy = lively_quarters(3, instrument_id).filter(pl.col("open_at").dt.minute() != 30)
    put(database, gappy, M15)
    pipeline.refresh(database, NEXT_YEAR)
    before = cache.read(database, tmp_path, H1, NAMES)
    assert before.frame["is_complete"].sum() == 0
    with database.transaction() as connection:
        ingest.settle(connection, M15, {instrument_id: NEXT_YEAR})
    after = cache.read(database, tmp_path, H1, NAMES)
    assert after.frame["is_complete"].sum() == after.frame.height


def test_columns_that_were_made_are_kept_and_go_with_the_rows_they_were_made_of(
    database: Database, market: list[int], tmp_path: Path
) -> None:
    columns = read(database, tmp_path)
    made = pl.Series(range(columns.frame.height)).cast(pl.Float64)
    columns.keep({"feature.candles": made, "sound.90.0": made > 5})
    again = read(database, tmp_path)
    kept = again.made("feature.candles")
    assert kept is not None
    assert kept.to_list() == made.to_list()
    put(database, grown(0, market[0]), M15)
    pipeline.refresh(database, NEXT_YEAR)
    topped_up = read(database, tmp_path)
    feature = topped_up.made("feature.candles")
    assert feature is not None
    assert feature.null_count() == topped_up.rows_read, "known where the bars are the ones it was made of"
    assert topped_up.made("sound.90.0") is None, "said of whole windows: made again"
    columns.keep({"feature.bop": made})
    assert read(database, tmp_path).made("feature.bop") is None, "who comes late has other rows"


@pytest.mark.usefixtures("market")
@pytest.mark.parametrize("spoil", ["a file is missing", "another program", "no JSON"])
def test_a_cache_that_cannot_be_believed_is_read_anew(database: Database, tmp_path: Path, spoil: str) -> None:
    first = read(database, tmp_path)
    (state,) = tmp_path.glob("columns/*/15m/state.json")
    if spoil == "a file is missing":
        next(iter(sorted(state.parent.glob("*-close.arrow")))).unlink()
    elif spoil == "another program":
        state.write_text(json.dumps(json.loads(state.read_text()) | {"format": "0"}))
    else:
        state.write_text("{")
    again = read(database, tmp_path)
    assert again.rows_read == first.rows_read
    assert again.frame.equals(first.frame)


@pytest.mark.usefixtures("market")
def test_no_file_is_left_that_nothing_counts(database: Database, tmp_path: Path) -> None:
    read(database, tmp_path)
    read(database, tmp_path, (*NAMES, "atr_14"))
    (folder,) = tmp_path.glob("columns/*/15m")
    counted = set(json.loads((folder / "state.json").read_text())["files"].values())
    assert {path.name for path in folder.glob("*.arrow")} == counted
