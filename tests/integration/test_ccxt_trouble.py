"""The ccxt feed where the venue, or the way to it, is in trouble: what is asked again, and for how long."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from signalhub import clock
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import H1
from signalhub.errors import FeedBusy, FeedRefused, FeedUnavailable
from signalhub.feeds import ccxt_venue
from signalhub.feeds.ccxt_rest import CcxtRest
from tests.doubles.exchange import (
    CUT,
    GARBAGE,
    HANG,
    INFO,
    KLINES,
    RESET,
    TIME,
    TRICKLE,
    Exchange,
    Trouble,
    refusal,
    serving,
)

BTC = InstrumentSpec("BTC/USDT", "binance", "crypto")
MAY = datetime(2024, 5, 1, tzinfo=UTC)


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with serving() as running:
        yield running


@pytest.fixture
def feed(exchange: Exchange) -> CcxtRest:
    return CcxtRest("binance", exchange.url)


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the venue was left alone between attempts; nobody really waits."""
    slept: list[float] = []
    passed = [0.0]
    stopwatch = clock.stopwatch

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        passed[0] += seconds

    monkeypatch.setattr(ccxt_venue, "_sleep", sleep)
    monkeypatch.setattr(clock, "stopwatch", lambda: stopwatch() + passed[0])
    return slept


def three_bars(feed: CcxtRest) -> int:
    return feed.fetch(BTC, H1, MAY, MAY + timedelta(hours=3)).height


@pytest.mark.parametrize(
    "trouble",
    [refusal(500), refusal(502), refusal(503), refusal(504), refusal(408), RESET, GARBAGE, CUT],
    ids=lambda trouble: trouble.kind if trouble.kind != "status" else str(trouble.status),
)
@pytest.mark.usefixtures("sleeps")
def test_trouble_on_the_way_is_tried_again(feed: CcxtRest, exchange: Exchange, trouble: Trouble) -> None:
    exchange.script(KLINES, trouble, trouble)
    assert three_bars(feed) == 3
    assert len(exchange.kline_queries) == 3


def test_pauses_double_and_differ(feed: CcxtRest, exchange: Exchange, sleeps: list[float]) -> None:
    exchange.script(KLINES, *[refusal(500)] * 3)
    assert three_bars(feed) == 3
    first = ccxt_venue.FIRST_PAUSE_SECONDS
    assert [first / 2 * 2**n <= pause <= first * 2**n for n, pause in enumerate(sleeps)] == [True] * 3
    assert len({pause / 2**n for n, pause in enumerate(sleeps)}) == 3


@pytest.mark.usefixtures("sleeps")
def test_the_fourth_failure_is_final_and_names_venue_and_task(feed: CcxtRest, exchange: Exchange) -> None:
    exchange.always(KLINES, refusal(500))
    with pytest.raises(FeedUnavailable, match=r"^binance failed at giving 1h bars of BTC/USDT: [^\n]+$") as raised:
        three_bars(feed)
    assert not isinstance(raised.value, FeedRefused)
    assert len(exchange.kline_queries) == ccxt_venue.ATTEMPTS


@pytest.mark.parametrize("status", [400, 401, 403, 404, 451])
def test_a_refusal_is_not_asked_for_again(feed: CcxtRest, exchange: Exchange, status: int) -> None:
    exchange.always(KLINES, refusal(status))
    with pytest.raises(FeedRefused, match="giving 1h bars of BTC/USDT"):
        three_bars(feed)
    assert len(exchange.kline_queries) == 1


def test_a_symbol_the_venue_does_not_have_is_not_asked_for_again(feed: CcxtRest, exchange: Exchange) -> None:
    with pytest.raises(FeedRefused, match=r"binance failed at .* NOPE/USDT"):
        feed.fetch(InstrumentSpec("NOPE/USDT", "binance", "crypto"), H1, MAY, MAY + timedelta(hours=3))
    assert exchange.kline_queries == []


class TestAskedTooOften:
    def test_its_retry_after_is_waited_for(self, feed: CcxtRest, exchange: Exchange, sleeps: list[float]) -> None:
        exchange.script(KLINES, refusal(429, retry_after=3))
        assert three_bars(feed) == 3
        assert sum(sleeps) == pytest.approx(3, abs=0.5)

    def test_without_a_retry_after_it_is_a_pause_like_others(
        self, feed: CcxtRest, exchange: Exchange, sleeps: list[float]
    ) -> None:
        exchange.script(KLINES, refusal(429))
        assert three_bars(feed) == 3
        assert sum(sleeps) < 1

    def test_who_cannot_wait_that_long_is_told_at_once_and_nobody_asks_meanwhile(
        self, feed: CcxtRest, exchange: Exchange, sleeps: list[float]
    ) -> None:
        exchange.script(KLINES, refusal(429, retry_after=60))
        for _ in range(2):
            with pytest.raises(FeedBusy, match=r"^binance was asked too often and wants no question for \d+ s") as busy:
                three_bars(feed)
            assert 50 < busy.value.wait_seconds <= 60
        assert len(exchange.kline_queries) == 1
        assert sum(sleeps) < 1
        ccxt_venue._sleep(61)
        assert three_bars(feed) == 3

    @pytest.mark.usefixtures("sleeps")
    def test_a_ban_without_an_end_is_taken_for_the_shortest_there_is(self, feed: CcxtRest, exchange: Exchange) -> None:
        exchange.script(KLINES, refusal(418))
        with pytest.raises(FeedBusy) as busy:
            three_bars(feed)
        assert busy.value.wait_seconds == pytest.approx(ccxt_venue.BAN_SECONDS, abs=2)

    @pytest.mark.usefixtures("sleeps")
    def test_the_end_may_be_a_date(self) -> None:
        from email.utils import format_datetime

        until = clock.now() + timedelta(seconds=90)
        assert ccxt_venue._seconds(format_datetime(until, usegmt=True)) == pytest.approx(90, abs=2)
        assert ccxt_venue._seconds("soon") is None


class TestHanging:
    @pytest.mark.parametrize("trouble", [HANG, TRICKLE], ids=lambda trouble: trouble.kind)
    def test_it_is_given_up_with_one_line(self, exchange: Exchange, trouble: Trouble) -> None:
        exchange.always(INFO, trouble)
        with pytest.raises(FeedUnavailable, match=r"^binance failed at listing its markets: [^\n]+$"):
            CcxtRest("binance", exchange.url, timeout_seconds=0.2).top(1)

    def test_one_answer_that_hangs_does_not_cost_the_bars(self, exchange: Exchange) -> None:
        exchange.script(KLINES, HANG)
        assert three_bars(CcxtRest("binance", exchange.url, timeout_seconds=3.0)) == 3

    def test_the_probe_says_no(self, feed: CcxtRest, exchange: Exchange) -> None:
        exchange.always(TIME, HANG)
        assert not feed.answers(within_seconds=0.5)

    def test_the_probe_does_not_wait_for_a_name_that_is_never_resolved(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """No socket time-out covers name look-up; the probe must be left behind."""
        asked, hanging = threading.Event(), threading.Event()

        def hang(*_: object, **__: object) -> None:
            asked.set()
            hanging.wait()
            raise socket.gaierror("gone")

        monkeypatch.setattr(socket, "getaddrinfo", hang)
        assert not CcxtRest("binance", "http://exchange.invalid").answers(within_seconds=2)
        assert asked.is_set()
        assert not hanging.is_set()
        hanging.set()


def test_a_living_venue_answers(feed: CcxtRest) -> None:
    assert feed.answers(within_seconds=20)


def test_a_venue_where_nobody_listens_does_not_answer() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    assert not CcxtRest("binance", url).answers(within_seconds=20)


def test_a_web_page_instead_of_data_is_one_line_too(feed: CcxtRest, exchange: Exchange) -> None:
    for path in (INFO, TIME):
        exchange.always(path, GARBAGE)
    with pytest.raises(FeedUnavailable, match=r"^binance failed at [^\n]+$"):
        feed.top(1)
    assert not feed.answers(within_seconds=20)
