"""Why a close was not scored, or its candidate held back: one strategy that proposes often, bar by bar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from signalhub.db.engine import Database
from signalhub.domain.signal import Origin
from signalhub.domain.timeframe import H1, M15, Timeframe
from signalhub.jobs import pipeline
from signalhub.jobs.evaluation import Scope
from signalhub.jobs.scoring import Block
from signalhub.snapshot import WINDOW_BARS
from tests.engine_rows import abstentions, signals
from tests.evaluation_market import SETTINGS, add, close_of, lively_quarters, replayed, settle
from tests.lively import lively_bars
from tests.market import MONDAY, NEXT_YEAR, bar, frame, put
from tests.rising import Parameters, Rising


def reasons(database: Database, reason: str, timeframe: Timeframe = M15) -> list[datetime]:
    """The closes at which an instrument abstained for a reason."""
    return [row["close_at"] for row in abstentions(database)
            if row["reason"] == reason and row["timeframe"] == timeframe.code]  # fmt: skip


def _rises(instrument_id: int, at: Sequence[int], count: int = 90) -> pl.DataFrame:
    """Bars around 100 that all close where the one before did, or fall by a hair, but for some that rise."""
    made, price = [], 100.0
    for number in range(count):
        close = price + 0.5 if number in at else price
        values = {"open": price, "high": close + 0.25, "low": price - 0.25, "close": close}
        made.append(bar(instrument_id, close_of(number - 1), **values))
        price = close
    return frame(made)


class TestAbstentions:
    """One instrument and a strategy that proposes often; bars by their number."""

    @pytest.fixture
    def instrument_id(self, database: Database) -> int:
        return add(database, "A/USDT")

    def walk(self, database: Database, timeframes: tuple[Timeframe, ...] = (M15,), **changes: Any) -> None:
        replayed(database, Scope(timeframes=timeframes), [Rising(**changes)])

    def test_the_first_window_warms_up(self, database: Database, instrument_id: int) -> None:
        put(database, lively_quarters(1, instrument_id), M15)
        settle(database)
        self.walk(database)
        assert reasons(database, "warming_up") == [close_of(number) for number in range(WINDOW_BARS - 1)]
        assert len({row["close_at"] for row in signals(database)}) > 20

    def test_a_filled_bar_silences_every_window_that_holds_it(self, database: Database, instrument_id: int) -> None:
        bars = lively_quarters(1, instrument_id)
        put(database, bars.with_columns(filled_count=(pl.col("open_at") == bars["open_at"][100]).cast(pl.Int32)), M15)
        settle(database)
        self.walk(database)
        assert reasons(database, "filled_bars") == [close_of(number) for number in range(100, 100 + WINDOW_BARS)]

    def test_an_incomplete_bar_silences_every_window_that_holds_it(
        self, database: Database, instrument_id: int
    ) -> None:
        bars = lively_bars(1, instrument_id, MONDAY, M15, 4 * 130)
        # Hour 65 lacks a quarter, and nobody says that it did not trade.
        put(database, bars.filter(pl.col("open_at") != MONDAY + timedelta(hours=65, minutes=15)), M15)
        settle(database, MONDAY + timedelta(hours=64))
        self.walk(database, (H1,))
        assert reasons(database, "stale", H1) == [close_of(65, H1)]
        assert reasons(database, "incomplete", H1) == [close_of(number, H1) for number in range(66, 65 + WINDOW_BARS)]

    def test_a_bar_that_was_not_traded_is_not_missing(self, database: Database, instrument_id: int) -> None:
        bars = lively_bars(1, instrument_id, MONDAY, M15, 4 * 70)
        put(database, bars.filter(pl.col("open_at") != MONDAY + timedelta(hours=65, minutes=15)), M15)
        settle(database, MONDAY + timedelta(hours=70))
        self.walk(database, (H1,))
        assert reasons(database, "incomplete", H1) == []

    def test_a_correction_that_was_not_rolled_up_silences_the_closes_after_it(
        self, database: Database, instrument_id: int
    ) -> None:
        put(database, lively_quarters(1, instrument_id), M15)
        settle(database)
        pipeline.refresh(database, NEXT_YEAR)
        put(database, frame([bar(instrument_id, close_of(149), price=100.0)]), M15)
        block = Block(M15, [close_of(number) for number in range(140, 160)], Origin.REPLAY)
        pipeline.evaluate_block(database, block, [Rising()], SETTINGS, NEXT_YEAR)
        assert reasons(database, "dirty") == [close_of(number) for number in range(150, 160)]

    def test_a_candidate_soon_after_another_one_waits(self, database: Database, instrument_id: int) -> None:
        put(database, _rises(instrument_id, at=(70, 71, 72, 80, 84)), M15)
        settle(database)
        self.walk(database, parameters=Parameters(cooldown_bars=3))
        # 71 and 72 are cooled by 70, 72 also by 71 though that was never published; 84 is four bars after 80.
        assert reasons(database, "cooldown") == [close_of(71), close_of(72)]
        assert [row["close_at"] for row in signals(database)] == [close_of(70), close_of(80), close_of(84)]

    def test_a_candidate_cools_even_where_it_was_itself_not_scored(
        self, database: Database, instrument_id: int
    ) -> None:
        put(database, _rises(instrument_id, at=(58, 60)), M15)
        settle(database)
        self.walk(database, parameters=Parameters(cooldown_bars=3))
        assert reasons(database, "cooldown") == [close_of(60)]

    def test_a_weak_candidate_is_held_back_with_its_score(self, database: Database, instrument_id: int) -> None:
        put(database, _rises(instrument_id, at=(70,)), M15)
        settle(database)
        replayed(database, Scope(timeframes=(M15,)), [Rising()], min_score=100.01)
        held = [row for row in abstentions(database) if row["reason"] == "score_below_threshold"]
        assert [(row["close_at"], row["direction"], row["score"]) for row in held] == [(close_of(70), "long", 100)]
        assert signals(database) == []

    def test_a_score_at_the_threshold_is_enough(self, database: Database, instrument_id: int) -> None:
        put(database, _rises(instrument_id, at=(70,)), M15)
        settle(database)
        replayed(database, Scope(timeframes=(M15,)), [Rising()], min_score=100.0)
        assert len(signals(database)) == 1

    def test_a_risk_below_the_tick_is_held_back(self, database: Database) -> None:
        coarse = add(database, "COARSE/USDT", tick=Decimal(10))
        put(database, _rises(coarse, at=(70,)), M15)
        settle(database)
        self.walk(database)
        held = [row for row in abstentions(database) if row["reason"] == "risk_below_tick"]
        assert [(row["symbol"], row["close_at"]) for row in held] == [("COARSE/USDT", close_of(70))]
