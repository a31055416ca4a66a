"""Generation modes: what is fetched before an evaluation, and that a venue's trouble does not stop it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import M1, M5
from signalhub.feeds import ccxt_venue
from signalhub.feeds.ccxt_rest import CcxtRest
from signalhub.jobs.backfill import Wish, backfill
from signalhub.jobs.topping_up import ToppedUp, top_up
from signalhub.settings import Settings
from tests.doubles.exchange import INFO, KLINES, Exchange, refusal, serving
from tests.doubles.exchange_market import many
from tests.market import rows

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
SETTINGS = Settings(history_days=0.25, top=3)


class Stage:
    """Three instruments that were backfilled up to noon, and it is ten minutes later now."""

    def __init__(self, exchange: Exchange, database: Database) -> None:
        self.exchange, self.database = exchange, database
        self.feed = CcxtRest("binance", exchange.url)
        self.slept: list[float] = []
        exchange.markets = many(5)
        self.go_to(5)
        specs = [InstrumentSpec(f"{base}/USDT", "binance", "crypto") for base in ("BTC", "ETH")]
        backfill(database, self.feed, specs, Wish(M1, NOON - timedelta(hours=1)), self.now)
        coarse = InstrumentSpec("BNB/USDT", "binance", "crypto")
        backfill(database, self.feed, [coarse], Wish(M5, NOON - timedelta(hours=1)), self.now)
        self.go_to(605)

    def go_to(self, seconds: float) -> None:
        self.now = NOON + timedelta(seconds=seconds)
        self.exchange.clock = lambda: self.now.timestamp()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.go_to((self.now - NOON).total_seconds() + seconds)

    def top_up(self, mode: str, settings: Settings = SETTINGS) -> ToppedUp:
        del self.exchange.asked[:]
        return top_up(self.database, self.feed, mode, settings, lambda: self.now, self.sleep)

    def reached(self) -> dict[str, int]:
        """Minutes after noon up to which each instrument is settled."""
        found = rows(
            self.database,
            "SELECT i.symbol, w.settled_through FROM market.watermarks AS w JOIN market.instruments AS i "
            "USING (instrument_id) ORDER BY i.symbol",
        )
        return {row["symbol"]: round((row["settled_through"] - NOON).total_seconds() / 60) for row in found}

    def asked(self) -> set[str]:
        return {query["symbol"] for query in self.exchange.kline_queries}


@pytest.fixture
def stage(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(ccxt_venue, "_sleep", lambda _: None)
    with serving() as exchange:
        yield Stage(exchange, database)


def test_mode_database_asks_nobody(stage: Stage) -> None:
    assert stage.top_up("database") == ToppedUp()
    assert stage.exchange.asked == []
    assert stage.reached() == {"BNB/USDT": 0, "BTC/USDT": 0, "ETH/USDT": 0}


def test_mode_hybrid_fetches_what_is_missed_in_each_instruments_own_timeframe(stage: Stage) -> None:
    done = stage.top_up("hybrid")
    assert (done.ingested.new, done.problem) == (10 + 10 + 2, None)
    assert stage.reached() == {"BNB/USDT": 10, "BTC/USDT": 10, "ETH/USDT": 10}
    assert stage.slept == []


def test_mode_hybrid_leaves_alone_who_is_up_to_date(stage: Stage) -> None:
    stage.top_up("hybrid")
    stage.go_to(650)
    assert stage.top_up("hybrid") == ToppedUp()
    stage.go_to(665)
    stage.top_up("hybrid")
    assert stage.asked() == {"BTCUSDT", "ETHUSDT"}, "the bar of five minutes has not closed yet"


def test_bars_that_came_late_count_as_known_now(stage: Stage) -> None:
    stage.top_up("hybrid")
    query = "SELECT DISTINCT known_at FROM market.bars WHERE open_at >= %s"
    assert rows(stage.database, query, [NOON]) == [{"known_at": stage.now}]


def test_mode_live_asks_for_all_and_for_the_last_bars_again(stage: Stage) -> None:
    stage.top_up("hybrid")
    done = stage.top_up("live")
    assert stage.asked() == {"BTCUSDT", "ETHUSDT", "BNBUSDT"}
    assert (done.ingested.new, done.ingested.corrected, done.ingested.unchanged) == (0, 0, 6)


def test_mode_live_brings_in_symbols_that_were_never_fetched_with_their_history(stage: Stage) -> None:
    done = stage.top_up("live", SETTINGS.replace(symbols=("SOL/USDT", "btcusdt")))
    assert done.problem is None
    assert stage.reached()["SOL/USDT"] == 10
    query = (
        "SELECT count(*) AS bars, bool_and(known_at = open_at + INTERVAL '1 minute') AS is_history "
        "FROM market.bars JOIN market.instruments USING (instrument_id) WHERE symbol = 'SOL/USDT'"
    )
    assert rows(stage.database, query) == [{"bars": 360, "is_history": True}]


def test_a_bar_that_is_not_shown_yet_is_waited_for(stage: Stage) -> None:
    stage.go_to(600.5)
    stage.exchange.delay_seconds = 1.6
    assert stage.top_up("hybrid").problem is None
    assert stage.reached() == {"BNB/USDT": 10, "BTC/USDT": 10, "ETH/USDT": 10}
    assert sum(stage.slept) == pytest.approx(1.5)


def test_a_bar_that_never_comes_is_waited_for_as_long_as_the_evaluation_waits(stage: Stage) -> None:
    stage.go_to(600.5)
    stage.exchange.delay_seconds = 60
    stage.top_up("hybrid", SETTINGS.replace(settle_grace_seconds=2.0))
    assert stage.reached()["BTC/USDT"] == 9
    assert sum(stage.slept) == pytest.approx(2.0)


class TestTrouble:
    def test_the_failure_of_one_is_told_in_one_line_and_the_others_are_fetched(self, stage: Stage) -> None:
        stage.exchange.always(KLINES, refusal(404), symbol="ETHUSDT")
        done = stage.top_up("hybrid")
        assert stage.reached() == {"BNB/USDT": 10, "BTC/USDT": 10, "ETH/USDT": 0}
        assert done.problem is not None
        assert done.problem.startswith("binance failed at giving 1m bars of ETH/USDT: ")
        assert done.problem.endswith("The evaluation goes on with what is stored.")

    def test_a_venue_that_is_away_is_one_line_for_all(self, stage: Stage) -> None:
        stage.feed = CcxtRest("binance", stage.exchange.url)
        stage.exchange.always(INFO, refusal(404))
        for mode in ("hybrid", "live"):
            problem = stage.top_up(mode).problem
            assert problem is not None
            assert problem.startswith("binance failed at listing its markets: ")
            assert "And 2 more: " in problem
            assert "\n" not in problem

    def test_a_symbol_that_is_set_and_does_not_exist_is_told_of(self, stage: Stage) -> None:
        done = stage.top_up("live", SETTINGS.replace(symbols=("NOPE/USDT",)))
        assert done.problem is not None
        assert done.problem.startswith("binance has no NOPE/USDT that trades at present. Did you mean")
        assert stage.reached()["BTC/USDT"] == 10
