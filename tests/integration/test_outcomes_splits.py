"""Open signals across a split walk in the prices of their date, by numbers worked out by hand, long and short."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from signalhub import outcomes
from signalhub.db.connection import Connection
from signalhub.domain.split import Split
from signalhub.domain.timeframe import H1, M1
from tests import splits
from tests.market import NEXT_YEAR, at, rows_of
from tests.outcome_market import random_minutes, random_plans
from tests.outcome_rules import Path
from tests.signals import OHLC, Plan, add_instrument, add_signal, outcomes_of, put_bars, settle

SPLIT = Split(at("5"), 7.0)
ENTRY, STOP, TARGET = 700.0, 693.0, 714.0
CLOSE, VALID_UNTIL = at("4 22:00"), at("5 06:00")
SYMBOL = "BTC/USDT"
Prices = tuple[float, float, float, float]


@dataclass(frozen=True)
class Case:
    """Hours in raw prices as a long sees them (a short in the mirror at the entry), and what comes of the signal."""

    hours: dict[str, Prices]
    status: str
    exit: float | None
    exit_at: datetime
    r: float | None = None
    mfe: float | None = None
    mae: float | None = None
    close_at: datetime = CLOSE
    fill: float | None = 700.0


BEFORE: dict[str, Prices] = {
    "4 22:00": (700.0, 703.5, 696.5, 700.0),
    "4 23:00": (700.0, 707.0, 696.5, 703.5),
}
CASES = {
    # 102 × 7 is the target; the raw 100 of the hour before is far below the stop of 693, and no touch.
    "the target after the split": Case(
        BEFORE | {"5 00:00": (100.5, 101.0, 100.0, 100.5), "5 01:00": (100.5, 102.0, 100.0, 101.0)},
        *("target_hit", 714.0, at("5 02:00"), 2.0, 2.0, -0.5),
    ),
    # 99 × 7 is the stop.
    "the stop after the split": Case(
        BEFORE | {"5 00:00": (100.5, 101.5, 100.0, 100.5), "5 01:00": (100.5, 101.0, 99.0, 99.5)},
        *("stop_hit", 693.0, at("5 02:00"), -1.0, 1.5, -1.0),
    ),
    # It opens at 98 × 7 = 686, two risks below the entry.
    "an open beyond the stop on the day of the split": Case(
        BEFORE | {"5 00:00": (98.0, 101.0, 97.5, 100.0)},
        *("stop_hit", 686.0, at("5 00:00"), -2.0, 1.0, -2.0),
    ),
    # The last close, 100.5 × 7 = 703.5, is half a risk above the entry.
    "the end of its time after the split": Case(
        BEFORE | {"5 00:00": (100.5, 101.0, 99.5, 100.5)},
        *("expired", 703.5, at("5 01:00"), 0.5, 1.0, -0.5),
    ),
    # The first bar after the close is in new shares: it fills at 100.5 × 7, and is not cancelled as a gap.
    "a fill by the first bar in new shares": Case(
        BEFORE | {"5 00:00": (100.5, 101.0, 100.0, 101.0), "5 01:00": (101.0, 102.0, 100.5, 102.0)},
        *("target_hit", 714.0, at("5 02:00"), 1.5, 1.5, -0.5),
        close_at=at("5"),
        fill=703.5,
    ),
    # 102.5 × 7 lies beyond the target.
    "a first bar beyond the target in new shares": Case(
        BEFORE | {"5 00:00": (102.5, 103.0, 102.0, 102.5)},
        *("cancelled", None, at("5 00:00")),
        close_at=at("5"),
        fill=None,
    ),
}


def mirrored(direction: str, price: float, scale: float = 1.0) -> float:
    return price if direction == "long" else 2 * ENTRY / scale - price


def hour(direction: str, open_at: datetime, prices: Prices) -> OHLC:
    scale = SPLIT.ratio if open_at >= SPLIT.effective_at else 1.0
    open_, high, low, close = (mirrored(direction, price, scale) for price in prices)
    return OHLC(open_at, open_, max(high, low), min(high, low), close, H1.span)


def stage(connection: Connection, direction: str, case: Case) -> int:
    """The bars and the signal; its id."""
    instrument_id = add_instrument(connection, SYMBOL)
    bars = [hour(direction, at(text), prices) for text, prices in case.hours.items()]
    put_bars(connection, instrument_id, bars, H1)
    settle(connection, instrument_id, at("6"), H1)
    levels = (mirrored(direction, price) for price in (ENTRY, STOP, TARGET))
    return add_signal(connection, instrument_id, Plan(direction, case.close_at, VALID_UNTIL, *levels, timeframe="1h"))


def assert_ended(found: dict[str, Any], direction: str, case: Case) -> None:
    exit_price, fill = (None if price is None else mirrored(direction, price) for price in (case.exit, case.fill))
    assert (found["status"], found["exit_price"], found["exit_at"]) == (case.status, exit_price, case.exit_at)
    assert (found["fill_price"], found["r_multiple"]) == (fill, case.r)
    assert (found["mfe_r"], found["mae_r"]) == (case.mfe, case.mae)


@pytest.mark.parametrize("direction", ["long", "short"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_signal_across_a_split_ends_as_worked_out_by_hand(connection: Connection, direction: str, case: Case) -> None:
    signal_id = stage(connection, direction, case)
    splits.record(connection, SYMBOL, SPLIT)
    outcomes.track(connection, NEXT_YEAR, 0.0)
    assert_ended(outcomes_of(connection)[signal_id], direction, case)


@pytest.mark.parametrize("direction", ["long", "short"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_split_recorded_between_two_looks_changes_nothing_of_the_first(
    connection: Connection, direction: str, case: Case
) -> None:
    signal_id = stage(connection, direction, case)
    outcomes.track(connection, at("5"), 0.0)
    splits.record(connection, SYMBOL, SPLIT)
    for now in (at("5 01:00"), NEXT_YEAR):
        outcomes.track(connection, now, 0.0)
    assert_ended(outcomes_of(connection)[signal_id], direction, case)


@pytest.mark.parametrize("direction", ["long", "short"])
def test_an_open_signal_shows_the_last_price_in_the_shares_of_its_date(connection: Connection, direction: str) -> None:
    stage(connection, direction, CASES["the end of its time after the split"])
    splits.record(connection, SYMBOL, SPLIT)
    outcomes.track(connection, at("5 01:00"), 0.0)
    connection.execute("SELECT set_config('signalhub.now', '2024-03-05 01:00:00+00', TRUE)")
    (row,) = rows_of(connection, "SELECT last_price, unrealised_r FROM analytics.open_signals")
    assert row == {"last_price": mirrored(direction, 703.5), "unrealised_r": 0.5}


def test_finer_bars_decide_in_the_prices_of_the_signal(connection: Connection) -> None:
    both = Case(BEFORE | {"5 00:00": (100.5, 102.0, 99.0, 100.5)}, "target_hit", 714.0, at("5 00:10"), 2.0, 2.0, -0.5)
    signal_id = stage(connection, "long", both)
    instrument_id = rows_of(connection, "SELECT instrument_id FROM market.instruments")[0]["instrument_id"]
    start = at("5")
    minutes = [OHLC(start + number * M1.span, 100.5, 101.0, 100.0, 100.5) for number in range(60)]
    minutes[9] = OHLC(start + timedelta(minutes=9), 100.5, 102.0, 100.0, 100.5)
    minutes[30] = OHLC(start + timedelta(minutes=30), 100.5, 101.0, 99.0, 100.5)
    put_bars(connection, instrument_id, [hour("long", at("5 06:00"), (100.0,) * 4)], H1)
    put_bars(connection, instrument_id, minutes)
    splits.record(connection, SYMBOL, SPLIT)
    outcomes.track(connection, NEXT_YEAR, 0.0)
    assert_ended(outcomes_of(connection)[signal_id], "long", both)


@pytest.mark.parametrize("seed", range(3))
def test_outcomes_of_a_share_that_was_split_are_those_of_one_that_was_not(connection: Connection, seed: int) -> None:
    rng = np.random.default_rng(seed)
    start, made = at("4 12:00"), (Split(at("5"), 4.0), Split(at("6"), 0.5))
    plain, split = add_instrument(connection, "PLAIN"), add_instrument(connection, "SPLIT")
    bars = random_minutes(rng, start, 3600, keep=0.9)
    put_bars(connection, plain, bars)
    put_bars(connection, split, [in_shares(one, splits.shares(made, one.open_at)) for one in bars])
    splits.record(connection, "SPLIT", *made)
    pairs = []
    for plan in random_plans(rng, Path(plain, bars, bars[-1].close_at), 200):
        held = splits.shares(made, plan.close_at - M1.span)
        levels = (plan.entry / held, plan.stop / held, plan.target / held)
        until = plan.valid_until + timedelta(hours=int(rng.integers(0, 30)))
        ours = add_signal(connection, split, Plan(plan.direction, plan.close_at, until, *levels))
        theirs = add_signal(
            connection, plain, Plan(plan.direction, plan.close_at, until, plan.entry, plan.stop, plan.target)
        )
        pairs.append((ours, theirs, held))
    for instrument_id in (plain, split):
        settle(connection, instrument_id, bars[-1].close_at)
    outcomes.track(connection, NEXT_YEAR, 7.5)
    found = outcomes_of(connection)
    assert len({found[ours]["status"] for ours, _, _ in pairs}) >= 3
    for ours, theirs, held in pairs:
        prices = {name: found[ours][name] and found[ours][name] * held for name in ("fill_price", "exit_price")}
        assert found[ours] | prices == found[theirs]


def in_shares(one: OHLC, held: float) -> OHLC:
    return OHLC(one.open_at, one.open / held, one.high / held, one.low / held, one.close / held, one.span)
