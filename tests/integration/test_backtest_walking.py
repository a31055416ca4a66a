"""What a backtest says became of signals is what the record says of the same ones, to the bit."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import numpy as np
import pytest

from signalhub import outcomes
from signalhub.db.connection import Connection
from signalhub.domain.split import Split
from signalhub.domain.timeframe import H1
from signalhub.performance import paths
from tests import splits
from tests.conftest import scale
from tests.market import MONDAY, NEXT_YEAR, at
from tests.outcome_market import COST_BPS, RandomMarket, random_minutes, random_plans
from tests.outcome_rules import Path
from tests.signals import add_instrument, add_signal, outcomes_of, put_bars, settle
from tests.walked import walked


def assert_agreement(connection: Connection, now: object = NEXT_YEAR) -> Counter[str]:
    outcomes.track(connection, now, COST_BPS)  # type: ignore[arg-type]
    stored = outcomes_of(connection)
    found = walked(connection, now, COST_BPS)  # type: ignore[arg-type]
    assert found.keys() == stored.keys()
    for signal_id, outcome in found.items():
        assert outcome == {name: stored[signal_id][name] for name in outcome}, signal_id
    return Counter(row["status"] for row in stored.values())


@pytest.mark.parametrize("seed", range(max(2, round(20 * scale()))))
def test_random_signals_end_as_the_record_says(connection: Connection, seed: int) -> None:
    """Minutes, hours and both by turns as base; holes; bars that hold both levels, which finer ones decide or not."""
    RandomMarket(connection, 1000 + seed)
    counts = assert_agreement(connection)
    assert all(counts[status] >= 5 for status in ("open", "target_hit", "stop_hit", "expired", "cancelled"))


def test_an_instant_in_the_middle_of_it_all_leaves_the_same_signals_open(connection: Connection) -> None:
    RandomMarket(connection, 7)
    counts = assert_agreement(connection, MONDAY + timedelta(hours=19, minutes=17, seconds=30))
    assert counts["open"] > 50


def test_across_a_split_both_look_at_the_prices_of_the_signals_date(connection: Connection) -> None:
    rng = np.random.default_rng(3)
    instrument_id = add_instrument(connection)
    minutes = random_minutes(rng, MONDAY, 4000, keep=0.9)
    put_bars(connection, instrument_id, minutes)
    settle(connection, instrument_id, NEXT_YEAR)
    for plan in random_plans(rng, Path(instrument_id, minutes, NEXT_YEAR), 120):
        add_signal(connection, instrument_id, plan)
    splits.record(connection, "BTC/USDT", Split(at("5"), 1.0 + 1 / 512))
    assert sum(assert_agreement(connection).values()) == 120


def test_paths_that_are_read_in_parts_say_the_same(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    RandomMarket(connection, 5)
    outcomes.track(connection, NEXT_YEAR, COST_BPS)
    whole = walked(connection, NEXT_YEAR, COST_BPS)
    monkeypatch.setattr(paths, "_MOST_MINUTES", 500)
    assert walked(connection, NEXT_YEAR, COST_BPS) == whole


def test_a_signal_of_an_instrument_that_is_not_settled_stays_open(connection: Connection) -> None:
    rng = np.random.default_rng(4)
    instrument_id = add_instrument(connection)
    hours = random_minutes(rng, MONDAY, 200, keep=1.0)
    put_bars(connection, instrument_id, hours)
    for plan in random_plans(rng, Path(instrument_id, hours, NEXT_YEAR), 10):
        add_signal(connection, instrument_id, plan)
    assert assert_agreement(connection) == {"open": 10}
    settle(connection, instrument_id, MONDAY + timedelta(hours=1), H1)
    assert assert_agreement(connection) == {"open": 10}, "settled by a timeframe that is not its base"
