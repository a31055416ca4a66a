"""docs/indicators.md tells how exact every stored column and every public function is."""

from __future__ import annotations

import re
from pathlib import Path

from signalhub.indicators.columns import INDICATOR_COLUMNS
from tests.sql.ta_calls import PROFILES, PUBLIC, function

PAGE = Path(__file__).parents[2] / "docs/indicators.md"
LINE = re.compile(r"^\| `(\w+)` \| `(.+?)` \| ([^|]+) \| ([\d,–]+) \| (\S+) \| ([\d,]+) \| (\S+) \|.*\|$", re.MULTILINE)
STALE = "run scripts/write-indicator-accuracy"


def _lines() -> list[tuple[str, ...]]:
    text = PAGE.read_text(encoding="utf-8").split("<!-- accuracy -->", 1)[1].split("<!-- /accuracy -->", 1)[0]
    return LINE.findall(text)


def test_every_stored_column_and_every_public_function_is_in_the_table() -> None:
    lines = _lines()
    measured = {column for column, _, _, rows, *_ in lines if rows != "–"}
    assert measured == set(INDICATOR_COLUMNS), STALE
    calls = {function(call) for _, call, *_ in lines}
    assert calls == {function(call) for call in (*PUBLIC.values(), *PROFILES.values())}, STALE


def test_no_error_is_above_the_tolerance() -> None:
    errors = {
        column: max(float(error) for error in (stored, public) if error != "–")
        for column, _, _, _, stored, _, public in _lines()
    }
    assert len(errors) > 100
    assert {column: error for column, error in errors.items() if error > 1e-9} == {}
