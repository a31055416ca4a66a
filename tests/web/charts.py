"""What charts of the tests show: made-up candles, a signal of each kind, and the drawing read back."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from xml.etree import ElementTree

from signalhub.domain.timeframe import H1, Timeframe
from signalhub.web.candle import Candle, Charted
from signalhub.web.chart import LETTER_PX
from tests.records import CLOSE

NAMESPACE = "{http://www.w3.org/2000/svg}"
_NUMBER = r"-?\d+(?:\.\d+)?"


def waves(count: int, before: int, timeframe: Timeframe = H1, gap_after: int | None = None) -> list[Candle]:
    """Candles of which `before` close by CLOSE; the market is closed for two days after the candle `gap_after`."""
    made = []
    for index in range(count):
        open_at = CLOSE + (index - before) * timeframe.span
        if gap_after is not None and index <= gap_after:
            open_at -= timedelta(days=2)
        begin, end = (100 + 3 * math.sin(at / 5) + math.sin(at * 1.7) for at in (index, index + 1))
        high, low = max(begin, end) + 0.4, min(begin, end) - 0.4
        made.append(Candle(open_at, open_at + timeframe.span, begin, high, low, end, 10 + 5 * math.cos(index)))
    return made


def signal(direction: str = "long", **changes: object) -> Charted:
    """A signal at CLOSE, 100 → 104 or 96."""
    sign = 1 if direction == "long" else -1
    levels = {"entry": Decimal("100.00"), "stop": Decimal(100 - 2 * sign), "target": Decimal(100 + 4 * sign)}
    given = {
        "symbol": "BTC/USDT",
        "timeframe": H1,
        "direction": direction,
        "close_at": CLOSE,
        "valid_until": CLOSE + timedelta(hours=12),
        **levels,
    } | changes
    return Charted(**given)  # type: ignore[arg-type]


def filled(price: float, at: datetime = CLOSE) -> dict[str, object]:
    return {"fill_at": at, "fill_price": price}


def exited(price: float, at: datetime) -> dict[str, object]:
    return {"exit_at": at, "exit_price": price}


SCENES = {
    "open-long": (signal(), waves(40, 40)),
    "stopped-short": (
        signal("short", **filled(99.8), **exited(102.0, CLOSE + timedelta(hours=4))),
        waves(60, 40, gap_after=20),
    ),
}
"""What golden files show."""


def read(svg: str) -> ElementTree.Element:
    """The drawing as an XML tree: every attribute and text is well-formed."""
    return ElementTree.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def points(svg: str) -> Iterator[tuple[str, float, float]]:
    """(element, x, y) of every corner of everything that is drawn, texts at their widest."""
    for drawn in read(svg).iter():
        name = drawn.tag.removeprefix(NAMESPACE)
        for x, y in _corners(name, drawn):
            yield name, x, y


def _corners(name: str, drawn: ElementTree.Element) -> Sequence[tuple[float, float]]:
    def value(key: str) -> float:
        return float(drawn.attrib[key])

    if name == "path":
        return [(float(x), float(y)) for x, y in re.findall(rf"({_NUMBER}) ({_NUMBER})", drawn.attrib["d"])]
    if name == "rect":
        x, y = value("x"), value("y")
        assert value("width") >= 0
        assert value("height") >= 0
        return [(x, y), (x + value("width"), y + value("height"))]
    if name == "circle":
        x, y, r = value("cx"), value("cy"), value("r")
        return [(x - r, y - r), (x + r, y + r)]
    if name == "text":
        width = len(drawn.text or "") * LETTER_PX
        left = value("x") - (width / 2 if drawn.attrib.get("text-anchor") == "middle" else 0)
        return [(left, value("y") - 10), (left + width, value("y") + 3)]
    return []
