"""`once` by a clock of our own: what is live, what is a replay, who is waited for and who abstains."""

from __future__ import annotations

from datetime import timedelta

import pytest

from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import H1, M5, M15, Timeframe
from signalhub.jobs.evaluation import Scope, once, replay
from tests.engine_rows import abstentions, evaluations, every_byte, register, signals
from tests.live_stage import EXCHANGE, FILES, SETTINGS, Stage
from tests.market import MONDAY, bar, rows
from tests.rising import Rising


@pytest.fixture
def stage(database: Database) -> Stage:
    return Stage(database)


class TestOrigin:
    def test_a_signal_in_time_on_bars_of_a_live_feed_is_live_and_published(self, stage: Stage) -> None:
        stage.rises(stage.instrument("A/USDT"))
        assert stage.once(seconds=5) == 1
        now = stage.close + timedelta(seconds=5)
        found = rows(stage.database, "SELECT origin, close_at, published_at, recorded_at FROM analytics.signals")
        assert found == [{"origin": "live", "close_at": stage.close, "published_at": now, "recorded_at": now}]
        assert [row["origin"] for row in evaluations(stage.database)] == ["live"]

    def test_the_same_bars_from_a_feed_that_is_not_live_give_a_replay(self, stage: Stage) -> None:
        stage.rises(stage.instrument("A/USDT", FILES), FILES)
        assert stage.once(seconds=5) == 1
        assert stage.origins() == {"A/USDT": "replay"}
        assert rows(stage.database, "SELECT published_at FROM analytics.signals") == [{"published_at": None}]

    def test_a_bar_that_a_file_brought_to_an_instrument_of_a_live_feed_gives_a_replay(self, stage: Stage) -> None:
        live, filed = stage.instrument("A/USDT"), stage.instrument("B/USDT")
        register(stage.database, InstrumentSpec("B/USDT", "test", "crypto"), FILES)
        stage.rises(live)
        stage.rises(filed, FILES)
        assert stage.once(seconds=5) == 2
        assert stage.origins() == {"A/USDT": "live", "B/USDT": "replay"}

    def test_live_and_other_instruments_share_a_close(self, stage: Stage) -> None:
        stage.rises(stage.instrument("A/USDT"))
        stage.rises(stage.instrument("B/USDT", FILES), FILES)
        assert stage.once(seconds=5) == 2
        assert stage.origins() == {"A/USDT": "live", "B/USDT": "replay"}
        assert [(row["origin"], row["instruments_seen"]) for row in evaluations(stage.database)] == [
            ("live", 1),
            ("replay", 1),
        ]

    @pytest.mark.parametrize(
        # One bar, at most a quarter of an hour.
        ("timeframe", "seconds"),
        [(M5, 300), (M15, 900), (H1, 900)],
        ids=str,
    )
    def test_the_time_to_be_live_is_one_bar_and_at_most_a_quarter_of_an_hour(
        self, database: Database, timeframe: Timeframe, seconds: int
    ) -> None:
        stage = Stage(database, timeframe)
        stage.rises(stage.instrument("A/USDT"))
        stage.once(seconds=seconds + 0.001)
        assert stage.origins() == {"A/USDT": "replay"}
        with database.transaction() as connection:
            for table in ("outcomes", "signal_inputs", "signals", "abstentions", "evaluations"):
                connection.execute(f"DELETE FROM engine.{table}".encode())
        stage.once(seconds=seconds)
        assert stage.origins() == {"A/USDT": "live"}

    def test_a_block_that_is_not_done_in_time_becomes_a_replay(self, stage: Stage) -> None:
        stage.rises(stage.instrument("A/USDT"))
        clock = [stage.close + timedelta(seconds=5)]

        def dawdle() -> None:
            clock[0] = stage.close + timedelta(minutes=16)

        assert stage.once(5, Rising(timeframes=(M15,), on_assess=dawdle), lambda: clock[0]) == 1
        assert stage.origins() == {"A/USDT": "replay"}
        assert [row["origin"] for row in evaluations(stage.database)] == ["replay"]

    def test_a_replay_right_after_the_close_is_a_replay(self, stage: Stage) -> None:
        stage.rises(stage.instrument("A/USDT"))
        now = stage.close + timedelta(seconds=5)
        replay(stage.database, Scope(timeframes=(M15,)), [Rising()], SETTINGS, now)
        assert stage.origins() == {"A/USDT": "replay"}

    def test_a_live_signal_and_its_replay_stand_side_by_side(self, stage: Stage) -> None:
        stage.rises(stage.instrument("A/USDT"))
        stage.once(seconds=5)
        replay(stage.database, Scope(timeframes=(M15,)), [Rising()], SETTINGS, stage.close + timedelta(hours=1))
        live, replayed = signals(stage.database, "tracked_through")
        # What can still be done with a signal is told of live ones alone.
        assert (live["validity"], live["validity_since"]) == ("valid", stage.close)
        # The version differs in nothing; only the origin does.
        assert live | {"origin": "replay", "validity": None, "validity_since": None} == replayed


class TestOnce:
    def test_twice_changes_nothing(self, stage: Stage) -> None:
        stage.rises(stage.instrument("A/USDT"))
        stage.once(seconds=5)
        stored = every_byte(stage.database)
        assert stage.once(seconds=30) == 0
        assert stage.once(seconds=3600) == 0
        assert every_byte(stage.database) == stored

    def test_closes_before_the_look_back_are_left_alone(self, stage: Stage) -> None:
        stage.rises(stage.instrument("A/USDT"))
        now = stage.close + timedelta(hours=3)
        done = once(stage.database, [Rising(timeframes=(M15,))], SETTINGS.replace(lookback_hours=2.0), lambda: now)
        assert (done.closes, signals(stage.database)) == (0, [])
        done = once(stage.database, [Rising(timeframes=(M15,))], SETTINGS.replace(lookback_hours=3.5), lambda: now)
        # The look-back begins half an hour before the last close: that one and the one before lie in it.
        assert done.closes == 2
        assert stage.origins() == {"A/USDT": "replay"}

    def test_a_bar_that_has_not_closed_is_not_evaluated(self, stage: Stage) -> None:
        stage.rises(stage.instrument("A/USDT"))
        stage.once(seconds=-1)
        assert stage.close not in [row["close_at"] for row in evaluations(stage.database)]


class TestSettling:
    def test_within_the_grace_an_instrument_is_waited_for(self, stage: Stage) -> None:
        a, b = stage.instrument("A/USDT"), stage.instrument("B/USDT")
        stage.rises(a)
        assert stage.once(seconds=9.9) == 0
        assert evaluations(stage.database) == []
        stage.rises(b)
        assert stage.once(seconds=9.95) == 2
        assert stage.origins() == {"A/USDT": "live", "B/USDT": "live"}

    def test_after_the_grace_it_abstains_and_the_others_go_on(self, stage: Stage) -> None:
        a, _ = stage.instrument("A/USDT"), stage.instrument("B/USDT")
        stage.rises(a)
        assert stage.once(seconds=10) == 1
        assert stage.late() == ["B/USDT"]
        (found,) = evaluations(stage.database)
        assert (found["instruments_seen"], found["instruments_abstained"], found["signals"]) == (1, 1, 1)

    def test_a_bar_without_its_watermark_is_not_settled(self, stage: Stage) -> None:
        stage.rises(stage.instrument("A/USDT"), is_settled=False)
        assert stage.once(seconds=60) == 0
        assert stage.late() == ["A/USDT"]

    def test_who_abstained_for_a_bar_is_never_scored_live_for_it(self, stage: Stage) -> None:
        a, b, c = (stage.instrument(symbol) for symbol in ("A/USDT", "B/USDT", "C/USDT"))
        stage.rises(a)
        stage.once(seconds=10)
        assert stage.late() == ["B/USDT", "C/USDT"]
        # All are there now, well before the deadline. Files have brought others: the close is looked at again.
        stage.rises(b)
        stage.rises(c)
        for number in range(3):
            stage.rises(stage.instrument(f"F{number}/USDT", FILES), FILES)
        stage.once(seconds=60)
        origins = stage.origins()
        assert origins["A/USDT"] == "live"
        assert origins["F0/USDT"] == "replay"
        assert {origins.get("B/USDT"), origins.get("C/USDT")} <= {None, "replay"}
        assert stage.late() == ["B/USDT", "C/USDT"]

    def test_past_the_deadline_a_late_instrument_is_replayed_like_all_others(self, stage: Stage) -> None:
        a, b = stage.instrument("A/USDT"), stage.instrument("B/USDT")
        stage.rises(a)
        stage.rises(b, is_settled=False)
        stage.once(seconds=901)
        assert stage.origins() == {"A/USDT": "replay", "B/USDT": "replay"}
        assert stage.late() == []

    def test_what_was_replayed_before_its_bars_were_all_there_is_replayed_again(self, database: Database) -> None:
        """As after an hour's sleep: the pipeline looks before the feed has brought what it missed."""
        stage = Stage(database, M5)
        close = MONDAY + 240 * M5.span
        key = register(database, InstrumentSpec("A/USDT", "test", "crypto"), EXCHANGE)
        stage.put(key, [bar(key, MONDAY + number * M5.span) for number in range(239)], EXCHANGE)
        stage.settle(key, close - M5.span)
        settings, rising = SETTINGS.replace(lookback_hours=0.5), [Rising(timeframes=(M15,))]
        once(database, rising, settings, lambda: close + timedelta(minutes=20))
        assert [row["reason"] for row in abstentions(database) if row["close_at"] == close] == ["stale"]
        values = {"open": 100.0, "high": 102.0, "low": 99.5, "close": 101.0}
        stage.put(key, [bar(key, close - M5.span, **values)], EXCHANGE)
        stage.settle(key, close)
        for signals_then in (1, 0):
            done = once(database, rising, settings, lambda: close + timedelta(minutes=21))
            assert (done.closes, done.signals) == (signals_then, signals_then)
        assert stage.origins() == {"A/USDT": "replay"}
        assert [row for row in abstentions(database) if row["close_at"] == close] == []
