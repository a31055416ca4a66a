"""How a venue's pages of candles become stretches of history that a watermark may vouch for.

What is taken for true, and why:

- A bar is final once the venue has shown a newer one: venues open a bar only after they closed the one before. The bar
  shown last may still change, also where our clock says that it closed, since clocks differ: it is final `grace` after
  its close only.
- A bar that the venue did not show is known to be missing once a newer one was shown, or `grace` after its close:
  venues without flat bars show none for a minute without trades.
- The time is the earlier of ours and the venue's (the Date of its answer). A fast clock of ours makes nothing final.
- An empty page in the midst of history is believed when it comes twice. From there on the next day that traded is
  looked for, so that three years before a listing cost a few questions and not a thousand.
- A full page that begins later than asked may come from a venue that gives the newest bars first: what stands before it
  is asked for, window by window. Where the venue gives nothing before it, the note says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from signalhub.domain.bar import empty_bars
from signalhub.domain.timeframe import D1, Timeframe
from signalhub.errors import FeedRefused
from signalhub.feeds.base import Page
from signalhub.feeds.ccxt_values import bars_of, instant_of

CLOCK_STEP = timedelta(seconds=1)
"""The Date of an HTTP answer is cut to whole seconds."""
_CLOCKS_APART = timedelta(seconds=15)
_CONCLUSIVE = 100
"""Up to so many bars no venue cuts an answer short: fewer than asked for are all there are."""


class Answer(NamedTuple):
    """What the venue said."""

    candles: Sequence[Sequence[Any]]
    """ccxt's: [milliseconds, open, high, low, close, volume], ascending, the forming one included."""
    told_at: datetime | None = None
    """When, by the venue's clock."""


Ask = Callable[[Timeframe, datetime, datetime | None, int], Answer]
"""Candles of a timeframe from an instant on, before another where one is given, at most so many."""


class Span(NamedTuple):
    """What is wanted: bars of a timeframe with `first <= open_at` and `close_at <= end`, both on its grid."""

    timeframe: Timeframe
    first: datetime
    end: datetime


class Walk:
    """One walk over the pages of one market, from `span.first` on."""

    def __init__(self, ask: Ask, span: Span, now: datetime, grace: timedelta, page_bars: int) -> None:
        self.ask, self.timeframe, self.first, self.end = ask, *span
        self.now, self.grace, self.page_bars = now, grace, page_bars
        self.is_windowed = False
        """Whether each question names an end, because the venue gives the newest bars first."""
        self.is_all = False
        """Whether the venue has shown all it has up to the end: to ask on at once would bring nothing new."""

    def pages(self) -> Iterator[Page]:
        """The pages, until the end is reached or the venue has nothing more that is final."""
        while self.first < self.end:
            page = self._next()
            yield page
            if page.through <= self.first or self.is_all:
                return
            self.first = page.through

    def _next(self) -> Page:
        to_the_forming_one = (self.end - self.first) // self.timeframe.span + 2
        limit = min(self.page_bars, to_the_forming_one)
        answer = self._sure_answer(limit)
        end, ripe = self._known_until(answer)
        candles = _from(self.first, answer)
        self.is_all = len(candles) < to_the_forming_one <= min(self.page_bars, _CONCLUSIVE)
        if not candles:
            return Page(empty_bars(), self._after_nothing(limit, end, ripe), self._clocks(answer))
        is_cut = len(candles) >= limit and instant_of(candles[0][0]) > self.first and not self.is_windowed
        if is_cut and self._has_before(instant_of(candles[0][0])):
            self.is_windowed = True
            return self._next()
        newest, span = instant_of(candles[-1][0]), self.timeframe.span
        through = min(end, newest + span if newest + span <= ripe else newest)
        if self.is_all:
            through = max(through, min(end, self.timeframe.floor(ripe)))
        through = max(through, self.first)
        bars, unusable = bars_of(candles, self.first, through)
        if len(candles) >= limit and self.first < newest < through and newest not in bars["open_at"]:
            through = newest  # its last words may stand beyond the cut
        return Page(bars, through, self._note(answer, candles, unusable, is_cut and newest >= end))

    def _sure_answer(self, limit: int) -> Answer:
        """What the venue says; asked again where it says that there is nothing in the midst of history."""
        answer = self._asked(self.timeframe, self.first, limit)
        is_deep = self.first + limit * self.timeframe.span < self._known_until(answer)[1]
        if is_deep and not _from(self.first, answer):
            return self._asked(self.timeframe, self.first, limit)
        return answer

    def _asked(self, timeframe: Timeframe, first: datetime, limit: int) -> Answer:
        before = first + limit * timeframe.span if self.is_windowed else None
        return self.ask(timeframe, first, before, limit)

    def _known_until(self, answer: Answer) -> tuple[datetime, datetime]:
        """The last close there was when the venue answered; and the instant up to which nothing changes any more."""
        at = min(self.now, answer.told_at + CLOCK_STEP) if answer.told_at else self.now
        return min(self.end, self.timeframe.floor(at)), at - self.grace

    def _after_nothing(self, limit: int, end: datetime, ripe: datetime) -> datetime:
        """Where to go on after a page without a bar."""
        last, window = min(end, self.timeframe.floor(ripe)), self.first + limit * self.timeframe.span
        return max(self.first, min(last, self._next_trading_day(window)) if window < last else last)

    def _next_trading_day(self, after: datetime) -> datetime:
        """The first instant at or after `after` from which there may be bars; the end where there are none."""
        day = D1.floor(after)
        while self.timeframe < D1 and day < self.end:
            try:
                candles = _from(day, self._asked(D1, day, self.page_bars))
            except FeedRefused:  # no bars of a day at this venue
                return after
            if candles:
                return max(after, instant_of(candles[0][0]))
            day += self.page_bars * D1.span
        return after if self.timeframe >= D1 else self.end

    def _has_before(self, start: datetime) -> bool:
        """Whether the venue has bars before those it gave, though it was asked for earlier ones."""
        try:
            earlier = self.ask(self.timeframe, self.first, start, self.page_bars).candles
        except FeedRefused:  # it takes no end
            return False
        return any(self.first <= instant_of(candle[0]) < start for candle in earlier)

    def _note(self, answer: Answer, candles: Sequence[Sequence[Any]], unusable: int, is_cut: bool) -> str | None:
        if is_cut:
            return f"gives no {self.timeframe} bars before {instant_of(candles[0][0]):%Y-%m-%d %H:%M}Z"
        return f"gave {unusable} bars with prices that cannot be" if unusable else self._clocks(answer)

    def _clocks(self, answer: Answer) -> str | None:
        """That clocks are far apart, where that keeps a bar from being settled."""
        behind = self.now - answer.told_at if answer.told_at else timedelta(0)
        if behind <= _CLOCKS_APART or self._known_until(answer)[0] >= self.end:
            return None
        return f"has a clock {behind.total_seconds():,.0f} s behind ours: check this machine's time"


def _from(first: datetime, answer: Answer) -> list[Sequence[Any]]:
    return [candle for candle in answer.candles if instant_of(candle[0]) >= first]
