"""The equity curve of a backtest as a picture: cumulative net R over time, and how far it stands below its high.

An SVG that stands alone: its colours are in it, so that it looks the same in a file, a page or a report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from signalhub.web.scales import PriceScale
from signalhub.web.svg import element, number, path, words

WIDTH, HEIGHT = 960, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 944.0, 64.0, 380.0
_INK, _MUTED, _GRID, _LINE, _FALL = "#1c2430", "#5b6675", "#dfe4ea", "#1f6feb", "#d1242f"
_COLUMNS = int(_RIGHT - _LEFT)
_STEPS = tuple(timedelta(days=days) for days in (1, 2, 7, 14, 30, 91, 182, 365, 730, 1826, 3652))
_MOST_LABELS = 8


@dataclass(frozen=True)
class Point:
    """Equity after all that exited at an instant."""

    at: datetime
    equity_r: float


@dataclass(frozen=True)
class _Frame:
    first: datetime
    last: datetime
    scale: PriceScale

    def x(self, at: datetime) -> float:
        whole = (self.last - self.first) / timedelta(seconds=1) or 1.0
        return _LEFT + (at - self.first) / timedelta(seconds=1) / whole * (_RIGHT - _LEFT)


def draw(title: str, subtitle: str, points: Sequence[Point]) -> str:
    """The SVG. Points ascend; the curve begins at 0. Without any, it says that nothing was decided."""
    heading = (
        _text(_LEFT, 26, title, size=17, fill=_INK, font_weight="600"),
        _text(_LEFT, 46, subtitle, size=13, fill=_MUTED),
    )
    drawn = _curve(points) if points else [_text(_LEFT, 200, "Nothing was decided.", size=15, fill=_MUTED)]
    return element(
        "svg",
        element("title", words(f"{title}: equity curve")),
        element("desc", words(_described(points))),
        element("rect", width=WIDTH, height=HEIGHT, fill="#ffffff"),
        *heading,
        *drawn,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        width=WIDTH,
        height=HEIGHT,
        role="img",
        font_family="system-ui, sans-serif",
    )


def _curve(points: Sequence[Point]) -> list[str]:
    first = points[0].at
    thin = _thinned([Point(first, 0.0), *points])
    scale = PriceScale.around([0.0, *(point.equity_r for point in thin)], _TOP, _BOTTOM)
    frame = _Frame(first, points[-1].at, scale)
    return [*_grid(frame), _fall(frame, thin), _line(frame, thin), _end(frame, points[-1])]


def _thinned(points: Sequence[Point]) -> list[Point]:
    """What a column of pixels can show: its first, lowest, highest and last point. Nothing that is seen is lost."""
    if len(points) <= 4 * _COLUMNS:
        return list(points)
    whole = (points[-1].at - points[0].at) / timedelta(seconds=1) or 1.0
    columns: dict[int, list[Point]] = {}
    for point in points:
        columns.setdefault(int((point.at - points[0].at) / timedelta(seconds=1) / whole * _COLUMNS), []).append(point)
    found = []
    for column in columns.values():
        low, high = (extreme(column, key=lambda point: point.equity_r) for extreme in (min, max))
        chosen = {id(point): point for point in (column[0], low, high, column[-1])}
        found += [point for point in column if id(point) in chosen]
    return found


def _grid(frame: _Frame) -> list[str]:
    parts = []
    for value, label in frame.scale.ticks(6):
        y = frame.scale.y(value)
        colour = _MUTED if value == 0 else _GRID
        parts.append(element("line", x1=_LEFT, x2=_RIGHT, y1=y, y2=y, stroke=colour, stroke_width=1))
        parts.append(_text(_LEFT - 8, y + 4, f"{label} R", size=12, fill=_MUTED, text_anchor="end"))
    for at in _instants(frame.first, frame.last):
        anchor = {"text_anchor": "middle"} if _LEFT + 40 < frame.x(at) < _RIGHT - 40 else {}
        if anchor:
            parts.append(_text(frame.x(at), _BOTTOM + 22, f"{at:%Y-%m-%d}", size=12, fill=_MUTED, **anchor))
    return parts


def _instants(first: datetime, last: datetime) -> list[datetime]:
    """Beginnings of UTC days, so far apart that their labels have room."""
    step = next((step for step in _STEPS if (last - first) / step <= _MOST_LABELS), _STEPS[-1])
    day = first.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    found = []
    while day <= last:
        found.append(day)
        day += step
    return found


def _line(frame: _Frame, points: Sequence[Point]) -> str:
    return element("path", d=_steps(frame, points, [point.equity_r for point in points]), fill="none", stroke=_LINE,
                   stroke_width=1.6, stroke_linejoin="round")  # fmt: skip


def _fall(frame: _Frame, points: Sequence[Point]) -> str:
    """The room between the high so far and the curve."""
    highs, high = [], 0.0
    for point in points:
        high = max(high, point.equity_r)
        highs.append(high)
    above = _steps(frame, points, highs)
    below = "".join(
        f"V{number(frame.scale.y(point.equity_r))}H{number(frame.x(point.at))}" for point in reversed(points[:-1])
    )
    return element("path", d=f"{above}{below}Z", fill=_FALL, fill_opacity=0.12, stroke="none")


def _steps(frame: _Frame, points: Sequence[Point], values: Sequence[float]) -> str:
    """Equity stays until the next exit: the line goes across, then up or down."""
    start = path([("M", frame.x(points[0].at), frame.scale.y(values[0]))])
    return start + "".join(
        f"H{number(frame.x(point.at))}V{number(frame.scale.y(value))}"
        for point, value in zip(points[1:], values[1:], strict=True)
    )


def _end(frame: _Frame, point: Point) -> str:
    y = frame.scale.y(point.equity_r)
    # White around the letters: the line may pass behind them.
    halo = {"paint_order": "stroke", "stroke": "#ffffff", "stroke_width": 4, "stroke_linejoin": "round"}
    label = _text(_RIGHT, y - 10, f"{point.equity_r:+,.1f} R", size=13, fill=_INK, text_anchor="end", **halo)
    return element("circle", cx=_RIGHT, cy=y, r=3.0, fill=_LINE) + label


def _described(points: Sequence[Point]) -> str:
    if not points:
        return "Nothing was decided."
    low, high = (extreme([0.0, *(point.equity_r for point in points)]) for extreme in (min, max))
    return (
        f"Cumulative net R from {points[0].at:%Y-%m-%d} to {points[-1].at:%Y-%m-%d}: {points[-1].equity_r:+.2f} R at "
        f"the end, between {low:+.2f} and {high:+.2f}."
    )


def _text(x: float, y: float, text: str, *, size: int, fill: str, **attributes: object) -> str:
    return element("text", words(text), x=x, y=y, font_size=size, fill=fill, **attributes)
