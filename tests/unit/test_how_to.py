"""The how-to pages are followed literally."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest

from signalhub.snapshot import SNAPSHOT_SCHEMA
from signalhub.strategies.base import Strategy
from tests.unit.strategy_rows import proposed

PAGE = Path(__file__).parents[2] / "docs/how-to/add-a-strategy.md"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Strategy:
    """The page's strategy, made a module as the page says."""
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    module = types.ModuleType("signalhub.strategies.aroon_turn")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(found[1], str(PAGE), "exec"), module.__dict__)
    strategy = module.__dict__["STRATEGY"]
    assert isinstance(strategy, Strategy)
    return strategy


def test_the_example_strategy_proposes_a_turn_on_the_right_side_of_the_mean(example: Strategy) -> None:
    turn = {"aroon_osc_25": [-4.0, 8.0], "close": [99.0, 101.0], "sma_50": [100.0, 100.0], "rsi_14": [50.0, 60.0]}
    assert proposed(example, turn) == (True, False)
    assert proposed(example, turn | {"close": [99.0, 99.0]}) == (False, False)
    assert proposed(example, turn | {"aroon_osc_25": [4.0, -8.0], "close": [99.0, 99.0]}) == (False, True)
    assert set(example.stored) <= set(SNAPSHOT_SCHEMA)


def test_what_the_page_says_can_be_declared_is_what_there_is() -> None:
    page = PAGE.read_text(encoding="utf-8")
    table = page[page.index("## What a strategy can declare") :]
    told = {name for row in re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)", row)}
    assert told == {"needs", "wants", "context", "observations", "timeframes", "asset_classes", "structure"}
    assert all(hasattr(Strategy, name) or name in Strategy.__annotations__ for name in told)
