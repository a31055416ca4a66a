"""The equity picture: everything inside it, nothing that can be seen left out, however many exits there were."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from signalhub.web.equity import HEIGHT, WIDTH, Point, draw

BEGIN = datetime(2026, 1, 2, 3, tzinfo=UTC)
CURVES = st.lists(st.tuples(st.integers(1, 5000), st.floats(-50, 60, allow_nan=False)), max_size=60).map(
    lambda steps: curve([minutes for minutes, _ in steps], [step for _, step in steps])
)


def curve(minutes: list[int], steps: list[float]) -> list[Point]:
    at, equity, points = BEGIN, 0.0, []
    for passed, step in zip(minutes, steps, strict=True):
        at, equity = at + timedelta(minutes=passed), equity + step
        points.append(Point(at, equity))
    return points


@given(points=CURVES)
def test_all_of_it_lies_inside_the_picture(points: list[Point]) -> None:
    drawn = draw("breakout 1-aa, 1h", "of <all> & sundry", points)
    root = ElementTree.fromstring(drawn)
    for part in root.iter():
        for name, limit in (("x", WIDTH), ("x1", WIDTH), ("x2", WIDTH), ("cx", WIDTH), ("y", HEIGHT), ("cy", HEIGHT)):
            assert 0 <= float(part.get(name, 0)) <= limit
        for command, coordinates in re.findall(r"([MHV])([-\d. ]+)", part.get("d", "")):
            numbers = [float(number) for number in coordinates.split()]
            assert 0 <= numbers[0] <= (HEIGHT if command == "V" else WIDTH)
    assert drawn == draw("breakout 1-aa, 1h", "of <all> & sundry", points), "the same picture of the same curve"


def test_of_nothing_it_says_so() -> None:
    assert "Nothing was decided." in draw("a", "b", [])


def test_a_long_curve_keeps_its_extremes_and_is_no_larger_than_can_be_seen() -> None:
    steps = [1.0, -1.0] * 100_000
    steps[77_777] = -40.0
    steps[150_000] = 90.0
    long = curve([1] * len(steps), steps)
    drawn = draw("a", "b", long)
    assert len(drawn) < 250_000
    low, high = (extreme(point.equity_r for point in long) for extreme in (min, max))
    assert f"between {min(0.0, low):+.2f} and {high:+.2f}" in drawn
    line = re.findall(r'd="([^"]*)"[^>]*stroke="#1f6feb"', drawn)[0]
    heights = [float(y) for y in re.findall(r"V([\d.]+)", line)]
    whole = [
        float(y) for y in re.findall(r"V([\d.]+)", draw("a", "b", [one for one in long if one.equity_r in (low, high)]))
    ]
    assert (min(heights), max(heights)) == (min(whole), max(whole))


def test_it_stands_alone() -> None:
    drawn = draw("a", "b", curve([60, 60], [1.0, -2.0]))
    assert 'xmlns="http://www.w3.org/2000/svg"' in drawn
    assert "class=" not in drawn
    assert "-1.0 R" in drawn
