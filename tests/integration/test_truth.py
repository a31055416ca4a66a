"""Live = replay = backtest: what was made live is made again, byte for byte, by whoever is told the same in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from signalhub.db.engine import Database
from signalhub.domain.timeframe import M5, M15
from signalhub.jobs import pipeline
from signalhub.jobs.evaluation import Scope, replay
from signalhub.signals.drift import drift
from tests.backtest_stage import in_full, replayed_signals, tried
from tests.conftest import scale
from tests.drift_market import fresh_database
from tests.engine_rows import forget
from tests.market import NEXT_YEAR
from tests.truth_record import Record, first_difference, miss, record
from tests.truth_stage import SETTINGS, Live, Store, strategies, told_anew
from tests.truth_world import LIVE_FROM, World

HISTORIES = range(max(1, int(13 * scale())))
LEAST = 780
"""Signals of one history: with thirteen of them, at full scale, more than ten thousand."""
INSTRUMENTS, HOURS = 30, 2
TIMEFRAMES = (M5, M15)


@pytest.mark.parametrize("history", HISTORIES)
def test_a_random_history_is_made_again_byte_for_byte_and_by_replay_and_backtest(
    database: Database, edition: str, server_urls: dict[str, str], template: str, tmp_path: Path, history: int
) -> None:
    world = World(history, INSTRUMENTS, HOURS)
    first = Store(database, world)
    Live(first, world, history).run()
    made = record(database)
    with fresh_database(server_urls[edition], template, edition) as other:
        # Other surrogates: the instruments come in another order.
        told_anew(first, Store(other, world, is_turned=True), world)
        missed = miss(made, record(other))
    assert missed is None, missed
    assert len(made) >= LEAST
    assert {key[0] for key in made} == {"live", "replay"}
    a_replay_of_the_same_bars_is_the_same(database, made)
    a_backtest_is_that_replay(database, tmp_path)


def a_replay_of_the_same_bars_is_the_same(database: Database, made: Record) -> None:
    """Replayed over what is known now, every signal is what it was, save those that drift names."""
    pipeline.refresh(database, NEXT_YEAR)
    report = drift(database)
    drifted = {
        (one.origin, one.strategy, one.strategy_version, one.symbol, one.timeframe, one.close_at.isoformat(),
         one.direction) for one in report.drifted
    }  # fmt: skip
    assert drifted <= set(made)
    assert 0 < len(drifted) < len(made) == report.signals
    assert not report.undecided
    forget(database)
    replay(database, Scope(after=LIVE_FROM, timeframes=TIMEFRAMES), strategies(), SETTINGS, NEXT_YEAR)
    replayed = {key[1:]: one | {"origin": key[0]} for key, one in record(database).items()}
    alike = 0
    for key, one in sorted(made.items(), key=lambda item: item[0][5]):
        if key[1:] not in replayed:
            continue  # before the span, or what the corrected bars do not propose any more
        different = first_difference(one | {"origin": "replay"}, replayed[key[1:]])
        assert (different is not None) == (key in drifted), (key, different)
        alike += different is None
    assert alike > len(made) / 10


def a_backtest_is_that_replay(database: Database, home: Path) -> None:
    """Signal by signal with outcomes."""
    compared = 0
    for strategy in strategies():
        for timeframe in TIMEFRAMES:
            if timeframe not in strategy.timeframes:
                continue
            stored = replayed_signals(database, strategy, timeframe)
            found = in_full(database, tried(database, home, strategy, timeframe, SETTINGS, after=LIVE_FROM), SETTINGS)
            assert len(found) == len(stored), (strategy.name, timeframe.code)
            for one, other in zip(stored, found, strict=True):
                assert first_difference(one, other) is None, (strategy.name, one["symbol"], one["close_at"])
            compared += len(stored)
    assert compared > LEAST / 2


def test_a_miss_names_the_first_field_that_differs() -> None:
    key = ("live", "momentum", "1-a", "A/USDT", "5m", "2024-03-04T00:05:00+00:00", "long")
    whole = {"input": {"row": {"close": "1.10", "open": "1"}, "window": {"close": ["1", "1.10"]}}, "score": "55"}
    other = {"input": {"row": {"close": "1.10", "open": "1"}, "window": {"close": ["1", "1.1"]}}, "score": "54"}
    assert miss({key: whole}, {key: whole}) is None
    assert str(miss({key: whole}, {key: other})).endswith("input.window.close[1] was 1.10 and is 1.1")
    assert str(miss({key: whole}, {})).endswith("is missing")
    assert str(miss({}, {key: whole})).endswith("is not in the first run")
