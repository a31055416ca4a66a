"""What base.py promises, for every feed found. A feed of the network is asked at a loopback exchange."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from signalhub import plugins
from signalhub.domain.bar import BAR_SCHEMA, PRICES
from signalhub.domain.instrument import ASSET_CLASSES, InstrumentSpec
from signalhub.domain.timeframe import D1, H1, M1, M15, TIMEFRAMES, Timeframe
from signalhub.errors import NotFound
from signalhub.feeds.base import Feed
from signalhub.feeds.ccxt_rest import CcxtRest
from tests.doubles.exchange import serving

FEEDS = plugins.declared("signalhub.feeds", "FEED", Feed)
# A Wednesday inside every calendar's week.
NOON = datetime(2024, 5, 15, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def loopback() -> Iterator[str]:
    with serving() as double:
        yield double.url


@pytest.fixture(params=sorted(FEEDS))
def feed(request: pytest.FixtureRequest, loopback: str) -> Feed:
    declared = FEEDS[request.param]
    return CcxtRest(declared.venue, loopback) if isinstance(declared, CcxtRest) else declared


@pytest.fixture
def spec(feed: Feed) -> InstrumentSpec:
    return feed.instruments()[0]


def test_the_feeds_of_the_house_are_found() -> None:
    assert {"ccxt_rest", "simulator"} <= set(FEEDS)


def test_a_feed_has_a_name_and_says_whether_it_is_live(feed: Feed) -> None:
    assert feed.name
    assert isinstance(feed.is_live, bool)


def test_instruments_are_told_once_each_in_our_words(feed: Feed) -> None:
    specs = feed.instruments()
    assert specs
    assert len({(spec.venue, spec.symbol) for spec in specs}) == len(specs)
    assert {spec.asset_class for spec in specs} <= set(ASSET_CLASSES)
    assert all(spec.tick_size is None or spec.tick_size > 0 for spec in specs)
    assert all(spec.is_simulated == spec.symbol.startswith("SIM:") for spec in specs)


@pytest.mark.parametrize("timeframe", TIMEFRAMES, ids=str)
def test_bars_are_valid_ascending_on_the_grid_and_inside_the_window(
    feed: Feed, spec: InstrumentSpec, timeframe: Timeframe
) -> None:
    since, until = NOON - timedelta(days=3, minutes=7), NOON
    bars = feed.fetch(spec, timeframe, since, until)
    opens = bars["open_at"].to_list()
    assert bars.schema == pl.Schema(BAR_SCHEMA)
    assert opens == sorted(set(opens))
    assert opens
    assert all(timeframe.floor(open_at) == open_at for open_at in opens)
    assert opens[0] >= since
    assert opens[-1] + timeframe.span <= until


@pytest.mark.parametrize("timeframe", [M15, H1, D1], ids=str)
def test_prices_are_positive_and_high_and_low_enclose_the_others(
    feed: Feed, spec: InstrumentSpec, timeframe: Timeframe
) -> None:
    bars = feed.fetch(spec, timeframe, NOON - timedelta(days=9), NOON)
    assert bars.select((pl.min_horizontal(PRICES) == pl.col("low")).all()).item()
    assert bars.select((pl.max_horizontal(PRICES) == pl.col("high")).all()).item()
    assert bars.select((pl.col("low") > 0).all() & (pl.col("volume") >= 0).all()).item()
    assert bars.select(pl.col(*PRICES, "volume").null_count()).sum_horizontal().item() == 0


def test_a_forming_bar_is_never_yielded(feed: Feed, spec: InstrumentSpec) -> None:
    half_past = datetime.now(UTC) - timedelta(minutes=1)
    bars = feed.fetch(spec, D1, half_past - timedelta(days=8), half_past)
    assert bars["open_at"].to_list()[-1] + D1.span <= half_past


def test_a_poll_tells_of_each_instrument_up_to_the_last_close_and_of_the_same_bars(feed: Feed) -> None:
    specs, now = feed.instruments()[:2], datetime.now(UTC) - timedelta(minutes=5)
    since = M15.floor(now) - timedelta(hours=2)
    found = list(feed.poll([(spec, since) for spec in specs], M15, now))
    assert {polled.spec for polled in found} == set(specs)
    for polled in found:
        assert (polled.error, polled.settled_through) == (None, M15.floor(now))
        assert_frame_equal(polled.bars, feed.fetch(polled.spec, M15, since, now))


def test_a_poll_of_an_instrument_that_is_up_to_date_says_that_it_is(feed: Feed, spec: InstrumentSpec) -> None:
    (polled,) = feed.poll([(spec, H1.floor(NOON))], H1, NOON)
    assert (polled.bars.height, polled.settled_through, polled.error) == (0, NOON, None)


def test_pages_hold_what_is_fetched_and_end_where_they_should(feed: Feed, spec: InstrumentSpec) -> None:
    since = NOON - timedelta(days=5, minutes=7)
    pages = list(feed.pages(spec, M1, since, NOON))
    throughs = [page.through for page in pages]
    assert len(pages) > 1
    assert throughs == sorted(set(throughs))
    assert throughs[-1] == NOON
    assert all(page.bars["open_at"].max() + M1.span <= page.through for page in pages if not page.bars.is_empty())
    assert_frame_equal(pl.concat([page.bars for page in pages]), feed.fetch(spec, M1, since, NOON))


def test_an_instrument_is_found_however_its_symbol_is_spelled(feed: Feed, spec: InstrumentSpec) -> None:
    plain = spec.symbol.replace("/", "").removeprefix("SIM:").lower()
    assert feed.find(spec.symbol) == feed.find(plain) == spec
    with pytest.raises(NotFound, match=r"^\S+ has no NOPE/NOPE that trades at present\. Did you mean [^\n]+\?$"):
        feed.find("NOPE/NOPE")


def test_what_it_lists_trades_at_its_venue(feed: Feed) -> None:
    assert {spec.venue for spec in feed.instruments()} == {feed.venue}


def test_the_same_question_gets_the_same_answer(feed: Feed, spec: InstrumentSpec) -> None:
    window = (NOON - timedelta(days=2), NOON)
    assert_frame_equal(feed.fetch(spec, H1, *window), feed.fetch(spec, H1, *window))


def test_two_adjoining_windows_hold_what_the_whole_one_holds(feed: Feed, spec: InstrumentSpec) -> None:
    since, middle = NOON - timedelta(days=4), NOON - timedelta(days=2, hours=5)
    parts = [feed.fetch(spec, H1, since, middle), feed.fetch(spec, H1, middle, NOON)]
    assert_frame_equal(pl.concat(parts), feed.fetch(spec, H1, since, NOON))


@pytest.mark.parametrize("length", [timedelta(0), timedelta(minutes=50), -timedelta(days=1)], ids=str)
def test_a_window_that_holds_no_whole_bar_is_empty_in_the_right_shape(
    feed: Feed, spec: InstrumentSpec, length: timedelta
) -> None:
    since = NOON + timedelta(minutes=5)
    bars = feed.fetch(spec, H1, since, since + length)
    assert bars.is_empty()
    assert bars.schema == pl.Schema(BAR_SCHEMA)
