"""When outcomes are looked at: up to the watermark, closed bars only, and never again once they are final."""

from __future__ import annotations

from typing import Any

from signalhub import outcomes
from signalhub.db.queries import Queries
from signalhub.domain.timeframe import H1
from tests.market import NEXT_YEAR
from tests.outcome_stage import CLOSE, QUIET, Stage, hour, minute
from tests.signals import Plan, add_signal, outcomes_of


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
        assert (dict(nothing.by_status), stage.outcome()["status"]) == ({}, "open")
        found = outcomes.track(stage.connection, NEXT_YEAR, 0.0, [stage.instrument_id])
        assert (dict(found.by_status), len(found.ended)) == ({"target_hit": 1}, 1)


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
