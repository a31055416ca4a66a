"""The gate and the quality of a window: covered by its bars, fresh, free of flagged bars where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from signalhub.db.engine import Database
from signalhub.domain.session import ALWAYS, Calendar, Session
from signalhub.domain.signal import Origin, Reason
from signalhub.domain.timeframe import D1, H1, M15, Timeframe
from signalhub.domain.trading_time import traded
from signalhub.jobs import pipeline
from signalhub.jobs.evaluation import replay
from signalhub.jobs.scoring import Block
from signalhub.settings import Settings
from signalhub.signals.completeness import with_covered
from signalhub.signals.gate import late_reasons
from signalhub.snapshot import WINDOW_BARS, Liveness
from tests.engine_rows import abstentions
from tests.evaluation_market import EVERYTHING, SETTINGS, add, close_of, lively_quarters, settle
from tests.market import MONDAY, NEXT_YEAR, put
from tests.rising import Rising

HOUR_US = 3_600_000_000


def silent(database: Database, reason: Reason) -> list[datetime]:
    """The closes of quarter hours at which an instrument abstained for a reason."""
    return [row["close_at"] for row in abstentions(database) if (row["reason"], row["timeframe"]) == (reason, "15m")]


def walk(database: Database, settings: Settings = SETTINGS) -> None:
    replay(database, EVERYTHING, [Rising(timeframes=(M15,))], settings, NEXT_YEAR)


class TestWindows:
    """Quarter hours by their number."""

    @pytest.fixture
    def instrument_id(self, database: Database) -> int:
        return add(database, "A/USDT")

    def without(self, database: Database, instrument_id: int, missing: int) -> None:
        """300 bars of which so many are missing from the hundredth on, and the watermark says: they did not trade."""
        bars = lively_quarters(1, instrument_id)
        put(database, pl.concat([bars.head(100), bars.tail(bars.height - 100 - missing)]), M15)
        settle(database)

    def test_a_window_must_be_covered_to_nine_tenths(self, database: Database, instrument_id: int) -> None:
        self.without(database, instrument_id, 7)
        walk(database)
        # 60 bars over 67 quarters are 89.6 %, as long as the window holds a bar before and after the hole.
        assert silent(database, Reason.INCOMPLETE) == [close_of(107 + k) for k in range(WINDOW_BARS - 1)]

    def test_a_smaller_hole_does_not_matter(self, database: Database, instrument_id: int) -> None:
        self.without(database, instrument_id, 6)
        walk(database)
        assert silent(database, Reason.INCOMPLETE) == []

    def test_how_much_must_be_covered_is_a_setting(self, database: Database, instrument_id: int) -> None:
        self.without(database, instrument_id, 7)
        walk(database, SETTINGS.replace(complete_pct=89.0))
        assert silent(database, Reason.INCOMPLETE) == []

    def spiked(self, database: Database, instrument_id: int) -> None:
        is_spike = pl.col("open_at") == MONDAY + 100 * M15.span
        bars = lively_quarters(1, instrument_id)
        put(database, bars.with_columns(high=pl.when(is_spike).then(pl.col("high") * 3).otherwise("high")), M15)
        settle(database)

    def test_a_window_with_an_outlier_is_scored_unless_told_otherwise(
        self, database: Database, instrument_id: int
    ) -> None:
        self.spiked(database, instrument_id)
        walk(database)
        assert silent(database, Reason.FLAGGED_BARS) == []

    def test_told_so_it_is_silent_as_long_as_it_holds_the_outlier(self, database: Database, instrument_id: int) -> None:
        self.spiked(database, instrument_id)
        walk(database, SETTINGS.replace(gate_flagged_bars=True))
        assert silent(database, Reason.FLAGGED_BARS) == [close_of(100 + k) for k in range(WINDOW_BARS)]

    def test_one_close_alone_gives_what_the_whole_replay_gave(self, database: Database, instrument_id: int) -> None:
        self.spiked(database, instrument_id)
        settings = SETTINGS.replace(gate_flagged_bars=True)
        pipeline.refresh(database, NEXT_YEAR)
        for number in (99, 100, 159, 160):
            block = Block(M15, [close_of(number)], Origin.REPLAY)
            pipeline.evaluate_block(database, block, [Rising(timeframes=(M15,))], settings, NEXT_YEAR)
        assert silent(database, Reason.FLAGGED_BARS) == [close_of(100), close_of(159)]


def test_who_is_two_bars_or_two_hours_behind_is_late_and_who_is_farther_behind_is_stale() -> None:
    behind = {1: (2.0, 0.03), 2: (2.1, 0.04), 3: (2.0, 2.0), 4: (2.0, 48.0), 5: (0.0, 0.0)}
    found = Liveness(live=[], unsettled=list(behind), other=[], awaited=[], behind=behind)
    late, stale = Reason.NOT_SETTLED, Reason.STALE
    assert late_reasons(found, Settings()) == {1: late, 2: stale, 3: late, 4: stale, 5: late}


class TestCovered:
    """By the time in which the market traded."""

    week = Calendar(
        "24/5",
        tuple(
            Session(MONDAY + timedelta(days=7 * k, hours=-2), MONDAY + timedelta(days=7 * k + 4, hours=22))
            for k in range(2)
        ),
    )

    def covered(self, opens: Sequence[datetime], timeframe: Timeframe, calendar: Calendar, bars: int) -> float | None:
        frame = pl.DataFrame({"instrument_id": [1] * len(opens), "open_at": opens})
        frame = frame.with_columns(close_at=pl.col("open_at") + timeframe.span)
        covered: float | None = with_covered(frame, {1: calendar}, bars)["covered_pct"][-1]
        return covered

    def test_time_adds_up_over_sessions(self) -> None:
        hours = [-3, -2, 0, 118, 119, 160, 167, 400]
        instants = np.array([round((MONDAY + timedelta(hours=h)).timestamp() * 1e6) for h in hours])
        assert (traded(self.week, instants) // HOUR_US).tolist() == [0, 0, 2, 120, 120, 120, 121, 240]

    def test_a_closed_weekend_is_no_hole(self) -> None:
        opens = [MONDAY + timedelta(days=day) for day in (0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11)]
        assert self.covered(opens, D1, self.week, 11) == 100.0

    def test_two_hours_of_a_sunday_weigh_two_hours(self) -> None:
        opens = [MONDAY + timedelta(days=day) for day in (0, 1, 2, 3, 4, 7, 8, 9, 10)]
        assert self.covered(opens, D1, self.week, 9) == pytest.approx(100 * (118 + 96) / (118 + 98))

    def test_round_the_clock_every_bar_weighs_the_same(self) -> None:
        opens = [MONDAY + timedelta(hours=hour) for hour in (0, 1, 2, 4)]
        assert self.covered(opens, H1, Calendar(ALWAYS), 4) == pytest.approx(80.0)
        assert self.covered(opens, H1, Calendar(ALWAYS), 5) is None

    def test_where_nothing_was_to_be_expected_nothing_is_said(self) -> None:
        assert self.covered([MONDAY + timedelta(days=5)], H1, self.week, 1) is None
