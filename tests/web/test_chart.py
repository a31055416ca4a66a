"""The chart: the same picture for the same signal, everything inside it, and nothing but text in its texts.

This file is the generator of golden/ too: SIGNALHUB_TEST_WRITE_GOLDENS=yes draws it anew, to be looked at in the diff.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from signalhub.domain.timeframe import D1, H1, M1, M15, Timeframe
from signalhub.web.candle import Candle, Charted
from signalhub.web.chart import SIZES, Size, draw
from tests.records import CLOSE
from tests.web import charts
from tests.web.charts import NAMESPACE, SCENES

GOLDEN = Path(__file__).parent / "golden"
_HAIR = 0.01
"""Coordinates are written with two decimals."""


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.name)
def test_a_chart_is_the_one_of_its_golden_file(scene: str, size: Size) -> None:
    drawn = draw(*SCENES[scene], size).replace("><", ">\n<") + "\n"
    golden = GOLDEN / f"{scene}-{size.name}.svg"
    if os.environ.get("SIGNALHUB_TEST_WRITE_GOLDENS"):
        golden.write_text(drawn, encoding="utf-8")
    assert drawn == golden.read_text(encoding="utf-8")


def test_every_golden_file_belongs_to_a_scene() -> None:
    named = {f"{scene}-{size.name}.svg" for scene in SCENES for size in SIZES}
    assert {path.name for path in GOLDEN.iterdir()} == named


@some.composite
def markets(draw_: some.DrawFn) -> tuple[Charted, list[Candle]]:
    """Any prices that a market may have, any span, and a signal somewhere among its candles."""
    timeframe: Timeframe = draw_(some.sampled_from([M1, M15, H1, D1]))
    scale = 10.0 ** draw_(some.integers(-8, 6))
    heights = some.lists(some.floats(0.5, 2.0), min_size=4, max_size=4)
    rows = draw_(some.lists(some.tuples(heights, some.floats(0, 1e12)), min_size=1, max_size=90))
    at = draw_(some.integers(1, len(rows)))
    candles = []
    for index, (four, volume) in enumerate(rows):
        low, begin, end, high = sorted(price * scale for price in four)
        open_at = CLOSE + (index - at) * timeframe.span
        candles.append(Candle(open_at, open_at + timeframe.span, begin, high, low, end, volume))
    return draw_(signals(timeframe, scale)), candles


@some.composite
def signals(draw_: some.DrawFn, timeframe: Timeframe, scale: float) -> Charted:
    direction = draw_(some.sampled_from(["long", "short"]))
    sign = 1 if direction == "long" else -1
    risk = draw_(some.floats(1e-6, 0.4))
    reward = draw_(some.floats(1e-6, 0.4))
    entry, stop, target = (Decimal(f"{scale * factor:.9g}") for factor in (1.0, 1.0 - sign * risk, 1.0 + sign * reward))
    ends = {}
    if draw_(some.booleans()):
        ends |= charts.filled(scale * draw_(some.floats(0.3, 3)))
        ends |= charts.exited(scale * draw_(some.floats(0.3, 3)), CLOSE + draw_(some.integers(0, 30)) * timeframe.span)
    until = CLOSE + draw_(some.integers(1, 40)) * timeframe.span
    given = {"timeframe": timeframe, "valid_until": until, "entry": entry, "stop": stop, "target": target}
    return charts.signal(direction, **given | ends)


@settings(max_examples=150, deadline=None)
@given(markets(), some.sampled_from(SIZES))
def test_everything_lies_inside_the_view_box(market: tuple[Charted, list[Candle]], size: Size) -> None:
    for name, x, y in charts.points(draw(*market, size)):
        assert -_HAIR <= x <= size.width + _HAIR, (name, x)
        assert -_HAIR <= y <= size.height + _HAIR, (name, y)


@pytest.mark.parametrize("hour", range(24))
def test_a_day_that_begins_at_the_edge_keeps_its_label_inside(hour: int) -> None:
    moved = timedelta(hours=hour)
    candles = [
        dataclasses.replace(one, open_at=one.open_at + moved, close_at=one.close_at + moved)
        for one in charts.waves(60, 60)
    ]
    late = charts.signal(close_at=CLOSE + moved, valid_until=CLOSE + moved + timedelta(hours=12))
    for size in SIZES:
        texts = [(x, size.width) for name, x, _ in charts.points(draw(late, candles, size)) if name == "text"]
        assert texts
        assert all(0 <= x <= width for x, width in texts)


@settings(max_examples=150, deadline=None)
@given(markets(), some.sampled_from(SIZES))
def test_labels_of_prices_do_not_cover_each_other(market: tuple[Charted, list[Candle]], size: Size) -> None:
    texts = list(charts.read(draw(*market, size)).iter(f"{NAMESPACE}text"))
    heights = sorted(float(item.attrib["y"]) for item in texts if item.attrib.get("text-anchor") != "middle")
    assert all(after - before >= 12 for before, after in itertools.pairwise(heights))


@given(some.text(min_size=1))
def test_whatever_a_symbol_is_called_stays_text(symbol: str) -> None:
    hostile = f'{symbol}"><script>alert(1)</script>&amp;'
    drawn = charts.read(draw(charts.signal(symbol=hostile), charts.waves(3, 3), SIZES[0]))
    assert not list(drawn.iter(f"{NAMESPACE}script"))
    title = drawn.find(f"{NAMESPACE}title")
    assert title is not None
    assert title.text is not None
    assert '"><script>alert(1)</script>&amp;, 1h: long signal' in title.text


def test_a_chart_says_in_words_what_it_shows() -> None:
    drawn = charts.read(draw(*SCENES["stopped-short"], SIZES[0]))
    assert drawn.attrib["role"] == "img"
    ids = drawn.attrib["aria-labelledby"].split()
    said = [drawn.find(f"{NAMESPACE}{tag}") for tag in ("title", "desc")]
    assert [one.attrib["id"] for one in said if one is not None] == ids
    assert said[1] is not None
    assert said[1].text is not None
    assert "Signal on 2026-01-02 03:00 UTC: stop 102, entry 100.00, target 96." in said[1].text
    assert "Filled at 99.80 on 2026-01-02 03:00 UTC. Exit at 102.00 on 2026-01-02 07:00 UTC." in said[1].text


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.name)
def test_candles_before_the_signal_are_as_many_as_there_is_room_for(size: Size) -> None:
    drawn = draw(charts.signal(), charts.waves(120, 100), size)
    assert f"{size.before + 20} candles from" in drawn


def test_time_without_trade_takes_no_room() -> None:
    with_gap, without = (draw(charts.signal(), charts.waves(20, 10, gap_after=gap), SIZES[0]) for gap in (4, None))
    assert _candles(with_gap) == _candles(without)
    assert "2025-12-30" in with_gap
    assert "2025-12-30" not in without


def test_a_signal_whose_span_is_over_long_before_the_last_candle_is_drawn() -> None:
    early = charts.signal(valid_until=CLOSE + timedelta(hours=1))
    assert "level-target" in draw(early, charts.waves(60, 20), SIZES[0])


def _candles(svg: str) -> list[str]:
    drawn = charts.read(svg).iter(f"{NAMESPACE}path")
    return [item.attrib["d"] for item in drawn if item.attrib["class"].startswith("candle")]
