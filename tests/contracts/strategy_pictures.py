"""The picture of a strategy's page: the page's own chart of a sample signal, with the lines its rule looks at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from signalhub.strategies.confluence import Confluence
from signalhub.web.candle import Candle, Charted
from signalhub.web.chart import LETTER_PX, SIZES, Frame, around_the_signal, draw, frame_of
from signalhub.web.svg import element, number, path, words

SIZE = SIZES[0]
PANEL_PX = 118
_TOP, _AIR = 14, 24
_CSS = (Path(__file__).parents[2] / "signalhub/web/static/page.css").read_text(encoding="utf-8")
_OWN_STYLE = """\
svg { font: 12px system-ui, sans-serif; font-variant-numeric: tabular-nums; }
:root { --line-0: #8250df; --line-1: #b25a00; --line-2: #0a7c8c; --line-3: #6b7280; }
@media (prefers-color-scheme: dark) {
  :root { --line-0: #c297ff; --line-1: #f0a050; --line-2: #4cc3d3; --line-3: #a3abb8; }
}
.ground { fill: var(--sheet); }
.line { fill: none; stroke-width: 1.5; stroke-linejoin: round; }
.line-0 { stroke: var(--line-0); } .line-1 { stroke: var(--line-1); }
.line-2 { stroke: var(--line-2); } .line-3 { stroke: var(--line-3); }
.name-0 { fill: var(--line-0); } .name-1 { fill: var(--line-1); }
.name-2 { fill: var(--line-2); } .name-3 { fill: var(--line-3); }
.names { paint-order: stroke; stroke: var(--sheet); stroke-width: 3px; stroke-linejoin: round; }
.mark { stroke: var(--soft); stroke-dasharray: 3 4; }
"""
Line = tuple[str, Sequence[float | None]]


@dataclass(frozen=True)
class Shown:
    """Columns drawn over the candles, columns or an expression in the panel below, and its marks."""

    lines: Sequence[str] = ()
    panel: Sequence[str | pl.Expr] = ()
    marks: Sequence[float] = ()


SHOWN = {
    "bollinger_squeeze": Shown(
        ("bb_upper_20_2", "bb_lower_20_2", "keltner_upper_20_10_2", "keltner_lower_20_10_2"), ("mom_10",), (0,)
    ),
    "breakout": Shown(("donchian_upper_20", "donchian_lower_20"), ("volume_ratio_20",), (1.2,)),
    "composite": Shown(("swing_high_5", "swing_low_5", "vwap_20"), ("chop_14",), (38, 60)),
    "confluence": Shown(
        ("ema_21", "ema_50"), (Confluence().net_votes().alias("votes for minus votes against"),), (-50, 50)
    ),
    "ma_crossover": Shown(("ema_21", "ema_50"), ("adx_14",), (15,)),
    "macd_trend": Shown(("supertrend_10_3",), ("macd_12_26_9",), (0,)),
    "mean_reversion": Shown(("bb_middle_20_2",), ("zscore_20",), (-2, 2)),
    "momentum": Shown(("ema_9", "ema_21", "ema_50"), ("macd_hist_12_26_9",), (0,)),
    "rsi_reversal": Shown(("bb_upper_20_2", "bb_lower_20_2"), ("rsi_14",), (30, 70)),
    "scalping": Shown(("ema_9", "ema_21", "vwap_session"), ("stoch_k_14_3", "stoch_d_14_3_3"), (35, 65)),
    "trend_pullback": Shown(("ema_20", "ema_50"), ("rsi_14",), (35, 65)),
    "volume_breakout": Shown(("keltner_upper_20_10_2", "keltner_lower_20_10_2"), ("volume_ratio_20",), (2,)),
}
"""What each strategy's picture shows; one that is not here is drawn without lines."""


def picture(strategy: str, signal: Charted, frame: pl.DataFrame) -> str:
    """The whole SVG file: the chart of one instrument's bars around a signal, its lines, and a panel below."""
    shown = SHOWN.get(strategy, Shown())
    candles = [Candle(**row) for row in frame.select(*Candle.__dataclass_fields__).iter_rows(named=True)]
    drawn = around_the_signal(signal, candles, SIZE.before)
    place = frame_of(signal, drawn, SIZE)
    values = frame.select(*shown.lines, *shown.panel).tail(len(drawn))
    lines = [(name, values[name].to_list()) for name in shown.lines]
    below = [(name, values[name].to_list()) for name in values.columns if name not in shown.lines]
    height = SIZE.height + (PANEL_PX if below else 0)
    chart = draw(signal, candles, SIZE).replace("<svg ", f'<svg width="{SIZE.width}" height="{SIZE.height}" ', 1)
    parts = [_over(lines, place), _panel(below, shown.marks, place) if below else ""]
    return element(
        "svg",
        element("style", _style()),
        element("rect", width=SIZE.width, height=height, rx=12, class_="ground"),
        *(chart, *parts),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {SIZE.width} {height}",
    ) + "\n"  # fmt: skip


def _style() -> str:
    """The page's own rules for charts, in both its palettes."""
    palettes, rules = _CSS.index("*, *::before"), re.search(r"^\.grid \{.*^\.arrow-short [^\n]*", _CSS, re.M | re.S)
    assert rules is not None
    return f"\n{_CSS[_CSS.index(':root') : palettes].strip()}\n{rules[0]}\n{_OWN_STYLE}"


def _over(lines: Sequence[Line], frame: Frame) -> str:
    """Lines at the prices' scale, cut off where the chart ends."""
    box = {"x": frame.time.left, "y": 0, "width": frame.time.right - frame.time.left, "height": frame.volume_top}
    clip = element("clipPath", element("rect", **box), id="plot")
    drawn = [_line(index, values, frame, frame.price.y) for index, (_, values) in enumerate(lines)]
    return clip + element("g", *drawn, clip_path="url(#plot)") + _names(lines, frame.time.left + 4, _TOP + 2)


def _panel(lines: Sequence[Line], marks: Sequence[float], frame: Frame) -> str:
    """A scale of its own below the chart's axis."""
    known = [value for _, values in lines for value in values if value is not None]
    low, high = min([*known, *marks]), max([*known, *marks])
    top, bottom = SIZE.height + _AIR, SIZE.height + PANEL_PX - 10

    def y(value: float) -> float:
        return bottom - (value - low) / ((high - low) or 1.0) * (bottom - top)

    marked = [_mark(value, y(value), frame) for value in marks]
    drawn = [_line(index, values, frame, y) for index, (_, values) in enumerate(lines)]
    return element("g", *marked, *drawn) + _names(lines, frame.time.left + 4, SIZE.height + 12)


def _mark(value: float, y: float, frame: Frame) -> str:
    left, right = frame.time.left, frame.time.right
    text = element("text", words(f"{value:g}"), x=right + 8, y=y + 4, class_="tick")
    return element("path", d=path([("M", left, y), ("L", right, y)]), class_="mark") + text


def _line(index: int, values: Sequence[float | None], frame: Frame, y) -> str:  # type: ignore[no-untyped-def]
    """Through the middles of the candles; it breaks where there is no value."""
    corners, is_broken = [], True
    for place, value in enumerate(values):
        if value is not None:
            corners.append(("M" if is_broken else "L", frame.time.middle(place), y(value)))
        is_broken = value is None
    return element("path", d=path(corners), class_=f"line line-{index}") if corners else ""


def _names(lines: Sequence[Line], left: float, y: float) -> str:
    parts = []
    for index, (name, _) in enumerate(lines):
        parts.append(element("text", words(name), x=left, y=number(y), class_=f"name-{index}"))
        left += len(name) * LETTER_PX + 18
    return element("g", *parts, class_="names") if parts else ""
