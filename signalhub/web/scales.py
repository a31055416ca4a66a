"""Scales: from prices and instants to pixels, and which of them are worth a label."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from signalhub.web.candle import Candle

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = 86_400
_STEPS_SECONDS = (
    *(300, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200),
    *(days * _DAY for days in (1, 2, 7, 14, 28, 84, 168, 364, 728)),
)
_MOST_SLOTS_AHEAD = 16
_LABEL_PX = 68
"""Room that a label of the time axis takes."""


@dataclass(frozen=True)
class PriceScale:
    """Prices from `low` to `high`, drawn from `bottom` up to `top`."""

    low: float
    high: float
    top: float
    bottom: float

    @classmethod
    def around(cls, prices: Sequence[float], top: float, bottom: float) -> PriceScale:
        """Holds all prices with some air above and below."""
        low, high = min(prices), max(prices)
        air = (high - low) * 0.06 or abs(high) * 0.01 or 1.0
        return cls(low - air, high + air, top, bottom)

    def y(self, price: float) -> float:
        """Where a price is."""
        return self.bottom - (price - self.low) / (self.high - self.low) * (self.bottom - self.top)

    def ticks(self, at_most: int) -> list[tuple[float, str]]:
        """Round prices with their labels, all with the same decimals."""
        step = _round_step((self.high - self.low) / at_most)
        decimals = max(0, -math.floor(math.log10(step)))
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [(index * step, f"{index * step:,.{decimals}f}") for index in range(first, last + 1)]


@dataclass(frozen=True)
class TimeScale:
    """One slot per candle, then slots for bars to come: time that nobody traded takes no room."""

    candles: Sequence[Candle]
    span: timedelta
    slots: int
    left: float
    right: float

    @classmethod
    def over(cls, candles: Sequence[Candle], span: timedelta, until: datetime, left: float, right: float) -> TimeScale:
        """Holds all candles and as many bars to come as `until` asks for, within reason."""
        ahead = math.ceil((until - candles[-1].close_at) / span)
        return cls(candles, span, len(candles) + min(max(ahead, 1), _MOST_SLOTS_AHEAD), left, right)

    @property
    def slot(self) -> float:
        """The width of one bar's slot."""
        return (self.right - self.left) / self.slots

    def middle(self, index: int) -> float:
        """Where the candle of this index is."""
        return self.left + (index + 0.5) * self.slot

    def x(self, instant: datetime) -> float:
        """Where an instant is; what lies outside is at the edge."""
        return self.left + min(max(self._position(instant), 0.0), float(self.slots)) * self.slot

    def ticks(self) -> list[tuple[float, str]]:
        """Beginnings of hours, days or weeks with their labels, as many as there is room for."""
        room = max(2, int((self.right - self.left) / _LABEL_PX))
        begins = next((found for step in _STEPS_SECONDS if len(found := self._beginnings(step)) <= room), [])
        labelled: list[tuple[float, str]] = []
        day = None
        for index in begins:
            x, opened = self.left + index * self.slot, self._open_at(index).astimezone(UTC)
            if labelled and x - labelled[-1][0] < _LABEL_PX * 0.8:
                continue
            labelled.append((x, _clock_time(opened) if opened.date() == day else _day(opened)))
            day = opened.date()
        return labelled

    def _position(self, instant: datetime) -> float:
        index = bisect_right(self.candles, instant, key=lambda candle: candle.open_at) - 1
        if index < 0:
            return 0.0
        candle = self.candles[index]
        if index == len(self.candles) - 1:
            return index + (instant - candle.open_at) / self.span
        return index + min(1.0, (instant - candle.open_at) / (candle.close_at - candle.open_at))

    def _open_at(self, index: int) -> datetime:
        beyond = index - len(self.candles)
        return self.candles[index].open_at if beyond < 0 else self.candles[-1].close_at + beyond * self.span

    def _beginnings(self, step: int) -> list[int]:
        numbers = [int(self._open_at(index).timestamp()) // step for index in range(self.slots)]
        return [index for index in range(1, self.slots) if numbers[index] != numbers[index - 1]]


def _round_step(least: float) -> float:
    magnitude = 10.0 ** math.floor(math.log10(least))
    return next(factor * magnitude for factor in (1, 2, 5, 10, 20) if factor * magnitude >= least)


def _clock_time(instant: datetime) -> str:
    return f"{instant:%H:%M}"


def _day(instant: datetime) -> str:
    return f"{instant.day} {_MONTHS[instant.month - 1]}"
