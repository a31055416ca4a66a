"""The walk over a venue's pages, against venues of every manner: no bar is lost, and no watermark goes over a hole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalhub.domain.timeframe import D1, H1, M1, Timeframe
from signalhub.errors import FeedRefused
from signalhub.feeds.base import Page
from signalhub.feeds.ccxt_pages import Answer, Span, Walk

NOW = datetime(2024, 5, 1, 12, 0, 30, tzinfo=UTC)
GRACE = timedelta(seconds=3)
MANNERS = ("binance", "windowed", "newest")


@dataclass
class Venue:
    """A venue that has bars of these minutes; the last of them may be forming."""

    traded: list[datetime]
    manner: str = "binance"
    most: int = 1000
    """What it gives at most."""
    asked: list[tuple[Timeframe, datetime]] = field(default_factory=list)
    takes_an_end: bool = True
    has_days: bool = True

    def ask(self, timeframe: Timeframe, since: datetime, before: datetime | None, limit: int) -> Answer:
        self.asked.append((timeframe, since))
        if (before and not self.takes_an_end) or (timeframe == D1 and not self.has_days):
            raise FeedRefused("not here")
        opens = sorted({timeframe.floor(minute) for minute in self.traded})
        limit = min(limit, self.most)
        if self.manner == "windowed":
            before = min(before or NOW, since + limit * timeframe.span)
        fitting = [open_at for open_at in opens if open_at >= since and (before is None or open_at < before)]
        if self.manner == "recent":
            fitting = [open_at for open_at in opens[-limit:] if open_at >= since]
        chosen = fitting[-limit:] if self.manner == "newest" else fitting[:limit]
        return Answer([[round(open_at.timestamp() * 1000), 2.0, 3.0, 1.0, 2.0, 1.0] for open_at in chosen])

    def walk(self, first: datetime, end: datetime = NOW, page_bars: int = 1000) -> list[Page]:
        span = Span(M1, M1.ceil(first), M1.floor(end))
        return list(Walk(self.ask, span, NOW, GRACE, page_bars).pages())


def minutes(first: datetime, last: datetime, keep: Callable[[int], bool] = lambda _: True) -> list[datetime]:
    count = (last - first) // M1.span + 1
    return [first + number * M1.span for number in range(count) if keep(number)]


def opens(pages: list[Page]) -> list[datetime]:
    return pl.concat([page.bars for page in pages])["open_at"].to_list()


@settings(max_examples=150, deadline=None)
@given(
    manner=st.sampled_from(MANNERS),
    # Bars present or not, in runs, so that there are stretches without any.
    runs=st.lists(st.tuples(st.booleans(), st.integers(1, 60)), min_size=1, max_size=8),
    most=st.integers(5, 40),
    asked=st.integers(5, 40),
    early=st.integers(0, 200),
    has_days=st.booleans(),
)
def test_every_bar_before_the_watermark_is_there_whatever_the_venues_manner(
    manner: str, runs: list[tuple[bool, int]], most: int, asked: int, early: int, has_days: bool
) -> None:
    present = [is_there for is_there, length in runs for _ in range(length)]
    begin = M1.floor(NOW) - (len(present) - 1) * M1.span
    traded = [begin + number * M1.span for number, is_there in enumerate(present) if is_there]
    venue = Venue(traded, manner, most=max(most, asked), has_days=has_days)
    first = begin - (early + 1) * M1.span
    pages = venue.walk(first, page_bars=asked)
    through = [page.through for page in pages]
    assert through == sorted(through)
    assert through[-1] == M1.floor(NOW), "half a minute after the close all is known"
    assert opens(pages) == [open_at for open_at in traded if open_at < M1.floor(NOW)]
    for page in pages:
        assert page.bars["open_at"].is_empty() or page.bars["open_at"][-1] + M1.span <= page.through


def test_a_gap_longer_than_a_page_hides_no_bar_before_it() -> None:
    """A venue that gives the newest bars first, and a market that traded once long before the page it gave."""
    begin = M1.floor(NOW) - timedelta(minutes=10)
    venue = Venue([begin, *minutes(M1.floor(NOW) - timedelta(minutes=4), M1.floor(NOW))], "newest", most=5)
    pages = venue.walk(begin - M1.span, page_bars=5)
    assert opens(pages) == venue.traded[:-1]


def test_three_years_before_a_listing_cost_a_few_questions() -> None:
    listed = NOW.replace(hour=0, minute=0, second=0) - timedelta(days=2)
    for manner in MANNERS:
        venue = Venue(minutes(listed, M1.floor(NOW)), manner)
        pages = venue.walk(listed - timedelta(days=1100))
        assert opens(pages) == minutes(listed, M1.floor(NOW) - M1.span)
        assert len(venue.asked) <= 16, manner


def test_a_venue_that_gives_only_its_newest_bars_is_told_of() -> None:
    venue = Venue(minutes(NOW.replace(second=0) - timedelta(days=3), M1.floor(NOW)), "recent", most=720)
    pages = venue.walk(NOW - timedelta(days=2), page_bars=720)
    assert len(opens(pages)) == 719
    assert [page.note for page in pages] == ["gives no 1m bars before 2024-05-01 00:01Z"]


def test_a_venue_that_takes_no_end_is_walked_without_one() -> None:
    listed = M1.floor(NOW) - timedelta(minutes=3000)
    venue = Venue(minutes(listed, M1.floor(NOW)), takes_an_end=False)
    pages = venue.walk(listed - timedelta(days=30))
    assert len(opens(pages)) == 3000


def test_an_empty_page_in_the_midst_of_history_is_believed_only_when_it_comes_twice() -> None:
    venue = Venue(minutes(M1.floor(NOW) - timedelta(minutes=5000), M1.floor(NOW)))
    silent = iter([True])

    def ask(timeframe: Timeframe, since: datetime, before: datetime | None, limit: int) -> Answer:
        return Answer([]) if next(silent, False) else venue.ask(timeframe, since, before, limit)

    span = Span(M1, M1.floor(NOW) - timedelta(minutes=4000), M1.floor(NOW))
    assert len(opens(list(Walk(ask, span, NOW, GRACE, 1000).pages()))) == 4000


@pytest.mark.parametrize("manner", ["binance", "windowed"])
def test_a_page_that_repeats_ends_the_walk(manner: str) -> None:
    """ccxt cuts off what is before `since`: a venue that always answers the same gives nothing from then on."""
    begin = M1.floor(NOW) - timedelta(minutes=5000)
    venue = Venue(minutes(begin, begin + timedelta(minutes=999)), manner)
    pages = venue.walk(begin)
    assert len(opens(pages)) == 1000
    assert len(venue.asked) < 12


def test_history_that_ends_in_the_past_needs_no_newer_bar() -> None:
    begin = M1.floor(NOW) - timedelta(days=9)
    venue = Venue(minutes(begin, begin + timedelta(hours=2)))
    pages = venue.walk(begin, begin + timedelta(hours=1))
    assert (len(opens(pages)), pages[-1].through) == (60, begin + timedelta(hours=1))
    assert H1.floor(begin) == begin


def test_a_bar_told_twice_across_the_cut_of_a_page_is_not_lost() -> None:
    first = M1.floor(NOW) - 9 * M1.span
    usable = [[round(minute.timestamp() * 1000), 2.0, 3.0, 1.0, 2.0, 1.0] for minute in minutes(first, M1.floor(NOW))]
    told = sorted([*usable, [usable[3][0], 2.0, 3.0, 1.0, 0.0, 1.0]])  # a close of nothing, and told first

    def ask(_: Timeframe, since: datetime, __: datetime | None, limit: int) -> Answer:
        return Answer([candle for candle in told if candle[0] >= since.timestamp() * 1000][:limit])

    pages = list(Walk(ask, Span(M1, first, M1.floor(NOW)), NOW, GRACE, 4).pages())
    assert opens(pages) == minutes(first, M1.floor(NOW) - M1.span)
