"""The ccxt feed against a loopback exchange that speaks as Binance does: ccxt's own code runs, no network."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import ccxt
import pytest

from signalhub import clock
from signalhub.domain.instrument import InstrumentSpec, Listing
from signalhub.domain.timeframe import D1, H1, H4, M1, M15
from signalhub.errors import FeedUnavailable, NotFound
from signalhub.feeds.base import Feed
from signalhub.feeds.ccxt_rest import MAJORS, PAGE, CcxtRest
from signalhub.feeds.ccxt_values import tick_of
from signalhub.feeds.configured import at_venue, configured
from signalhub.feeds.simulator import Simulator
from signalhub.settings import Settings
from tests.doubles.exchange import INFO, TICKERS, Exchange, refusal, serving
from tests.doubles.exchange_market import BORN, MARKETS, Listed, many

BTC = InstrumentSpec("BTC/USDT", "binance", "crypto")
MAY = datetime(2024, 5, 1, tzinfo=UTC)


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with serving() as running:
        yield running


@pytest.fixture
def feed(exchange: Exchange) -> CcxtRest:
    return CcxtRest("binance", exchange.url)


class TestBars:
    def test_they_come_ascending_with_the_values_the_venue_gave(self, feed: CcxtRest, exchange: Exchange) -> None:
        bars = feed.fetch(BTC, H1, MAY, MAY + timedelta(hours=30))
        opens = [MAY + timedelta(hours=hour) for hour in range(30)]
        told = [exchange.candle(MARKETS[0], round(open_at.timestamp()), 3600) for open_at in opens]
        assert bars["open_at"].to_list() == opens
        for column, position in (("open", 1), ("high", 2), ("low", 3), ("close", 4), ("volume", 5)):
            assert bars[column].to_list() == [float(row[position]) for row in told], column
        assert bars["turnover"].null_count() == 30

    def test_a_long_window_is_fetched_page_by_page_without_a_seam(self, feed: CcxtRest, exchange: Exchange) -> None:
        bars = feed.fetch(BTC, M1, MAY, MAY + timedelta(minutes=2 * PAGE + 345))
        assert bars.height == 2 * PAGE + 345
        assert set(bars["open_at"].diff().drop_nulls()) == {timedelta(minutes=1)}
        asked = {query["startTime"] for query in exchange.kline_queries}
        assert len(asked) == 3, "a question that a busy machine repeats is none more"

    def test_a_forming_bar_is_never_yielded(self, feed: CcxtRest, exchange: Exchange) -> None:
        now = clock.now()
        bars = feed.fetch(BTC, D1, now - timedelta(days=5), now + timedelta(days=5))
        assert bars["open_at"].to_list()[-1] == D1.floor(now) - timedelta(days=1)
        assert bars.height == 4
        assert exchange.kline_queries, "the venue would have given it"

    def test_only_whole_bars_inside_the_window_are_yielded(self, feed: CcxtRest) -> None:
        bars = feed.fetch(BTC, M15, MAY + timedelta(minutes=7), MAY + timedelta(minutes=67))
        assert [open_at.minute for open_at in bars["open_at"]] == [15, 30, 45]

    def test_a_window_before_the_first_trade_begins_with_the_first_bar(self, feed: CcxtRest) -> None:
        born = datetime.fromtimestamp(BORN, UTC)
        bars = feed.fetch(BTC, D1, born - timedelta(days=9), born + timedelta(days=3))
        assert bars["open_at"][0] == D1.ceil(born)

    def test_a_window_without_a_whole_bar_asks_nothing(self, feed: CcxtRest, exchange: Exchange) -> None:
        assert feed.fetch(BTC, H1, MAY + timedelta(minutes=7), MAY + timedelta(minutes=57)).is_empty()
        assert exchange.asked == []

    def test_bars_whose_prices_contradict_each_other_are_left_out_and_told_of(
        self, feed: CcxtRest, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        good = exchange.candle

        def candle(market: Listed, open_second: int, span: int) -> list[object]:
            row = good(market, open_second, span)
            return [row[0], row[1], "0.01", *row[3:]] if open_second % 7200 else row

        monkeypatch.setattr(exchange, "candle", candle)
        (page,) = feed.pages(BTC, H1, MAY, MAY + timedelta(hours=4))
        assert [open_at.hour for open_at in page.bars["open_at"]] == [0, 2]
        assert page.note == "binance gave 2 bars with prices that cannot be (BTC/USDT)."


class TestMarkets:
    def test_the_most_traded_pairs_come_first_with_their_ticks(self, feed: CcxtRest) -> None:
        assert [(spec.symbol, spec.tick_size) for spec in feed.top(9)] == [
            ("ETH/USDT", Decimal("0.01")),
            ("BTC/USDT", Decimal("0.01")),
            ("PEPE/USDT", Decimal("0.00000001")),
        ], "without the delisted one and the pair of two dollars"
        assert {spec.venue for spec in feed.top(2)} == {"binance"}
        assert len(feed.top(2)) == 2

    def test_spot_markets_alone_are_asked_for(self, feed: CcxtRest, exchange: Exchange) -> None:
        feed.top(1)
        assert {path for path, _ in exchange.asked} == {INFO, TICKERS}

    def test_the_main_quote_currency_is_the_one_that_is_traded_most(self, feed: CcxtRest, exchange: Exchange) -> None:
        exchange.markets = (
            Listed("BTCUSDT", "BTC", turnover="5"),
            Listed("BTCUSD", "BTC", "USD", turnover="70"),
            Listed("ETHUSD", "ETH", "USD", turnover="90"),
        )
        assert [spec.symbol for spec in feed.top(5)] == ["ETH/USD", "BTC/USD"]

    def test_majors_it_lists_stand_in_where_the_venue_does_not_tell_turnover(
        self, feed: CcxtRest, exchange: Exchange
    ) -> None:
        exchange.markets = many(9)
        exchange.always(TICKERS, refusal(404))
        told: list[str] = []
        assert [spec.symbol for spec in feed.top(20, told.append)] == [f"{base}/USDT" for base in MAJORS[:9]]
        assert told[0].startswith("binance failed at telling its turnover: ")
        assert told[1] == "binance does not tell what is traded most: following majors."
        assert [path for path, _ in exchange.asked].count(TICKERS) == 1, "a refusal is not asked for twice"

    def test_trouble_on_the_way_is_no_reason_to_guess(self, feed: CcxtRest, exchange: Exchange) -> None:
        exchange.always(TICKERS, refusal(502))
        with pytest.raises(FeedUnavailable, match="telling its turnover"):
            feed.top(3)

    def test_a_market_is_found_and_an_unknown_one_gets_near_ones(self, feed: CcxtRest) -> None:
        assert feed.find("btcusdt") == InstrumentSpec("BTC/USDT", "binance", "crypto", Decimal("0.01"))
        with pytest.raises(NotFound, match=r"^binance has no BTCUST that trades at present\. Did you mean BTC/USDT"):
            feed.find("BTCUST")

    def test_a_delisted_market_is_not_found(self, feed: CcxtRest) -> None:
        with pytest.raises(NotFound, match="binance has no LUNA/USDT that trades"):
            feed.find("LUNA/USDT")

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
        self, precision: float | None, mode: int, tick: Decimal | None
    ) -> None:
        assert tick_of(precision, mode) == tick


class TestConfigured:
    def test_the_settings_name_feed_venue_and_host(self, exchange: Exchange) -> None:
        found = configured(Settings(venue="binance", venue_url=exchange.url))
        assert found.venue == "binance"
        assert found.find("BTC/USDT").symbol == "BTC/USDT"
        assert isinstance(configured(Settings(feed="simulator")), Simulator)

    def test_an_unknown_feed_is_named_with_those_there_are(self) -> None:
        with pytest.raises(Exception, match=r"SIGNALHUB_FEED is 'telepathy'.* ccxt_rest, simulator"):
            configured(Settings(feed="telepathy"))

    def test_a_venue_is_one_of_ours_or_one_of_ccxts(self) -> None:
        assert isinstance(at_venue(Settings(), "simulator"), Simulator)
        assert _target(at_venue(Settings(venue="binance", venue_url="http://proxy"), "binance")) == "http://proxy"
        assert _target(at_venue(Settings(venue="binance", venue_url="http://proxy"), "kraken")) is None

    def test_an_unknown_venue_is_named_with_near_ones(self) -> None:
        with pytest.raises(FeedUnavailable, match=r"^ccxt knows no venue 'binnance'\. Try binance"):
            CcxtRest("binnance").top(1)

    def test_a_timeframe_the_venue_does_not_have_is_named_with_those_it_has(self) -> None:
        spec = InstrumentSpec("BTC/USD", "coinbase", "crypto")
        with pytest.raises(FeedUnavailable, match=r"^coinbase has no bars of 4h\. It has: 1m, "):
            CcxtRest("coinbase").fetch(spec, H4, MAY, MAY + timedelta(days=1))

    def test_importing_the_feed_does_not_import_ccxt(self) -> None:
        program = "import sys, signalhub.feeds.ccxt_rest; sys.exit('ccxt' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def _target(feed: Feed) -> str | None:
    assert isinstance(feed, CcxtRest)
    return feed.base_url


def test_the_list_of_markets_says_which_trade(feed: CcxtRest) -> None:
    listed = {f"{market.base}/{market.quote}": market.status == "TRADING" for market in MARKETS}
    assert {symbol: status is Listing.LISTED for symbol, status in feed.listing().items()} == listed
    assert feed.listing()["LUNA/USDT"] is Listing.HALTED
