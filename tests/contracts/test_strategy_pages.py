"""docs/strategies is what scripts/write-strategy-pages writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest

from signalhub.domain.timeframe import Timeframe
from tests.contracts.strategy_markets import STRATEGIES, Frames
from tests.contracts.strategy_pages import files, stale
from tests.contracts.strategy_pictures import SHOWN

FOLDER = Path(__file__).parents[2] / "docs/strategies"


def test_the_pages_are_what_the_script_writes(frames: Mapping[Timeframe, Frames]) -> None:
    assert stale(FOLDER, files(STRATEGIES, frames)) == [], "run scripts/write-strategy-pages"


def test_what_is_missing_changed_or_too_much_is_stale(tmp_path: Path) -> None:
    for name in ("same", "other", "too much"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    assert stale(tmp_path, {"same": "same", "other": "changed", "missing": ""}) == ["missing", "other", "too much"]


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_a_picture_is_a_drawing_with_the_lines_its_rule_looks_at(name: str) -> None:
    drawn = ElementTree.parse(FOLDER / f"{name}.svg").getroot()
    texts = {item.text for item in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert {*SHOWN[name].lines, *(item for item in SHOWN[name].panel if isinstance(item, str))} <= texts
    lines = [item for item in drawn.iter() if item.attrib.get("class", "").startswith("line ")]
    assert len(lines) == len(SHOWN[name].lines) + len(SHOWN[name].panel)
