"""What every strategy found declares: names, timeframes, needs, levels, parameters."""

from __future__ import annotations

import json
import re

from signalhub.domain.instrument import ASSET_CLASSES
from signalhub.domain.timeframe import TIMEFRAMES
from signalhub.indicators.columns import INDICATOR_COLUMNS
from signalhub.snapshot import CONTEXT_BARS, WINDOW_BARS
from signalhub.strategies.base import Strategy
from tests.contracts.strategy_markets import STRATEGIES


def test_the_strategies_of_the_house_are_found() -> None:
    assert {"momentum", "breakout"} <= set(STRATEGIES)


class TestDeclaration:
    def test_names_are_words_and_belong_to_one_strategy(self) -> None:
        names = [strategy.name for strategy in STRATEGIES.values()]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)

    def test_timeframes_and_asset_classes_are_some_of_ours(self, strategy: Strategy) -> None:
        assert strategy.timeframes
        assert set(strategy.timeframes) <= set(TIMEFRAMES)
        assert strategy.asset_classes
        assert set(strategy.asset_classes) <= set(ASSET_CLASSES)

    def test_what_it_needs_is_stored_and_levels_can_be_made(self, strategy: Strategy) -> None:
        assert set(strategy.needs) <= set(INDICATOR_COLUMNS)
        assert "atr_14" in strategy.needs
        assert strategy.stop_atr > 0
        assert strategy.target_atr > 0
        assert strategy.valid_bars >= 1

    def test_cooldown_fits_into_the_context_that_is_read(self, strategy: Strategy) -> None:
        for timeframe in strategy.timeframes:
            assert 1 <= strategy.cooldown_bars(timeframe) <= CONTEXT_BARS - WINDOW_BARS

    def test_parameters_can_be_told_as_plain_values(self, strategy: Strategy) -> None:
        assert json.loads(json.dumps(strategy.parameter_values)) == strategy.parameter_values
        assert re.fullmatch(r"\d+-[0-9a-f]{8}", strategy.version)
