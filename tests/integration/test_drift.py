"""The drift report: after corrections it names exactly the signals that would be made from other inputs now."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from signalhub.db.engine import Database
from signalhub.domain.timeframe import H1, M15, Timeframe
from signalhub.jobs import pipeline
from signalhub.jobs.evaluation import Scope
from signalhub.signals.drift import DIRTY, DROPPED, Difference, drift
from signalhub.snapshot import WINDOW_BARS
from tests.conftest import scale
from tests.drift_market import affected, corrected, corrections, fresh_database, lively_history
from tests.evaluation_market import replayed
from tests.market import MONDAY, NEXT_YEAR, put, rows

LATER = NEXT_YEAR + timedelta(days=1)
INSTRUMENTS = max(4, round(40 * scale()))
BARS = max(600, round(25_000 * scale() ** 2))
"""At full scale a million bars in all, which end before NEXT_YEAR."""
HOURS = Scope(timeframes=(H1,))
HASHES = "SELECT signal_id, input_hash, encode(sha256(inputs::bytea), 'hex') AS again FROM engine.signals INNER JOIN " \
    "engine.signal_inputs USING (signal_id) ORDER BY 1"  # fmt: skip


def test_after_random_corrections_every_hash_stands_and_exactly_the_affected_are_named(
    database: Database, edition: str, server_urls: dict[str, str], template: str
) -> None:
    symbols = [f"T{number}/USDT" for number in range(INSTRUMENTS)]
    bars = lively_history(database, symbols, BARS)
    replayed(database, HOURS)
    before = rows(database, HASHES)
    assert drift(database).drifted == []
    # The first half of the history and the first instrument stay: something must be left alone.
    spared = (pl.col("open_at") < MONDAY + BARS // 2 * M15.span) | (pl.col("instrument_id") == bars["instrument_id"][0])
    changed = corrections(bars.filter(~spared), share=0.02, seed=5)
    for batch in changed.iter_slices(max(1, changed.height // 7)):
        put(database, batch, M15, now=LATER)
    pipeline.refresh(database, LATER)
    found = drift(database)
    with fresh_database(server_urls[edition], template, edition) as fresh:
        expected = affected(database, fresh, corrected(bars, changed), symbols)
    assert rows(database, HASHES) == before
    assert all(row["input_hash"] == row["again"] for row in before)
    assert {row.signal_id for row in found.drifted} == expected
    assert 0 < len(expected) < found.signals == len(before)
    assert not found.undecided


@pytest.fixture
def market(database: Database) -> pl.DataFrame:
    bars = lively_history(database, ["A/USDT", "B/USDT"], 300)
    replayed(database, Scope(timeframes=(M15, H1)))
    return bars


def test_the_first_differing_fields_are_told_with_both_values(database: Database, market: pl.DataFrame) -> None:
    latest = signals(database, "A/USDT", M15)[-1]
    bar = bars_at(market, market["instrument_id"][0], latest["open_at"])
    put(database, bar.with_columns(pl.col("volume") + 1.0), M15, now=LATER)
    pipeline.refresh(database, LATER)
    named = drift(database, since=latest["close_at"]).drifted
    [told] = [row for row in named if row.signal_id == latest["signal_id"]]
    volume = bar["volume"][0]
    assert told.fields[0] == Difference(f"window.volume[{WINDOW_BARS - 1}]", volume, volume + 1.0)
    assert told.differing >= 3  # the window's, the row's, and its mean
    assert (told.symbol, told.timeframe, told.origin) == ("A/USDT", "15m", "replay")
    before = [row["signal_id"] for row in signals(database, "A/USDT", M15) if row["close_at"] < latest["close_at"]]
    assert not {row.signal_id for row in drift(database).drifted} & set(before)


def test_a_correction_that_was_taken_back_is_no_drift(database: Database, market: pl.DataFrame) -> None:
    some = market.slice(100, 20)
    for bars in (some.with_columns(pl.col("volume") * 2.0), some):
        put(database, bars, M15, now=LATER)
        pipeline.refresh(database, LATER)
    assert drift(database).drifted == []
    assert rows(database, "SELECT count(*) AS n FROM analytics.bar_corrections") == [{"n": 40}]


def test_nothing_is_said_of_what_waits_to_be_rolled_up_or_is_not_kept(database: Database, market: pl.DataFrame) -> None:
    whole = drift(database)
    # Another close of the first bar of all: no ATR after it is what it was.
    put(database, market.slice(0, 1).with_columns(close=pl.col("low"), low=pl.col("low") * 0.99), M15, now=LATER)
    waiting = drift(database)
    assert waiting.drifted == []
    of_a = len(signals(database, "A/USDT"))
    assert (waiting.signals, waiting.undecided) == (whole.signals, {DIRTY: of_a})
    pipeline.refresh(database, LATER)
    assert len(drift(database).drifted) == of_a
    kept_from = MONDAY + 150 * M15.span
    with database.transaction() as connection:
        connection.execute("DELETE FROM market.indicators WHERE timeframe = '15m' AND open_at < %s", (kept_from,))
        connection.execute(
            "INSERT INTO market.retention VALUES ('market.indicators', '15m', %s, %s)", (kept_from, LATER)
        )
    of_b = signals(database, "B/USDT", M15)
    short = [row for row in of_b if row["open_at"] < kept_from + (WINDOW_BARS - 1) * M15.span]
    assert 0 < len(short) < len(of_b)
    b_id = market["instrument_id"][-1]
    assert drift(database, instrument_ids=[b_id]).undecided == {DROPPED: len(short)}


def test_each_correction_names_the_signals_whose_window_held_the_bar(database: Database, market: pl.DataFrame) -> None:
    changed = corrections(market, share=0.05, seed=2)
    put(database, changed, M15, now=LATER)
    put(database, changed.head(3).with_columns(pl.col("volume") + 9.0), M15, now=LATER + timedelta(days=1))
    pipeline.refresh(database, LATER + timedelta(days=1))
    told = rows(database, "SELECT * FROM analytics.bar_corrections ORDER BY symbol, open_at, superseded_at")
    assert len(told) == changed.height + 3
    touched = 0
    for row in told:
        is_first = row["superseded_at"] == LATER
        expected = windows_with(database, row["symbol"], row["open_at"]) if is_first else []
        assert row["signals_touched"] == expected
        touched += len(expected)
    assert touched > 20
    second = next(row for row in told if row["superseded_at"] > LATER)
    [first] = [row for row in told if (row["symbol"], row["open_at"], row["superseded_at"]) == (
        second["symbol"], second["open_at"], LATER)]  # fmt: skip
    assert (first["new_volume"], first["new_close"]) == (second["old_volume"], second["old_close"])
    assert (second["volume_change"], second["close_change_pct"], second["source"]) == (9.0, 0.0, "history")
    assert first["close_change_pct"] == pytest.approx(100 * (first["new_close"] / first["old_close"] - 1))


def test_a_signal_recorded_after_a_correction_is_not_touched_by_it(database: Database) -> None:
    bars = lively_history(database, ["A/USDT"], 300)
    put(database, corrections(bars, share=0.05, seed=3), M15, now=NEXT_YEAR - timedelta(days=1))
    replayed(database)
    told = rows(database, "SELECT signals_touched FROM analytics.bar_corrections")
    assert len(told) == 15
    assert all(row["signals_touched"] == [] for row in told)
    assert drift(database).signals > 0
    assert drift(database).drifted == []


def signals(database: Database, symbol: str, timeframe: Timeframe | None = None) -> list[dict[str, Any]]:
    found = rows(database, "SELECT * FROM analytics.signals WHERE symbol = %s ORDER BY close_at, signal_id", (symbol,))
    return [row for row in found if timeframe is None or row["timeframe"] == timeframe.code]


def bars_at(bars: pl.DataFrame, instrument_id: int, open_at: datetime) -> pl.DataFrame:
    return bars.filter((pl.col("instrument_id") == instrument_id) & (pl.col("open_at") == open_at))


def windows_with(database: Database, symbol: str, open_at: datetime) -> list[int]:
    """By counting bars: no instrument of these markets lacks one."""
    return sorted(
        row["signal_id"]
        for timeframe in (M15, H1)
        for row in signals(database, symbol, timeframe)
        if row["close_at"] - WINDOW_BARS * timeframe.span <= timeframe.floor(open_at) < row["close_at"]
    )
