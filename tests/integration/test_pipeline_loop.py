"""The pipeline's loop by a clock of our own: evaluated when settled, waited for in the grace, on record after it."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from signalhub.db.engine import Database
from signalhub.domain.timeframe import M15
from signalhub.jobs.scorer import cores
from signalhub.service.enduring import Keeper, Stopped
from signalhub.service.pipeline import PipelineLoop
from tests.engine_rows import abstentions, evaluations, signals
from tests.live_stage import FILES, SETTINGS, Stage
from tests.market import rows
from tests.rising import Rising


class Loop:
    """A loop that looks when the test says so."""

    def __init__(self, database: Database) -> None:
        self.stage = Stage(database)
        self.now = self.stage.close - timedelta(seconds=30)
        keeper = Keeper("pipeline", database, SETTINGS, threading.Event())
        strategies = [Rising(timeframes=(M15,))]
        self.loop = PipelineLoop(database, SETTINGS, strategies, threading.Event(), keeper, lambda: self.now)
        self.settings = SETTINGS.replace(lookback_hours=0.1)
        self.loop.settings = self.settings

    def begin(self) -> None:
        self.loop._catch_up()

    def found(self) -> list[dict[str, Any]]:
        """The evaluations of the close."""
        return [row for row in evaluations(self.stage.database) if row["close_at"] == self.stage.close]

    def look(self, seconds: float) -> list[str]:
        """One look so long after the close; the origins of the signals there are."""
        self.now = self.stage.close + timedelta(seconds=seconds)
        self.loop.look()
        return [row["origin"] for row in signals(self.stage.database)]


@pytest.fixture
def loop(database: Database) -> Iterator[Loop]:
    made = Loop(database)
    yield made
    made.loop.scorer.close()


def test_a_close_is_evaluated_as_soon_as_its_bars_are_settled(loop: Loop) -> None:
    key = loop.stage.instrument("A/USDT")
    loop.begin()
    assert loop.look(1) == []
    loop.stage.rises(key)
    assert loop.look(2) == ["live"]
    assert loop.look(3) == ["live"]
    assert [row["instruments_seen"] for row in loop.found()] == [1]


def test_the_one_that_is_late_is_waited_for_in_the_grace_and_abstains_after_it(loop: Loop) -> None:
    early, late = loop.stage.instrument("A/USDT"), loop.stage.instrument("B/USDT")
    loop.begin()
    loop.stage.rises(early)
    assert loop.look(9) == []
    assert loop.look(10) == ["live"]
    loop.stage.rises(late)
    assert loop.look(11) == ["live"]
    assert loop.stage.late() == ["B/USDT"]


def test_a_close_at_which_no_bar_came_at_all_is_on_record(loop: Loop) -> None:
    loop.stage.instrument("A/USDT")
    loop.stage.instrument("B/USDT")
    loop.begin()
    assert loop.look(5) == []
    assert loop.found() == []
    assert loop.look(11) == []
    (found,) = loop.found()
    assert (found["origin"], found["instruments_seen"], found["instruments_abstained"]) == ("live", 0, 2)
    assert {row["reason"] for row in abstentions(loop.stage.database)} == {"not_settled"}


def test_a_start_just_after_a_close_still_makes_it_live(loop: Loop) -> None:
    loop.stage.rises(loop.stage.instrument("A/USDT"))
    loop.now = loop.stage.close + timedelta(seconds=20)
    loop.begin()
    assert loop.look(21) == ["live"]


def test_a_start_long_after_a_close_makes_it_a_replay(loop: Loop) -> None:
    loop.stage.rises(loop.stage.instrument("A/USDT"))
    loop.loop.settings = loop.settings.replace(lookback_hours=1.0)
    loop.now = loop.stage.close + timedelta(minutes=16)
    loop.begin()
    assert set(loop.look(16 * 60 + 1)) == {"replay"}


def test_instruments_of_files_are_left_to_the_catch_up(loop: Loop) -> None:
    loop.stage.rises(loop.stage.instrument("A/USDT", FILES), FILES)
    loop.begin()
    assert loop.look(1) == []
    loop.begin()
    assert loop.look(2) == ["replay"]


def test_one_that_is_not_followed_any_more_holds_up_nobody(loop: Loop) -> None:
    followed, gone = loop.stage.instrument("A/USDT"), loop.stage.instrument("B/USDT")
    with loop.stage.database.transaction() as connection:
        connection.execute(
            "UPDATE market.watermarks SET settled_through = settled_through - interval '2 hours' "
            "WHERE instrument_id = %s",
            (gone,),
        )
    loop.begin()
    assert loop.look(1) == []  # nobody is there yet: all may be on their way after a start
    loop.stage.rises(followed)
    assert loop.look(2) == ["live"]
    assert loop.stage.late() == ["B/USDT"]


def test_a_clock_that_was_ahead_and_is_put_right_keeps_no_close_from_being_live(loop: Loop) -> None:
    key = loop.stage.instrument("A/USDT")
    loop.now += timedelta(hours=3)
    loop.begin()
    loop.look(3 * 3600)
    loop.look(-20)
    loop.stage.rises(key)
    assert loop.look(2) == ["live"]


def test_long_work_ends_half_way_when_it_is_asked_to(loop: Loop) -> None:
    loop.stage.rises(loop.stage.instrument("A/USDT"))
    loop.now = loop.stage.close + timedelta(hours=1)
    loop.loop.settings = loop.settings.replace(lookback_hours=2.0)
    loop.loop.keeper.stop.set()
    with pytest.raises(Stopped):
        loop.begin()


@pytest.mark.skipif(cores() < 2, reason="one core: there is no second process")
def test_with_instruments_enough_a_second_process_scores_half_of_them_until_the_loop_ends(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signalhub.jobs.scorer.WORTH_A_PROCESS", 3)
    keys = [loop.stage.instrument(f"{letter}/USDT") for letter in "ABC"]
    loop.begin()
    loop.loop.scorer.wait()
    pid = loop.loop.scorer.helper_pid
    assert pid is not None
    for key in keys:
        loop.stage.rises(key)
    assert loop.look(2) == ["live"] * 3
    assert [row["instruments_seen"] for row in loop.found()] == [3]
    counted = "SELECT snapshot_hits + snapshot_misses AS frames FROM engine.evaluations WHERE close_at = %s"
    # Two processes, each with a frame of its own.
    assert rows(loop.stage.database, counted, (loop.stage.close,)) == [{"frames": 2}]
    loop.loop.keeper.stop.set()
    loop.loop.run()
    assert pid not in {child.pid for child in multiprocessing.active_children()}
