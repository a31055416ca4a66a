"""A kept snapshot, topped up close by close, says what a snapshot read whole says; and reads no more than it must."""

from __future__ import annotations

from datetime import datetime, time

import numpy as np
import polars as pl

from signalhub import snapshot
from signalhub.bars import refreshes
from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import H1, M15
from signalhub.jobs import pipeline
from signalhub.snapshot import WINDOW_BARS, Kept, Snapshot
from tests.engine_rows import register
from tests.evaluation_market import close_of, settle
from tests.lively import lively_bars
from tests.market import MONDAY, put, rows

COLUMNS = ["atr_14", "ema_50", "1h.close", "+1.ema_9", "+2.close", "4h.ema_9", "obs.open_interest"]
FIRST, LAST, BARS = 150, 170, 220
COOLDOWN = 5


def bars_of(database: Database, symbol: str, seed: int) -> pl.DataFrame:
    instrument_id = register(database, InstrumentSpec(symbol, "test", "crypto"))
    return lively_bars(seed, instrument_id, MONDAY, M15, BARS)


def bring(database: Database, bars: pl.DataFrame, until: datetime) -> None:
    """Bars that are closed by then, rolled up and computed."""
    if bars.height:
        put(database, bars, M15, now=until)
    settle(database, until)
    pipeline.refresh(database, until)


def both(database: Database, kept: Kept, close: datetime) -> tuple[Snapshot, Snapshot]:
    with database.reading() as connection:
        topped_up = kept.load(connection, M15, close, None, COLUMNS, COOLDOWN)
        whole = snapshot.load(connection, M15, [close], None, COLUMNS)
    return topped_up, whole


def assert_same(topped_up: Snapshot, whole: Snapshot) -> None:
    """The rows that may be looked at: the window, and the cooldown's look at the bars before."""
    needed = WINDOW_BARS + COOLDOWN + 1
    mine, theirs = (
        seen.frame.group_by("instrument_id", maintain_order=True).tail(needed).select(sorted(seen.frame.columns))
        for seen in (topped_up, whole)
    )
    assert [name for name in mine.columns if not mine[name].equals(theirs[name])] == []
    assert (topped_up.dirty, topped_up.dirty_contexts) == (whole.dirty, whole.dirty_contexts)
    assert (topped_up.closes, topped_up.timeframe) == (whole.closes, whole.timeframe)


def test_late_bars_corrections_gaps_and_newcomers_are_all_read_again(database: Database) -> None:
    rng = np.random.default_rng(3)
    markets = [bars_of(database, f"{name}/USDT", number) for number, name in enumerate("ABCD")]
    # At its first closes no hour has closed that it traded in, but for the day before.
    stock = register(database, InstrumentSpec("STOCK", "test", "equity", calendar="XNYS"))
    is_open = pl.col("open_at").dt.time().is_between(time(14, 30), time(20, 45))
    markets.append(lively_bars(7, stock, MONDAY, M15, BARS).filter(is_open))
    every = pl.concat(markets)
    late = every.filter(pl.Series(rng.random(every.height) < 0.1) & (pl.col("open_at") >= close_of(FIRST)))
    prompt = every.join(late, on=["instrument_id", "open_at"], how="anti")
    bring(database, prompt.filter(pl.col("open_at") < close_of(FIRST)), close_of(FIRST))
    kept, misses, seen = Kept(), 0, list[float | None]()
    both(database, kept, close_of(FIRST))
    for number in range(FIRST + 1, LAST):
        close = close_of(number)
        is_new = pl.col("open_at") == close - M15.span
        due = late.filter(pl.col("open_at") < close).sample(fraction=0.3, seed=number)
        some = [prompt.filter(is_new), due]
        if number % 7 == 0:
            # A correction of a bar that may lie before all that is kept.
            old = prompt.filter(pl.col("open_at") < close).sample(1, seed=number)
            some.append(old.with_columns(pl.col("close") * 1.001, high=pl.col("high") * 1.01))
        if number == FIRST + 12:
            some.append(bars_of(database, "NEW/USDT", 9).filter(pl.col("open_at") < close))
        bring(database, pl.concat(some).unique(["instrument_id", "open_at"], keep="last"), close)
        topped_up, whole = both(database, kept, close)
        assert_same(topped_up, whole)
        of_stock = topped_up.frame.filter((pl.col("instrument_id") == stock) & (pl.col("close_at") == close))
        seen += of_stock["1h.close"].to_list()
        misses += topped_up.misses
    assert misses == 0
    assert len(seen) > 10
    assert None not in seen


def test_what_is_dirty_and_what_was_seen_before_it_was_rolled_up_is_seen_right_later(database: Database) -> None:
    market = bars_of(database, "A/USDT", 1)
    kept = Kept()
    for number in range(FIRST, FIRST + 8):
        close = close_of(number)
        put(database, market.filter(pl.col("open_at") == close - M15.span), M15, now=close)
        if number == FIRST:
            put(database, market.filter(pl.col("open_at") < close), M15, now=close)
            pipeline.refresh(database, close)
        # Looked at while the newest bars, those of the hour too, are not rolled up.
        assert_same(*both(database, kept, close))
        settle(database, close)
        pipeline.refresh(database, close)
        assert_same(*both(database, kept, close))


def test_a_new_bar_is_no_change_and_a_pause_reads_everything_again(database: Database) -> None:
    market = bars_of(database, "A/USDT", 1)
    bring(database, market.filter(pl.col("open_at") < close_of(FIRST)), close_of(FIRST))
    kept = Kept()
    found = [both(database, kept, close_of(FIRST))[0]]
    for number in (FIRST + 1, FIRST + 2, FIRST + 66):
        bring(database, market.filter(pl.col("open_at") < close_of(number)), close_of(number))
        found.append(both(database, kept, close_of(number))[0])
    # Its own frame, the hour's and the four hours'.
    assert [(seen.hits, seen.misses) for seen in found] == [(0, 3), (3, 0), (3, 0), (2, 1)]
    assert_same(*both(database, kept, close_of(FIRST + 56)))


def test_whoever_fell_behind_the_refreshes_on_record_reads_everything_again(database: Database) -> None:
    market = bars_of(database, "A/USDT", 1)
    bring(database, market.filter(pl.col("open_at") < close_of(FIRST)), close_of(FIRST))
    kept = Kept()
    both(database, kept, close_of(FIRST))
    for number in (FIRST + 1, FIRST + 2):
        bring(database, market.filter(pl.col("open_at") < close_of(number)), close_of(number))
    with database.transaction() as connection:
        assert refreshes.forget(connection, close_of(FIRST + 9)) > 0
        assert refreshes.forget(connection, close_of(FIRST + 9)) == 0
    assert len(rows(database, "SELECT refresh_id FROM market.refreshes")) == 1
    topped_up, whole = both(database, kept, close_of(FIRST + 2))
    assert (topped_up.hits, topped_up.misses) == (0, 3)
    assert_same(topped_up, whole)


def test_each_refresh_says_which_rows_it_wrote(database: Database) -> None:
    market = bars_of(database, "A/USDT", 1)
    instrument_id = market["instrument_id"][0]
    bring(database, market.filter(pl.col("open_at") < close_of(FIRST)), close_of(FIRST))
    bring(database, market.filter(pl.col("open_at") == close_of(FIRST)), close_of(FIRST + 1))
    found = rows(database, "SELECT timeframe, instrument_ids, from_ats FROM market.refreshes ORDER BY refresh_id")
    first = [row for row in found if row["from_ats"] == [MONDAY.astimezone(row["from_ats"][0].tzinfo)]]
    assert [row["timeframe"] for row in first] == ["15m", "1h", "4h", "1d"]
    assert {tuple(row["instrument_ids"]) for row in found} == {(instrument_id,)}
    # The hour closes with it.
    last = [(row["timeframe"], row["from_ats"][0]) for row in found[len(first) :]]
    assert last == [("15m", close_of(FIRST)), ("1h", H1.floor(close_of(FIRST)))]


def test_who_sees_an_older_store_is_not_told_what_others_brought_up_since(database: Database) -> None:
    bars = bars_of(database, "A/USDT", 1)
    close = close_of(FIRST)
    bring(database, bars.filter(pl.col("open_at") < close), close)
    kept = Kept()
    both(database, kept, close)
    with database.reading() as older:
        older.execute("SELECT 1")
        corrected = bars.filter(pl.col("open_at") == close - 3 * M15.span)
        bring(database, corrected.with_columns(pl.col("close") * 1.001, high=pl.col("high") * 1.01), close)
        newer, _ = both(database, kept, close)
        found = kept.load(older, M15, close, None, COLUMNS, COOLDOWN)
        assert_same(found, snapshot.load(older, M15, [close], None, COLUMNS))
    assert not found.frame["close"].tail(5).equals(newer.frame["close"].tail(5))
    assert_same(*both(database, kept, close))
