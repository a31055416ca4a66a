"""The how-to pages are followed literally."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import polars as pl
import pytest

from signalhub.snapshot import SNAPSHOT_SCHEMA
from signalhub.strategies.base import Strategy

PAGE = Path(__file__).parents[2] / "docs/how-to/add-a-strategy.md"


@pytest.fixture
def pullback(monkeypatch: pytest.MonkeyPatch) -> Strategy:
    """The page's example, made a module as the page says."""
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    module = types.ModuleType("signalhub.strategies.pullback")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(found[1], str(PAGE), "exec"), module.__dict__)
    strategy = module.__dict__["STRATEGY"]
    assert isinstance(strategy, Strategy)
    return strategy


def test_the_example_strategy_proposes_a_dip_in_an_up_trend(pullback: Strategy) -> None:
    filler = {name: [1, 1] if dtype.is_integer() else [1.0, 1.0] for name, dtype in SNAPSHOT_SCHEMA.items()}
    dip = {"close": [11.0, 9.5], "ema_21": [10.0, 10.0], "ema_50": [9.0, 9.0], "rsi_14": [60.0, 44.0]}
    frame = pl.DataFrame({**filler, **dip, "instrument_id": [1, 1]}, strict=False)
    proposal = pullback.propose()
    assert frame.select(long=proposal.long, short=proposal.short).rows()[-1] == (True, False)
    assert set(pullback.needs) <= set(SNAPSHOT_SCHEMA)
