"""The ccxt feed against a loopback exchange that speaks as Binance does: ccxt's own code runs, no network."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import ccxt
import pytest

from signalhub import clock
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import D1, H1, M1, M15
from signalhub.errors import FeedUnavailable
from signalhub.feeds.ccxt_rest import MAJORS, PAGE, CcxtRest
from signalhub.feeds.ccxt_values import tick_of
from tests.binance_double import BORN, BinanceDouble, bar, serving

BTC = InstrumentSpec("BTC/USDT", "binance", "crypto")


@pytest.fixture
def double() -> Iterator[BinanceDouble]:
    with serving() as running:
        yield running


@pytest.fixture
def feed(double: BinanceDouble) -> CcxtRest:
    return CcxtRest("binance", double.url)


@pytest.fixture
def dead_url() -> str:
    """A loopback address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_bars_come_ascending_with_the_values_the_venue_gave(feed: CcxtRest) -> None:
    since = datetime(2024, 5, 1, tzinfo=UTC)
    bars = feed.fetch(BTC, H1, since, since + timedelta(hours=30))
    expected = [bar(round((since + timedelta(hours=hour)).timestamp()), 3600) for hour in range(30)]
    assert bars["open_at"].to_list() == [since + timedelta(hours=hour) for hour in range(30)]
    assert bars["high"].to_list() == [float(row[2]) for row in expected]
    assert bars["volume"].to_list() == [3.5] * 30
    assert bars["turnover"].null_count() == 30


def test_a_long_window_is_fetched_page_by_page_without_a_seam(feed: CcxtRest, double: BinanceDouble) -> None:
    since = datetime(2024, 5, 1, tzinfo=UTC)
    bars = feed.fetch(BTC, M1, since, since + timedelta(minutes=2 * PAGE + 345))
    assert bars.height == 2 * PAGE + 345
    assert set(bars["open_at"].diff().drop_nulls()) == {timedelta(minutes=1)}
    assert len(double.kline_queries) == 3


def test_a_forming_bar_is_never_yielded(feed: CcxtRest, double: BinanceDouble) -> None:
    now = clock.now()
    bars = feed.fetch(BTC, D1, now - timedelta(days=5), now + timedelta(days=5))
    assert bars["open_at"].to_list()[-1] == D1.floor(now) - timedelta(days=1)
    assert bars.height == 4
    assert double.kline_queries, "the venue would have given it"


def test_only_whole_bars_inside_the_window_are_yielded(feed: CcxtRest) -> None:
    since = datetime(2024, 5, 1, 0, 7, tzinfo=UTC)
    bars = feed.fetch(BTC, M15, since, datetime(2024, 5, 1, 1, 7, tzinfo=UTC))
    assert [open_at.minute for open_at in bars["open_at"]] == [15, 30, 45]


def test_a_window_before_the_first_trade_begins_with_the_first_bar(feed: CcxtRest) -> None:
    born = datetime.fromtimestamp(BORN, UTC)
    bars = feed.fetch(BTC, D1, born - timedelta(days=9), born + timedelta(days=3))
    assert bars["open_at"][0] == D1.ceil(born)


def test_a_window_without_a_whole_bar_asks_nothing(feed: CcxtRest, double: BinanceDouble) -> None:
    since = datetime(2024, 5, 1, 0, 7, tzinfo=UTC)
    assert feed.fetch(BTC, H1, since, since + timedelta(minutes=50)).is_empty()
    assert double.kline_queries == []


def test_too_many_requests_and_a_server_error_are_tried_again(feed: CcxtRest, double: BinanceDouble) -> None:
    double.failures = [429, 500]
    since = datetime(2024, 5, 1, tzinfo=UTC)
    assert feed.fetch(BTC, H1, since, since + timedelta(hours=3)).height == 3
    assert len(double.kline_queries) == 3


def test_the_third_failure_is_final_and_names_venue_and_task(feed: CcxtRest, double: BinanceDouble) -> None:
    double.failures = [500, 502, 503, 504]
    since = datetime(2024, 5, 1, tzinfo=UTC)
    with pytest.raises(FeedUnavailable, match=r"^binance failed at giving 1h bars of BTC/USDT: [^\n]+$"):
        feed.fetch(BTC, H1, since, since + timedelta(hours=3))
    assert len(double.kline_queries) == 3


def test_a_symbol_the_venue_does_not_have_is_not_tried_again(feed: CcxtRest, double: BinanceDouble) -> None:
    since = datetime(2024, 5, 1, tzinfo=UTC)
    with pytest.raises(FeedUnavailable, match=r"binance failed at .* NOPE/USDT"):
        feed.fetch(InstrumentSpec("NOPE/USDT", "binance", "crypto"), H1, since, since + timedelta(hours=3))
    assert double.kline_queries == []


def test_the_most_traded_usdt_pairs_come_first_with_their_ticks(feed: CcxtRest) -> None:
    found = [(spec.symbol, spec.tick_size) for spec in feed.top(3)]
    assert found == [
        ("ETH/USDT", Decimal("0.01")),
        ("BTC/USDT", Decimal("0.01")),
        ("PEPE/USDT", Decimal("0.00000001")),
    ]
    assert {spec.venue for spec in feed.top(2)} == {"binance"}


def test_spot_markets_alone_are_asked_for(feed: CcxtRest, double: BinanceDouble) -> None:
    feed.top(1)
    assert set(double.paths) == {"/api/v3/exchangeInfo", "/api/v3/ticker/24hr"}


def test_majors_stand_in_where_the_venue_does_not_tell_turnover(feed: CcxtRest, double: BinanceDouble) -> None:
    double.knows_turnover = False
    assert [spec.symbol for spec in feed.instruments()] == [f"{base}/USDT" for base in MAJORS]


@pytest.mark.parametrize(
    ("precision", "mode", "tick"),
    [
        (1e-05, ccxt.TICK_SIZE, Decimal("0.00001")),
        (0.25, ccxt.TICK_SIZE, Decimal("0.25")),
        (2, ccxt.DECIMAL_PLACES, Decimal("0.01")),
        (0, ccxt.DECIMAL_PLACES, Decimal("1")),
        (5, ccxt.SIGNIFICANT_DIGITS, None),
        (None, ccxt.TICK_SIZE, None),
    ],
)
def test_a_tick_is_read_in_the_mode_the_venue_states_it(
    precision: float | None, mode: int, tick: Decimal | None
) -> None:
    assert tick_of(precision, mode) == tick


def test_a_living_venue_answers(feed: CcxtRest) -> None:
    assert feed.answers(within_seconds=20)


def test_a_venue_where_nobody_listens_does_not_answer(dead_url: str) -> None:
    assert not CcxtRest("binance", dead_url).answers(within_seconds=20)


def test_a_silent_venue_does_not_answer(feed: CcxtRest, double: BinanceDouble) -> None:
    double.is_silent = True
    assert not feed.answers(within_seconds=0.5)


def test_the_probe_does_not_wait_for_a_name_that_is_never_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_silent_venue_is_given_up_with_one_line(double: BinanceDouble) -> None:
    double.is_silent = True
    hurried = CcxtRest("binance", double.url, timeout_seconds=0.3)
    with pytest.raises(FeedUnavailable, match=r"^binance failed at listing its markets: [^\n]+$"):
        hurried.top(1)


def test_a_web_page_instead_of_data_is_one_line_too(feed: CcxtRest, double: BinanceDouble) -> None:
    double.is_garbled = True
    with pytest.raises(FeedUnavailable, match=r"^binance failed at [^\n]+$"):
        feed.top(1)
    assert not feed.answers(within_seconds=20)


def test_an_unknown_venue_is_named() -> None:
    with pytest.raises(FeedUnavailable, match="no venue 'nowhere'"):
        CcxtRest("nowhere").top(1)


def test_importing_the_feed_does_not_import_ccxt() -> None:
    program = "import sys, signalhub.feeds.ccxt_rest; sys.exit('ccxt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
