"""Each rule of DESIGN 5 by hand-made bars: how a signal is filled, how it ends, and what that returns."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from signalhub import outcomes
from signalhub.db.connection import Connection
from tests.market import NEXT_YEAR
from tests.outcome_stage import CLOSE, QUIET, Bars, Stage, minute
from tests.signals import OHLC, Plan, add_instrument, add_signal, outcomes_of, put_bars, settle


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
