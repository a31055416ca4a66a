"""The chart of a signal: candles, volume, levels, fill and exit → SVG. A pure function; colours are the style sheet's.

What is known of the drawing: everything lies inside the viewBox, and no two labels of levels cover each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from signalhub.domain.signal import Direction
from signalhub.signals.levels import shown_level, shown_price
from signalhub.web.candle import Candle, Charted
from signalhub.web.scales import PriceScale, TimeScale
from signalhub.web.svg import element, path, words

LETTER_PX = 7.2
"""Labels of digits, points and a few letters are no wider on average, in any font that is likely."""
_TAG_PX = 20.0
_AXIS_PX = 26.0
_TOP_PX = 14.0
_VOLUME_SHARE = 0.16


@dataclass(frozen=True)
class Size:
    """How large the drawing is and how many candles before the signal it shows; `name` makes its ids its own."""

    name: str
    width: int
    height: int
    before: int
    has_names: bool = True


SIZES = (Size("wide", 1120, 460, 72), Size("middle", 720, 400, 48), Size("narrow", 360, 330, 22, has_names=False))
"""Letters are as large on a phone as on a desk: there are three drawings, and the style sheet shows one."""


@dataclass(frozen=True)
class Frame:
    """The scales of one drawing, and where its parts end."""

    size: Size
    time: TimeScale
    price: PriceScale
    volume_top: float
    bottom: float


def draw(signal: Charted, candles: Sequence[Candle], size: Size) -> str:
    """The SVG of at least one candle, ascending."""
    shown = around_the_signal(signal, candles, size.before)
    frame = frame_of(signal, shown, size)
    parts = (_axes(signal, frame), _zones(signal, frame), _volume(shown, frame), _bodies(shown, frame))
    marks = (_tags(signal, frame), _markers(signal, shown, frame))
    ids = f"chart-{size.name}-title", f"chart-{size.name}-description"
    return element(
        "svg",
        element("title", words(f"{signal.symbol}, {signal.timeframe}: {signal.direction} signal"), id=ids[0]),
        element("desc", words(described(signal, shown)), id=ids[1]),
        *(*parts, *marks),
        viewBox=f"0 0 {size.width} {size.height}",
        class_=f"chart chart-{size.name}",
        role="img",
        aria_labelledby=" ".join(ids),
    )


def described(signal: Charted, candles: Sequence[Candle]) -> str:
    """What the chart shows, in words."""
    levels = ", ".join(f"{name} {shown_level(level)}" for name, level in reversed(signal.levels))
    low, high = min(c.low for c in candles), max(c.high for c in candles)
    ends = [
        f" {name} at {shown_price(price, signal.entry)} on {_minute(instant)}."
        for name, instant, price in _ends(signal)
    ]
    return (
        f"{len(candles)} candles from {_minute(candles[0].open_at)} to {_minute(candles[-1].close_at)}, between "
        f"{shown_price(low, signal.entry)} and {shown_price(high, signal.entry)}. "
        f"Signal on {_minute(signal.close_at)}: {levels}.{''.join(ends)}"
    )


def around_the_signal(signal: Charted, candles: Sequence[Candle], before: int) -> Sequence[Candle]:
    """The candles that are drawn: so many up to the signal's, and all after it."""
    count = sum(1 for candle in candles if candle.close_at <= signal.close_at)
    return candles[max(0, count - before) :]


def frame_of(signal: Charted, candles: Sequence[Candle], size: Size) -> Frame:
    """Where the candles that are drawn come to stand."""
    bottom = size.height - _AXIS_PX
    volume_top = bottom - (bottom - _TOP_PX) * _VOLUME_SHARE
    prices = [price for candle in candles for price in (candle.low, candle.high)]
    prices += [float(level) for _, level in signal.levels] + [price for _, _, price in _ends(signal)]
    price = PriceScale.around(prices, _TOP_PX, volume_top - 6)
    letters = max(len(text) for text in [label for _, label in price.ticks(_n_ticks(size))] + _tag_texts(signal, size))
    time = TimeScale.over(
        candles, signal.timeframe.span, signal.valid_until, 8.0, size.width - letters * LETTER_PX - 16
    )
    return Frame(size, time, price, volume_top, bottom)


def _n_ticks(size: Size) -> int:
    return max(3, size.height // 55)


def _axes(signal: Charted, frame: Frame) -> str:
    left, right = frame.time.left, frame.time.right
    parts = []
    taken = [y for _, _, y, _ in _placed_tags(signal, frame)]
    for price, label in frame.price.ticks(_n_ticks(frame.size)):
        y = frame.price.y(price)
        parts.append(element("path", d=path([("M", left, y), ("L", right, y)]), class_="grid"))
        if all(abs(y - other) >= _TAG_PX for other in taken):
            parts.append(element("text", words(label), x=right + 8, y=y + 4, class_="tick"))
    for x, label in frame.time.ticks():
        half = len(label) * LETTER_PX / 2
        parts.append(element("path", d=path([("M", x, _TOP_PX), ("L", x, frame.bottom)]), class_="grid"))
        middle = min(max(x, half), frame.size.width - half)
        parts.append(element("text", words(label), x=middle, y=frame.bottom + 18, class_="tick", text_anchor="middle"))
    return element("g", *parts, class_="axes")


def _zones(signal: Charted, frame: Frame) -> str:
    """Where the signal was at stake: from its close to its end, risk on one side of entry and reward on the other."""
    left = frame.time.x(signal.close_at)
    right = max(frame.time.x(signal.exit_at or signal.valid_until), left + 1)
    entry = frame.price.y(float(signal.entry))
    boxes = []
    for name, level in (("target", signal.target), ("stop", signal.stop)):
        y = frame.price.y(float(level))
        top, height = min(y, entry), abs(y - entry)
        boxes.append(element("rect", x=left, y=top, width=right - left, height=height, class_=f"zone zone-{name}"))
    return element("g", *boxes)


def _volume(candles: Sequence[Candle], frame: Frame) -> str:
    most = max(candle.volume for candle in candles) or 1.0
    room = frame.bottom - frame.volume_top
    bars = ((index, c, frame.bottom - c.volume / most * room) for index, c in enumerate(candles))
    return _by_direction(candles, "volume", (_box(frame, index, top, frame.bottom) for index, _, top in bars))


def _bodies(candles: Sequence[Candle], frame: Frame) -> str:
    return _by_direction(candles, "candle", (_body(frame, index, candle) for index, candle in enumerate(candles)))


def _body(frame: Frame, index: int, candle: Candle) -> str:
    x, y = frame.time.middle(index), frame.price.y
    top, bottom = y(max(candle.open, candle.close)), y(min(candle.open, candle.close))
    wicks = [("M", x, y(candle.high)), ("L", x, top), ("M", x, bottom), ("L", x, y(candle.low))]
    return path(wicks) + _box(frame, index, top, bottom)


def _box(frame: Frame, index: int, top: float, bottom: float) -> str:
    middle, half = frame.time.middle(index), max(0.5, frame.time.slot * 0.32)
    corners = [(middle - half, top), (middle + half, top), (middle + half, bottom), (middle - half, bottom)]
    return path([("M" if at == 0 else "L", *corner) for at, corner in enumerate(corners)]) + "Z"


def _by_direction(candles: Sequence[Candle], name: str, drawn: Iterator[str]) -> str:
    """Two paths instead of an element a candle: a tenth of the bytes."""
    ways = {"up": "", "down": ""}
    for candle, part in zip(candles, drawn, strict=True):
        ways["up" if candle.close >= candle.open else "down"] += part
    return "".join(element("path", d=d, class_=f"{name} {way}") for way, d in ways.items() if d)


def _tags(signal: Charted, frame: Frame) -> str:
    left, right = frame.time.x(signal.close_at), frame.time.right
    width = frame.size.width - right - 2
    parts = []
    for name, at, y, text in _placed_tags(signal, frame):
        line = path([("M", left, at), ("L", right - 4, at), ("L", right + 1, y)])
        parts.append(element("path", d=line, class_=f"level level-{name}"))
        box = {"x": right + 1, "y": y - _TAG_PX / 2 + 0.5, "width": width, "height": _TAG_PX - 1}
        parts.append(element("rect", **box, rx=3, class_=f"tag tag-{name}"))
        parts.append(element("text", words(text), x=right + 8, y=y + 4, class_="tag-text"))
    return element("g", *parts)


def _placed_tags(signal: Charted, frame: Frame) -> list[tuple[str, float, float, str]]:
    """(name, y of the level, y of its tag, text), downwards: tags are moved apart where levels are close together."""
    texts = _tag_texts(signal, frame.size)
    found = [
        (name, frame.price.y(float(level)), text) for (name, level), text in zip(signal.levels, texts, strict=True)
    ]
    found.sort(key=lambda tag: tag[1])
    entry = found[1][1]
    # The tag between the others stays; they go outwards, and there is always room for three.
    entry = min(max(entry, _TOP_PX + _TAG_PX * 1.5), frame.volume_top - _TAG_PX * 1.5)
    placed = min(found[0][1], entry - _TAG_PX), entry, max(found[2][1], entry + _TAG_PX)
    return [(name, at, y, text) for (name, at, text), y in zip(found, placed, strict=True)]


def _tag_texts(signal: Charted, size: Size) -> list[str]:
    return [
        f"{name.capitalize()} {shown_level(level)}" if size.has_names else shown_level(level)
        for name, level in signal.levels
    ]


def _markers(signal: Charted, candles: Sequence[Candle], frame: Frame) -> str:
    parts = [_arrow(signal, candles, frame)]
    for name, instant, price in _ends(signal):
        x, y = frame.time.x(instant), frame.price.y(price)
        said = words(f"{name} at {shown_price(price, signal.entry)} on {_minute(instant)}")
        title = element("title", said)
        if name == "Filled":
            parts.append(element("circle", title, cx=x, cy=y, r=4.5, class_="marker marker-fill"))
        else:
            corners = [("M", x, y - 6), ("L", x + 6, y), ("L", x, y + 6), ("L", x - 6, y)]
            parts.append(element("path", title, d=path(corners) + "Z", class_="marker marker-exit"))
    return element("g", *parts)


def _arrow(signal: Charted, candles: Sequence[Candle], frame: Frame) -> str:
    """Below the signal's candle and pointing up for a long, above it and down for a short."""
    index = max((at for at, candle in enumerate(candles) if candle.close_at <= signal.close_at), default=0)
    sign = Direction(signal.direction).sign
    candle, x = candles[index], frame.time.middle(index)
    tip = frame.price.y(candle.low if sign > 0 else candle.high) + sign * 5
    # The air of the price scale leaves room for it.
    corners = [("M", x, tip), ("L", x + 6, tip + sign * 9), ("L", x - 6, tip + sign * 9)]
    title = element("title", words(f"{signal.direction} signal on {_minute(signal.close_at)}"))
    return element("path", title, d=path(corners) + "Z", class_=f"arrow arrow-{signal.direction}")


def _ends(signal: Charted) -> list[tuple[str, datetime, float]]:
    """Fill and exit, as far as there are some. An exit without a price is no point of the chart."""
    found = ("Filled", signal.fill_at, signal.fill_price), ("Exit", signal.exit_at, signal.exit_price)
    return [(name, at, price) for name, at, price in found if at is not None and price is not None]


def _minute(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
