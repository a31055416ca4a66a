"""Stop and target in one bar: complete finer bars decide, or else it is ambiguous."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from signalhub.db.connection import Connection
from signalhub.domain.timeframe import H1, M1, M5, Timeframe
from tests.outcome_market import ruling_bases
from tests.outcome_stage import QUIET, Bars, Prices, Side, Stage, hour, minute

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
