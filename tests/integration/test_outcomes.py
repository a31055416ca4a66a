"""Outcomes: each rule of DESIGN 5 by hand-made bars, and all of them together against a plain loop."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from signalhub import outcomes
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.db.queries import Queries
from signalhub.domain.timeframe import H1, M1, M5, Timeframe
from tests.conftest import scale
from tests.market import MONDAY, NEXT_YEAR
from tests.outcome_market import COST_BPS, PATH_MINUTES, START_AT, RandomMarket, ruling_bases
from tests.signals import OHLC, Plan, add_instrument, add_signal, outcomes_of, put_bars, settle

CLOSE = START_AT
ENTRY, STOP, TARGET = 100.0, 99.0, 102.0
MINUTES_VALID = 10
DIRECTIONS = ("long", "short")
Prices = tuple[float, float, float, float]
Bars = dict[int, Prices]
"""Minute after the signal's close → open, high, low, close as a long sees them."""


def minute(number: float) -> datetime:
    return CLOSE + timedelta(minutes=number)


def hour(number: float) -> datetime:
    return CLOSE + timedelta(hours=number)


@dataclass(frozen=True)
class Side:
    """A short sees the prices of a long in a mirror at the entry: 101 for 99."""

    direction: str

    def price(self, price: float | None) -> float | None:
        return price if price is None or self.direction == "long" else 2 * ENTRY - price

    def bar(self, open_at: datetime, prices: Prices) -> OHLC:
        if self.direction == "long":
            return OHLC(open_at, *prices)
        open_, high, low, close = (2 * ENTRY - price for price in prices)
        return OHLC(open_at, open_, low, high, close)

    def plan(self, valid_until: datetime = minute(MINUTES_VALID)) -> Plan:
        entry, stop, target = (self.price(price) or 0.0 for price in (ENTRY, STOP, TARGET))
        return Plan(self.direction, CLOSE, valid_until, entry, stop, target)


@pytest.fixture(params=DIRECTIONS)
def side(request: pytest.FixtureRequest) -> Side:
    return Side(request.param)


@dataclass
class Stage:
    """One instrument with one signal on it."""

    connection: Connection
    side: Side
    instrument_id: int = 0
    signal_id: int = 0

    def __post_init__(self) -> None:
        self.instrument_id = add_instrument(self.connection)

    def bars(self, bars: Bars, timeframe: Timeframe = M1, now: datetime = NEXT_YEAR) -> None:
        made = [self.side.bar(minute(number), prices) for number, prices in bars.items()]
        put_bars(self.connection, self.instrument_id, made, timeframe, now)

    def signal(self, valid_until: datetime = minute(MINUTES_VALID)) -> None:
        self.signal_id = add_signal(self.connection, self.instrument_id, self.side.plan(valid_until))

    def settle(self, through: datetime, timeframe: Timeframe = M1) -> None:
        settle(self.connection, self.instrument_id, through, timeframe)

    def track(self, now: datetime = NEXT_YEAR, cost_bps: float = 0.0) -> dict[str, Any]:
        outcomes.track(self.connection, now, cost_bps)
        return self.outcome()

    def outcome(self) -> dict[str, Any]:
        return outcomes_of(self.connection)[self.signal_id]


@pytest.fixture
def stage(connection: Connection, side: Side) -> Stage:
    return Stage(connection, side)


@dataclass(frozen=True)
class Case:
    """Minute bars and what must come of them; exit_minute is the instant of the exit."""

    bars: Bars
    status: str
    fill: float | None = None
    fill_minute: int = 0
    exit: float | None = None
    exit_minute: int | None = None
    r: float | None = None
    mfe: float | None = None
    mae: float | None = None
    is_ambiguous: bool = False


QUIET: Prices = (100.0, 101.0, 99.5, 100.5)
CASES = {
    "the target is hit": Case(
        {0: QUIET, 1: (100.5, 102.0, 100.25, 101.0)},
        *("target_hit", 100.0, 0, 102.0, 2),
        # Before the exit bar: up to 101 and down to 99.5; the exit price is 102.
        *(2.0, 2.0, -0.5),
    ),
    "the stop is hit": Case(
        {0: (100.0, 101.5, 99.5, 101.0), 1: (101.0, 101.75, 99.0, 99.5)},
        *("stop_hit", 100.0, 0, 99.0, 2),
        # The exit bar's own high of 101.75 does not count: it may have come after the stop.
        *(-1.0, 1.5, -1.0),
    ),
    "stop and target in one bar is an ambiguous stop": Case(
        {0: QUIET, 1: (100.5, 102.0, 99.0, 100.0)},
        *("stop_hit", 100.0, 0, 99.0, 2, -1.0, 1.0, -1.0, True),
    ),
    "an open beyond the stop exits at that open": Case(
        {0: QUIET, 1: (98.5, 98.75, 98.0, 98.25)},
        *("stop_hit", 100.0, 0, 98.5, 1, -1.5, 1.0, -1.5),
    ),
    "an open at the stop exits at that open": Case(
        {0: QUIET, 1: (99.0, 100.0, 98.0, 98.25)},
        *("stop_hit", 100.0, 0, 99.0, 1, -1.0, 1.0, -1.0),
    ),
    "an open beyond the stop comes before a target in the same bar": Case(
        {0: QUIET, 1: (98.5, 102.5, 98.0, 102.0)},
        *("stop_hit", 100.0, 0, 98.5, 1, -1.5, 1.0, -1.5, False),
    ),
    "an open beyond the target exits at the target": Case(
        {0: QUIET, 1: (103.0, 103.5, 102.5, 103.25)},
        *("target_hit", 100.0, 0, 102.0, 2, 2.0, 2.0, -0.5),
    ),
    "a target touched on the fill bar counts": Case(
        {0: (100.0, 102.0, 99.25, 101.0)},
        *("target_hit", 100.0, 0, 102.0, 1, 2.0, 2.0, 0.0),
    ),
    "a stop touched on the fill bar counts": Case(
        {0: (100.0, 101.75, 98.0, 99.5)},
        *("stop_hit", 100.0, 0, 99.0, 1, -1.0, 0.0, -1.0),
    ),
    "both on the fill bar is an ambiguous stop": Case(
        {0: (100.0, 102.25, 98.75, 99.5)},
        *("stop_hit", 100.0, 0, 99.0, 1, -1.0, 0.0, -1.0, True),
    ),
    "what nearly touches does not": Case(
        {0: (100.0, 101.75, 99.25, 100.0), 9: (100.0, 101.75, 99.25, 101.0)},
        *("expired", 100.0, 0, 101.0, 10, 1.0, 1.75, -0.75),
    ),
    "the fill is the first open and risk stays that of the entry": Case(
        {0: (100.5, 101.0, 100.25, 100.75), 1: (100.75, 102.25, 100.5, 102.0)},
        *("target_hit", 100.5, 0, 102.0, 2, 1.5, 1.5, -0.25),
    ),
    "the fill waits for the first bar": Case(
        {-1: (100.0, 150.0, 50.0, 100.0), 3: (100.25, 100.5, 99.75, 100.0), 5: (100.0, 102.0, 99.5, 102.0)},
        *("target_hit", 100.25, 3, 102.0, 6, 1.75, 1.75, -0.5),
    ),
    "a fill just inside stop and target is no gap": Case(
        {0: (99.25, 99.5, 99.25, 99.5), 1: (99.5, 99.5, 99.0, 99.25)},
        *("stop_hit", 99.25, 0, 99.0, 2, -0.25, 0.25, -0.25),
    ),
    "a fill at the stop is cancelled": Case({0: (99.0, 102.5, 98.0, 100.0)}, "cancelled", exit_minute=0),
    "a fill beyond the stop is cancelled": Case({0: (98.5, 100.0, 98.0, 99.0)}, "cancelled", exit_minute=0),
    "a fill at the target is cancelled": Case({2: (102.0, 102.5, 98.0, 100.0)}, "cancelled", exit_minute=2),
    "a fill beyond the target is cancelled": Case({0: (103.0, 104.0, 101.0, 102.0)}, "cancelled", exit_minute=0),
    "expiry exits at the last close": Case(
        {0: QUIET, 9: (100.5, 101.25, 99.25, 101.0)},
        *("expired", 100.0, 0, 101.0, 10, 1.0, 1.25, -0.75),
    ),
    "expiry after a silence exits where the last bar closed": Case(
        {0: QUIET, 4: (100.5, 100.75, 99.25, 99.5)},
        *("expired", 100.0, 0, 99.5, 5, -0.5, 1.0, -0.75),
    ),
    "a bar that closes after valid_until does not count": Case(
        {0: QUIET, 10: (100.5, 103.0, 100.5, 103.0)},
        *("expired", 100.0, 0, 100.5, 1, 0.5, 1.0, -0.5),
    ),
    "no bar at all expires unfilled": Case({-1: QUIET}, "expired", exit_minute=10),
    "no bar before valid_until expires unfilled": Case({10: QUIET}, "expired", exit_minute=10),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_signal_ends_as_the_rules_say(stage: Stage, case: Case) -> None:
    stage.bars(case.bars)
    stage.settle(minute(30))
    stage.signal()
    found = stage.track()
    side = stage.side
    assert (found["status"], found["is_ambiguous"]) == (case.status, case.is_ambiguous)
    assert (found["fill_price"], found["exit_price"]) == (side.price(case.fill), side.price(case.exit))
    assert found["fill_at"] == (None if case.fill is None else minute(case.fill_minute))
    assert found["exit_at"] == (None if case.exit_minute is None else minute(case.exit_minute))
    assert (found["r_multiple"], found["mfe_r"], found["mae_r"]) == (case.r, case.mfe, case.mae)
    assert (found["net_r"], found["net_return_pct"]) == (found["r_multiple"], found["gross_return_pct"])


def test_a_touch_of_the_stop_wins_over_a_later_target_and_the_other_way_round(stage: Stage) -> None:
    stage.bars({0: QUIET, 3: (100.5, 100.75, 99.0, 99.5), 5: (99.5, 103.0, 99.5, 103.0)})
    stage.settle(minute(30))
    stage.signal()
    assert (stage.track()["status"], stage.outcome()["exit_at"]) == ("stop_hit", minute(4))


class TestReturns:
    def test_net_is_gross_less_fee_and_slippage_twice(self, stage: Stage) -> None:
        stage.bars({0: QUIET, 1: (100.5, 102.0, 100.25, 101.0)})
        stage.settle(minute(30))
        stage.signal()
        found = stage.track(cost_bps=10.0 + 5.0)
        # From 100 to 102 (short: to 98) are 2.00 %; 15 bps twice are 0.30 %, which at a risk of 1 % are 0.3 R.
        assert found["gross_return_pct"] == 2.0
        assert found["net_return_pct"] == pytest.approx(1.7, rel=1e-12)
        assert found["r_multiple"] == 2.0
        assert found["net_r"] == pytest.approx(1.7, rel=1e-12)

    @pytest.mark.parametrize(
        # Long: 80 to 84 are 4 / 80 = 5 %. Short: 120 to 116 are 4 / 120 = 3.33 %. Risk 20 for either.
        ("direction", "fill", "target", "gross"),
        [("long", 80.0, 84.0, 5.0), ("short", 120.0, 116.0, 10 / 3)],
    )
    def test_returns_are_percent_of_the_fill_and_r_is_in_risks_of_the_entry(
        self, connection: Connection, direction: str, fill: float, target: float, gross: float
    ) -> None:
        instrument_id = add_instrument(connection)
        stop = fill - 20.0 if direction == "long" else fill + 20.0
        signal_id = add_signal(connection, instrument_id, Plan(direction, CLOSE, minute(10), fill, stop, target))
        put_bars(connection, instrument_id, [OHLC(CLOSE, fill, max(fill, target), min(fill, target), target)])
        settle(connection, instrument_id, minute(30))
        outcomes.track(connection, NEXT_YEAR, 25.0)
        found = outcomes_of(connection)[signal_id]
        assert found["gross_return_pct"] == pytest.approx(gross, rel=1e-12)
        assert found["net_return_pct"] == pytest.approx(gross - 0.5, rel=1e-12)
        assert found["r_multiple"] == pytest.approx(0.2, rel=1e-12)
        # Half a percent of the fill, in risks of 20.
        assert found["net_r"] == pytest.approx(0.2 - 0.005 * fill / 20, rel=1e-12)

    def test_what_was_never_filled_has_no_return(self, stage: Stage) -> None:
        stage.bars({0: (99.0, 100.0, 98.0, 99.0)})
        stage.settle(minute(30))
        stage.signal()
        found = stage.track(cost_bps=10.0)
        figures = ("fill_price", "gross_return_pct", "net_return_pct", "r_multiple", "net_r", "mfe_r", "mae_r")
        assert {name: found[name] for name in figures} == dict.fromkeys(figures)


BOTH: Prices = (100.5, 102.5, 98.5, 100.0)
FLAT: Prices = (100.5, 100.75, 100.25, 100.5)
HOURS: Bars = {0: QUIET, 60: BOTH, 120: QUIET, 180: QUIET}


class TestFinerBars:
    """A base of 1h whose second bar holds both, and finer bars of that hour."""

    @pytest.fixture
    def stage(self, connection: Connection, side: Side) -> Stage:
        stage = Stage(connection, side)
        stage.bars(HOURS, H1)
        stage.settle(hour(4), H1)
        stage.signal(hour(4))
        return stage

    def finer(self, stage: Stage, special: Bars, timeframe: Timeframe = M1, missing: Sequence[int] = ()) -> None:
        step = timeframe.seconds // 60
        grid = {number: special.get(number, FLAT) for number in range(60, 120, step) if number not in missing}
        stage.bars(grid, timeframe)
        assert ruling_bases(stage.connection, stage.instrument_id) == ["1h"]

    @pytest.mark.parametrize(
        ("special", "status", "exit_price", "exit_minute", "is_ambiguous"),
        [
            ({70: (100.5, 102.0, 100.25, 101.0), 80: (101.0, 101.0, 99.0, 99.5)}, "target_hit", 102.0, 71, False),
            ({70: (100.5, 100.5, 99.0, 99.5), 80: (99.5, 102.0, 99.5, 102.0)}, "stop_hit", 99.0, 71, False),
            ({70: BOTH, 80: (100.0, 102.5, 100.0, 102.0)}, "stop_hit", 99.0, 71, True),
            # The finer bar that opens beyond the stop exits at its open, whatever it touches afterwards.
            ({70: (98.75, 102.5, 98.5, 102.0)}, "stop_hit", 98.75, 70, False),
        ],
        ids=["target first", "stop first", "both in one finer bar", "a finer open beyond the stop"],
    )
    def test_complete_finer_bars_decide(
        self, stage: Stage, special: Bars, status: str, exit_price: float, exit_minute: int, is_ambiguous: bool
    ) -> None:
        self.finer(stage, special)
        found = stage.track()
        assert (found["status"], found["is_ambiguous"]) == (status, is_ambiguous)
        assert (found["exit_price"], found["exit_at"]) == (stage.side.price(exit_price), minute(exit_minute))

    def test_without_finer_bars_it_is_ambiguous(self, stage: Stage) -> None:
        found = stage.track()
        assert (found["status"], found["is_ambiguous"], found["r_multiple"]) == ("stop_hit", True, -1.0)

    def test_incomplete_finer_bars_decide_nothing(self, stage: Stage) -> None:
        self.finer(stage, {70: (100.5, 102.0, 100.25, 101.0)}, missing=[119])
        assert (stage.track()["status"], stage.outcome()["is_ambiguous"]) == ("stop_hit", True)

    def test_the_finest_complete_bars_decide(self, stage: Stage) -> None:
        self.finer(stage, {70: (100.5, 102.0, 100.25, 101.0)}, M1, missing=[119])
        self.finer(stage, {75: (100.5, 100.5, 99.0, 99.5), 80: (99.5, 102.0, 99.5, 102.0)}, M5)
        assert (stage.track()["status"], stage.outcome()["is_ambiguous"]) == ("stop_hit", False)

    def test_finer_bars_of_another_hour_decide_nothing(self, stage: Stage) -> None:
        stage.bars(dict.fromkeys(range(60), (100.5, 102.0, 100.25, 101.0)), M1)
        assert (stage.track()["status"], stage.outcome()["is_ambiguous"]) == ("stop_hit", True)

    def test_excursions_are_those_of_the_base_bars_before(self, stage: Stage) -> None:
        self.finer(stage, {65: (100.5, 101.75, 100.25, 101.0), 70: (101.0, 101.0, 99.0, 99.5)})
        found = stage.track()
        assert (found["mfe_r"], found["mae_r"]) == (1.0, -1.0)

    def test_they_decide_on_the_fill_bar_too(self, connection: Connection, side: Side) -> None:
        stage = Stage(connection, side)
        stage.bars({60: (100.0, 102.5, 98.5, 100.0), 120: QUIET, 180: QUIET}, H1)
        stage.settle(hour(4), H1)
        stage.signal(hour(4))
        special = {60: (100.0, 100.5, 99.5, 100.5), 70: (100.5, 102.0, 100.25, 101.0), 80: (101.0, 101.0, 98.5, 99.0)}
        self.finer(stage, special)
        assert (stage.track()["status"], stage.outcome()["is_ambiguous"]) == ("target_hit", False)


class TestWatermark:
    def test_bars_above_the_watermark_are_not_looked_at(self, stage: Stage) -> None:
        stage.bars({0: QUIET, 4: (100.5, 102.0, 100.0, 102.0)})
        stage.signal()
        stage.settle(minute(4))
        found = stage.track()
        assert (found["status"], found["fill_price"], found["tracked_through"]) == ("open", 100.0, minute(4))
        stage.settle(minute(5))
        assert stage.track()["status"] == "target_hit"

    def test_a_silence_above_the_watermark_does_not_expire_a_signal(self, stage: Stage) -> None:
        stage.bars({0: QUIET})
        stage.signal()
        stage.settle(minute(9.5))
        assert stage.track()["status"] == "open"
        stage.settle(minute(10))
        assert stage.track()["status"] == "expired"

    def test_without_a_watermark_nothing_happens(self, stage: Stage) -> None:
        stage.bars({0: QUIET, 1: (100.5, 102.0, 100.25, 101.0)})
        stage.signal()
        assert stage.track()["tracked_through"] == CLOSE

    def test_a_bar_that_is_still_forming_is_not_looked_at(self, stage: Stage) -> None:
        stage.bars({0: QUIET, 1: (100.5, 102.0, 100.25, 101.0)})
        stage.settle(minute(30))
        stage.signal()
        assert stage.track(now=minute(1.9))["status"] == "open"
        # The bar was forming at the last look, and is looked at when it has closed.
        assert stage.track(now=minute(2))["status"] == "target_hit"

    def test_a_bar_of_a_coarse_base_that_was_forming_is_looked_at_when_it_has_closed(self, stage: Stage) -> None:
        stage.bars({0: QUIET, 60: (100.5, 102.0, 100.0, 102.0)}, H1)
        stage.settle(hour(8), H1)
        stage.signal(hour(8))
        for now in (minute(7), minute(61), minute(95)):
            assert stage.track(now=now)["status"] == "open"
        found = stage.track(now=hour(2))
        assert (found["status"], found["fill_price"], found["mae_r"]) == ("target_hit", 100.0, -0.5)

    def test_a_signal_of_the_future_is_left_alone(self, stage: Stage) -> None:
        stage.bars({0: QUIET})
        stage.settle(minute(30))
        stage.signal()
        assert stage.track(now=CLOSE)["tracked_through"] == CLOSE

    def test_only_the_instruments_asked_for_are_tracked(self, stage: Stage) -> None:
        stage.bars({0: (100.0, 102.0, 99.5, 101.0)})
        stage.settle(minute(30))
        stage.signal()
        nothing = outcomes.track(stage.connection, NEXT_YEAR, 0.0, [stage.instrument_id + 1])
        assert (dict(nothing), stage.outcome()["status"]) == ({}, "open")
        assert dict(outcomes.track(stage.connection, NEXT_YEAR, 0.0, [stage.instrument_id])) == {"target_hit": 1}


class TestFinality:
    def test_a_later_correction_never_reopens(self, stage: Stage) -> None:
        stage.bars({0: QUIET, 1: (100.5, 102.0, 100.25, 101.0)})
        stage.settle(minute(30))
        stage.signal()
        closed = stage.track()
        stage.bars({0: (100.0, 100.5, 98.0, 98.5), 1: (98.5, 99.0, 98.0, 98.5)})
        assert stage.track() == closed

    def test_a_correction_of_what_was_walked_does_not_change_where_an_open_signal_stands(self, stage: Stage) -> None:
        stage.bars({0: QUIET})
        stage.settle(minute(5))
        stage.signal()
        stage.track()
        stage.bars({0: (100.25, 100.5, 98.0, 98.5), 5: (100.5, 102.0, 100.25, 101.0)})
        stage.settle(minute(30))
        found = stage.track()
        assert (found["status"], found["fill_price"], found["mae_r"]) == ("target_hit", stage.side.price(100.0), -0.5)

    def test_a_bar_that_comes_late_below_the_watermark_does_not_fill_an_open_signal(self, stage: Stage) -> None:
        stage.bars({-1: QUIET})
        stage.settle(minute(5))
        stage.signal()
        stage.track()
        stage.bars({1: QUIET, 6: (100.25, 100.5, 100.0, 100.5)})
        stage.settle(minute(30))
        assert stage.track()["fill_at"] == minute(6)

    def test_tracking_again_changes_nothing(self, stage: Stage) -> None:
        stage.bars({0: QUIET, 1: (100.5, 101.0, 100.25, 101.0)})
        stage.settle(minute(4))
        stage.signal()
        assert stage.track() == stage.track()
        assert stage.track(now=minute(1)) == stage.outcome()

    def test_a_signal_that_came_after_the_reach_was_measured_is_left_for_the_next_look(self, stage: Stage) -> None:
        stage.bars({-600: QUIET, -599: (100.5, 102.0, 100.25, 101.0), 1: QUIET, 40: (100.5, 102.0, 100.0, 101.0)})
        stage.settle(hour(2))
        stage.signal()
        queries = Queries("outcomes")
        values: dict[str, Any] = {"now": NEXT_YEAR, "instrument_ids": None}
        reach = queries.rows(stage.connection, "reach", **values)[0]
        plan = stage.side.plan()
        span = (minute(-600), minute(-590))
        older = Plan(plan.direction, *span, plan.entry, plan.stop, plan.target)
        longer = Plan(plan.direction, minute(1), hour(1), plan.entry, plan.stop, plan.target)
        others = [add_signal(stage.connection, stage.instrument_id, one) for one in (older, longer)]
        queries.rows(stage.connection, "track", cost_bps=0.0, **values, **reach)
        stage.track()
        found = outcomes_of(stage.connection)
        assert [found[signal_id]["status"] for signal_id in others] == ["target_hit", "target_hit"]


@pytest.mark.parametrize("seed", range(max(1, round(6 * scale()))))
def test_every_random_signal_ends_as_a_plain_loop_over_its_bars_says(connection: Connection, seed: int) -> None:
    market = RandomMarket(connection, seed)
    outcomes.track(connection, NEXT_YEAR, COST_BPS)
    market.assert_agreement()
    counts = Counter(one["status"] for one in market.expected.values())
    assert all(counts[status] >= 5 for status in ("open", "target_hit", "stop_hit", "expired", "cancelled"))
    assert sum(one.get("is_ambiguous", False) for one in market.expected.values()) >= 3


def test_tracking_in_many_small_steps_is_tracking_in_one(connection: Connection) -> None:
    market = RandomMarket(connection, 100)
    now = CLOSE
    rng = np.random.default_rng(1)
    while now < MONDAY + timedelta(days=21):
        outcomes.track(connection, now, COST_BPS)
        # At any second: most looks fall inside a bar.
        longest = 15 if now < minute(PATH_MINUTES) else 600
        now += timedelta(seconds=int(rng.integers(1, 60 * longest)))
    outcomes.track(connection, NEXT_YEAR, COST_BPS)
    market.assert_agreement()


def test_two_trackers_at_once_do_what_one_does(database: Database) -> None:
    """The second one begins while the first holds the signals, and is let in when that one commits."""
    with database.transaction() as connection:
        market = RandomMarket(connection, 200)
    half_way = CLOSE + timedelta(hours=9)
    with database.transaction() as first:
        outcomes.track(first, half_way, COST_BPS)
        second = threading.Thread(target=_track, args=(database, NEXT_YEAR))
        second.start()
        _wait_for_a_blocked_session(database)
    second.join()
    with database.transaction() as connection:
        market.connection = connection
        market.assert_agreement()


def _track(database: Database, now: datetime) -> None:
    with database.transaction() as connection:
        outcomes.track(connection, now, COST_BPS)


def _wait_for_a_blocked_session(database: Database) -> None:
    blocked = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
    )
    with database.autocommit() as connection:
        for _ in range(500):
            row = connection.execute(blocked).fetchone()
            if row is not None and row[0]:
                return
            connection.execute("SELECT pg_sleep(0.02)")
    raise AssertionError("the second tracker never waited for the first one")
