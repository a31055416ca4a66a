"""A backtest is a plain replay: the same signals, row by row and to the last digit, and the same statistics of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from signalhub.db.engine import Database
from signalhub.domain.timeframe import H1, M15, Timeframe
from signalhub.errors import DataUnusable, UsageInvalid
from signalhub.jobs.evaluation import Scope, replay
from signalhub.performance import helping
from signalhub.performance.backtest import Backtest
from signalhub.strategies.base import Strategy
from signalhub.strategies.declared import declared
from tests.backtest_stage import SETTINGS, Structured, counted, in_full, replayed_signals, tried, uneven_market
from tests.evaluation_market import lively_market
from tests.market import MONDAY, NEXT_YEAR, at, roll_and_compute, rows
from tests.rising import Rising

TIMEFRAMES = (M15, H1)


def strategies() -> list[Strategy]:
    return [*declared(), Rising(), Structured()]


def assert_equal(database: Database, found: Backtest, strategy: Strategy, timeframe: Timeframe) -> int:
    stored = replayed_signals(database, strategy, timeframe)
    made = in_full(database, found)
    assert len(made) == len(stored)
    for one, other in zip(made, stored, strict=True):
        assert one == other, (strategy.name, other["symbol"], other["close_at"])
    for short, full in zip(found.signals.iter_rows(named=True), stored, strict=True):
        # What is counted was rounded without decimals.
        assert all(short[name] == float(full[name]) for name in ("entry", "stop", "target", "score"))
    return len(made)


def test_every_strategy_gives_the_signals_of_a_replay_and_their_ends(database: Database, tmp_path: Path) -> None:
    uneven_market(database)
    several = strategies()
    replay(database, Scope(timeframes=TIMEFRAMES), several, SETTINGS, NEXT_YEAR)
    signals = {
        (strategy.name, timeframe.code): assert_equal(
            database, tried(database, tmp_path, strategy, timeframe), strategy, timeframe
        )
        for strategy in several
        for timeframe in TIMEFRAMES
        if timeframe in strategy.timeframes
    }
    assert sum(signals.values()) > 900
    assert all(signals[name, code] for name in ("rising", "structured") for code in ("15m", "1h"))
    assert sum(1 for count in signals.values() if count) > 12, signals


@pytest.mark.parametrize("timeframe", TIMEFRAMES, ids=str)
def test_its_statistics_are_those_of_the_views_bit_for_bit(
    database: Database, tmp_path: Path, timeframe: Timeframe
) -> None:
    lively_market(database)
    strategy = Structured()
    replay(database, Scope(timeframes=[timeframe]), [strategy], SETTINGS, NEXT_YEAR)
    found = tried(database, tmp_path, strategy, timeframe)
    counts = found.counts
    for by, own in (([], [counts.whole]), (["instrument"], counts.by_instrument), (["month"], counts.by_month)):
        views = [row for row in counted(database, strategy, timeframe, by) if by != ["month"] or row["exit_month"]]
        assert len(own) == len(views) > 0
        for row in own:
            (same,) = [one for one in views if (one["symbol"], one["exit_month"]) == _key(row)]
            held = same.pop("average_duration")
            same["average_duration_s"] = held and held.total_seconds()
            assert row == {name: same[name] for name in row}
    curve = rows(database, "SELECT exit_at, n_exits, net_r, equity_r, peak_r, drawdown_r FROM analytics.equity_curve "
                 "ORDER BY exit_at")  # fmt: skip
    assert found.counts.equity == curve


def _key(row: dict[str, Any]) -> tuple[Any, Any]:
    return row.get("symbol"), row.get("exit_month")


def test_a_part_of_the_span_and_of_the_symbols_is_that_part_of_the_replay(database: Database, tmp_path: Path) -> None:
    lively_market(database)
    strategy, after, until = Rising(), MONDAY + timedelta(hours=30), MONDAY + timedelta(hours=50)
    replay(database, Scope(timeframes=[M15]), [strategy], SETTINGS, NEXT_YEAR)
    whole = replayed_signals(database, strategy, M15)
    for symbols in (None, ["B/USDT"]):
        part = in_full(database, tried(database, tmp_path, strategy, M15, after=after, until=until, symbols=symbols))
        assert part == [
            row for row in whole if after < row["close_at"] <= until and (symbols is None or row["symbol"] in symbols)
        ]
        assert part


def test_a_second_run_says_the_same_out_of_the_cache(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lively_market(database)
    roll_and_compute(database)
    first = tried(database, tmp_path, Structured(), M15)

    def refuse(*_: object) -> None:
        raise AssertionError("a feature that is known was computed again")

    monkeypatch.setattr("signalhub.performance.features.features", refuse)
    second = tried(database, tmp_path, Structured(), M15)
    assert second.signals.equals(first.signals)
    assert second.market.columns.rows_read == 0


def test_nothing_is_stored_by_a_backtest(database: Database, tmp_path: Path) -> None:
    lively_market(database)
    roll_and_compute(database)
    before = _counts(database)
    assert tried(database, tmp_path, Rising(), M15).signals.height > 100
    assert _counts(database) == before


def _counts(database: Database) -> list[dict[str, Any]]:
    tables = rows(database, "SELECT schemaname || '.' || tablename AS name FROM pg_tables "
                  "WHERE schemaname IN ('engine', 'market', 'outbox', 'account') ORDER BY 1")  # fmt: skip
    return [rows(database, f"SELECT '{row['name']}' AS name, count(*) AS n FROM {row['name']}")[0] for row in tables]


def test_what_was_held_back_is_counted_as_a_replay_records_it(database: Database, tmp_path: Path) -> None:
    lively_market(database)
    strategy, settings = Rising(), SETTINGS.replace(min_score=60.0)
    replay(database, Scope(timeframes=[M15]), [strategy], settings, NEXT_YEAR)
    recorded = rows(
        database, "SELECT reason, count(*) AS n FROM engine.abstentions WHERE direction IS NOT NULL GROUP BY 1"
    )
    found = tried(database, tmp_path, strategy, M15, settings)
    assert {name: n for name, n in found.held_back.items() if n} == {row["reason"]: row["n"] for row in recorded}
    assert found.candidates == sum(found.held_back.values()) + found.signals.height
    assert rows(database, "SELECT sum(candidates) AS n FROM engine.evaluations") == [{"n": found.candidates}]


def test_of_no_signals_everything_is_said_too(database: Database, tmp_path: Path) -> None:
    lively_market(database)
    roll_and_compute(database)
    found = tried(database, tmp_path, Rising(), M15, SETTINGS.replace(min_score=100.0), until=at("4 01:00"))
    assert found.signals.is_empty()
    assert found.counts.whole["n_signals"] == 0
    assert found.counts.whole["win_rate"] is None
    assert (found.counts.by_instrument, found.counts.by_month, found.counts.equity) == ([], [], [])


def test_bars_that_wait_to_be_rolled_up_are_not_looked_at(database: Database, tmp_path: Path) -> None:
    (first, *_) = lively_market(database)
    roll_and_compute(database)
    dirty_from = MONDAY + timedelta(hours=40)
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO market.dirty_ranges (instrument_id, base_timeframe, from_at, to_at) "
            "VALUES (%s, '15m', %s, %s)",
            (first, dirty_from, dirty_from + M15.span),
        )
    found = tried(database, tmp_path, Rising(), M15).signals
    last = dict(found.group_by("symbol").agg(pl.col("close_at").max()).iter_rows())
    assert last["A/USDT"] <= dirty_from < last["B/USDT"]


def test_what_cannot_be_tried_is_said_in_one_line(database: Database, tmp_path: Path) -> None:
    with pytest.raises(DataUnusable, match="no bars of 15m with indicators"):
        tried(database, tmp_path, Rising(), M15)
    with pytest.raises(UsageInvalid, match="does not serve the timeframe 1h; it serves 15m"):
        tried(database, tmp_path, Rising(timeframes=(M15,)), H1)
    lively_market(database)
    roll_and_compute(database)
    with pytest.raises(UsageInvalid, match="serves forex"):
        tried(database, tmp_path, Rising(asset_classes=("forex",)), M15)
    with database.transaction() as connection:
        connection.execute("UPDATE market.instruments SET is_simulated = TRUE WHERE public_symbol = 'A/USDT'")
    with pytest.raises(UsageInvalid, match="never added up"):
        tried(database, tmp_path, Rising(), M15, symbols=["A/USDT", "B/USDT"])
    assert set(tried(database, tmp_path, Rising(), M15).signals["symbol"]) == {"B/USDT", "C/USDT"}, "all: the real ones"


def test_the_judge_hears_no_candidate_twice(database: Database, tmp_path: Path) -> None:
    lively_market(database)
    roll_and_compute(database)
    heard: list[int] = []
    found = tried(database, tmp_path, Rising(on_assess=lambda: heard.append(1)), M15)
    assert len(heard) == found.candidates - found.held_back["cooldown"]


def test_helpers_say_what_one_process_says_and_bring_home_what_they_computed(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lively_market(database)
    roll_and_compute(database)
    alone = tried(database, tmp_path / "alone", Structured(), M15)
    monkeypatch.setattr(helping, "LEAST_BARS", 1)
    monkeypatch.setattr(helping, "_AT_ONCE", 20)
    monkeypatch.setattr(helping.os, "cpu_count", lambda: 3)
    helped = tried(database, tmp_path, Structured(), M15)
    assert helped.signals.equals(alone.signals)
    again = tried(database, tmp_path, Structured(), M15)
    alone = tried(database, tmp_path / "alone", Structured(), M15)
    for name in ("bop", "candles"):
        kept, own = (one.market.columns.made(f"feature.{name}") for one in (again, alone))
        assert kept is not None
        assert own is not None
        assert kept.equals(own)
    assert tried(database, tmp_path, Rising(), M15).signals.height > 100, "a strategy that cannot be sent is tried too"
