"""A poll of a venue: what it vouches for at which moment, and that one instrument's trouble is its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import M1
from signalhub.errors import FeedRefused
from signalhub.feeds.base import Polled
from signalhub.feeds.ccxt_rest import WORKERS, CcxtRest
from tests.doubles.exchange import HANG, INFO, KLINES, RESET, Exchange, refusal, serving
from tests.doubles.exchange_market import MARKETS, Listed, many

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
GRACE = timedelta(seconds=3)
BTC = InstrumentSpec("BTC/USDT", "binance", "crypto")


class Stage:
    """An exchange whose clock stands, and a feed that asks it a little after noon."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange, self.feed = exchange, CcxtRest("binance", exchange.url)
        self.venue_clock(0)

    def venue_clock(self, seconds: float) -> None:
        self.exchange.clock = lambda: NOON.timestamp() + seconds

    def poll(self, seconds: float, since_minutes: float = 2, spec: InstrumentSpec = BTC) -> Polled:
        """What a poll so long after noon finds; the venue's clock agrees unless it was set."""
        found = list(self.poll_many([spec], seconds, since_minutes))
        assert len(found) == 1, found
        return found[0]

    def poll_many(self, specs: list[InstrumentSpec], seconds: float, since_minutes: float = 2) -> Iterator[Polled]:
        since = NOON - timedelta(minutes=since_minutes)
        return self.feed.poll([(spec, since) for spec in specs], M1, NOON + timedelta(seconds=seconds), GRACE)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with serving() as exchange:
        yield Stage(exchange)


def minutes(polled: Polled) -> list[int]:
    """The opens, in minutes before noon."""
    return [round((NOON - open_at).total_seconds() / 60) for open_at in polled.bars["open_at"]]


class TestSettled:
    def test_the_bar_that_just_closed_is_settled_once_a_newer_one_is_shown(self, stage: Stage) -> None:
        stage.venue_clock(0.2)
        polled = stage.poll(0.2)
        assert (minutes(polled), polled.settled_through) == ([2, 1], NOON)

    def test_a_bar_that_the_venue_does_not_show_yet_is_asked_for_again(self, stage: Stage) -> None:
        stage.venue_clock(0.5)
        stage.exchange.delay_seconds = 1.0
        polled = stage.poll(0.5)
        # Two minutes ago is shown, and old enough to be final; one minute ago is neither shown nor known to be missing.
        assert (minutes(polled), polled.settled_through) == ([2], NOON - timedelta(minutes=1))
        stage.venue_clock(1.5)
        polled = stage.poll(1.5, since_minutes=1)
        assert (minutes(polled), polled.settled_through) == ([1], NOON)

    def test_a_bar_shown_last_may_still_change_and_is_not_taken(self, stage: Stage) -> None:
        stage.venue_clock(0.5)
        stage.exchange.delay_seconds, stage.exchange.shows_stale = 1.0, True
        early = stage.poll(0.5)
        assert (minutes(early), early.settled_through) == ([2], NOON - timedelta(minutes=1))
        stage.venue_clock(1.5)
        final = stage.poll(1.5, since_minutes=1)
        told = stage.exchange.candle(MARKETS[0], round(NOON.timestamp()) - 60, 60)
        assert final.bars["close"].to_list() == [float(told[4])]

    def test_after_the_grace_what_is_shown_last_is_final(self, stage: Stage) -> None:
        stage.exchange.delay_seconds, stage.exchange.shows_stale = 60.0, True
        stage.venue_clock(4)
        assert stage.poll(4).settled_through == NOON

    def test_our_clock_being_ahead_makes_no_forming_bar_final(self, stage: Stage) -> None:
        stage.venue_clock(-6)
        polled = stage.poll(4)
        assert (minutes(polled), polled.settled_through) == ([2], NOON - timedelta(minutes=1))

    def test_a_clock_far_off_is_told_of(self, stage: Stage) -> None:
        stage.venue_clock(-90)
        polled = stage.poll(1, since_minutes=5)
        assert polled.note == "binance has a clock 91 s behind ours: check this machine's time (BTC/USDT)."
        assert polled.settled_through == NOON - timedelta(minutes=2)

    def test_our_clock_being_behind_settles_nothing_beyond_it(self, stage: Stage) -> None:
        stage.venue_clock(30)
        polled = stage.poll(-1)
        assert (minutes(polled), polled.settled_through) == ([2], NOON - timedelta(minutes=1))


class TestQuietMarket:
    """One minute in five has a trade; the others have no bar."""

    @pytest.fixture
    def quiet(self, stage: Stage) -> InstrumentSpec:
        stage.exchange.markets = (Listed("QUIETUSDT", "QUIET", trades_every=5),)
        return InstrumentSpec("QUIET/USDT", "binance", "crypto")

    def test_minutes_without_a_trade_are_settled_by_the_newer_bar(self, stage: Stage, quiet: InstrumentSpec) -> None:
        stage.venue_clock(0.2)
        polled = stage.poll(0.2, since_minutes=5, spec=quiet)
        assert (minutes(polled), polled.settled_through) == ([5], NOON)

    def test_without_a_newer_bar_they_are_settled_after_the_grace(self, stage: Stage, quiet: InstrumentSpec) -> None:
        stage.venue_clock(62)
        early = stage.poll(62, since_minutes=0, spec=quiet)
        assert (minutes(early), early.settled_through) == ([], NOON), "noon's own bar is not old enough"
        stage.venue_clock(64)
        late = stage.poll(64, since_minutes=0, spec=quiet)
        assert (minutes(late), late.settled_through) == ([0], NOON + timedelta(minutes=1))
        empty = stage.poll(64, since_minutes=-1, spec=quiet)
        assert (minutes(empty), empty.settled_through) == ([], NOON + timedelta(minutes=1))

    def test_one_question_is_enough(self, stage: Stage, quiet: InstrumentSpec) -> None:
        stage.venue_clock(200)
        assert stage.poll(200, since_minutes=0, spec=quiet).settled_through == NOON + timedelta(minutes=3)
        assert len(stage.exchange.kline_queries) == 1


class TestMany:
    @pytest.fixture
    def specs(self, stage: Stage) -> list[InstrumentSpec]:
        stage.exchange.markets = many(20)
        stage.venue_clock(1)
        return stage.feed.top(20)

    def test_all_are_told_of(self, stage: Stage, specs: list[InstrumentSpec]) -> None:
        found = list(stage.poll_many(specs, 1))
        assert {polled.spec for polled in found} == set(specs)
        assert {polled.settled_through for polled in found} == {NOON}

    def test_the_trouble_of_one_is_its_own(self, stage: Stage, specs: list[InstrumentSpec]) -> None:
        stage.exchange.always(KLINES, refusal(404), symbol="SOLUSDT")
        stage.exchange.always(KLINES, RESET, symbol="ADAUSDT")
        found = {polled.spec.symbol: polled for polled in stage.poll_many(specs, 1)}
        broken = {symbol: polled for symbol, polled in found.items() if polled.error}
        assert set(broken) == {"SOL/USDT", "ADA/USDT"}
        assert isinstance(broken["SOL/USDT"].error, FeedRefused)
        assert "binance failed at giving 1m bars of ADA/USDT" in str(broken["ADA/USDT"].error)
        assert all(polled.settled_through is None and polled.bars.is_empty() for polled in broken.values())
        assert {polled.settled_through for polled in found.values() if not polled.error} == {NOON}

    def test_one_that_hangs_holds_nobody_up(self, stage: Stage, specs: list[InstrumentSpec]) -> None:
        stage.exchange.always(KLINES, HANG, symbol="BTCUSDT")
        stage.feed = CcxtRest("binance", stage.exchange.url, timeout_seconds=4.0)
        polls = stage.poll_many(specs, 1)
        arrived = [next(polls) for _ in range(len(specs) - 1)]
        assert all(polled.error is None for polled in arrived), "the others came before it was given up"
        (last,) = polls
        assert last.spec.symbol == "BTC/USDT"
        assert "TimeoutError" in str(last.error)

    def test_where_all_hang_it_gives_up_early(self, stage: Stage, specs: list[InstrumentSpec]) -> None:
        stage.exchange.always(KLINES, HANG)
        hurried = CcxtRest("binance", stage.exchange.url, timeout_seconds=0.4)
        found = list(hurried.poll([(spec, NOON - timedelta(minutes=2)) for spec in specs], M1, NOON, GRACE))
        assert {polled.spec for polled in found} == set(specs)
        assert all(polled.error for polled in found)
        assert any("does not answer" in str(polled.error) for polled in found)
        asked = {query["symbol"] for query in stage.exchange.kline_queries}
        assert len(asked) <= 3 * WORKERS

    def test_a_venue_that_is_away_is_an_error_of_each(self, stage: Stage, specs: list[InstrumentSpec]) -> None:
        stage.exchange.always(INFO, refusal(404))
        away = CcxtRest("binance", stage.exchange.url)
        found = list(away.poll([(spec, NOON) for spec in specs], M1, NOON + timedelta(minutes=1)))
        assert [polled.spec for polled in found] == specs
        assert all("listing its markets" in str(polled.error) for polled in found)

    def test_much_to_catch_up_comes_page_by_page_with_its_watermark(
        self, stage: Stage, specs: list[InstrumentSpec]
    ) -> None:
        found = list(stage.poll_many(specs[:2], 1, since_minutes=2500))
        for spec in specs[:2]:
            own = [polled for polled in found if polled.spec == spec]
            assert len(own) == 3
            assert [polled.bars.height for polled in own] == [1000, 1000, 500]
            assert own[-1].settled_through == NOON

    def test_who_stops_reading_stops_the_asking(self, stage: Stage, specs: list[InstrumentSpec]) -> None:
        polls = stage.poll_many(specs * 20, 1)
        next(polls)
        polls.close()  # type: ignore[attr-defined]
        asked = len(stage.exchange.kline_queries)
        assert asked < 20 * len(specs)
