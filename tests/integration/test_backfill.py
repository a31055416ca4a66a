"""Backfill against the loopback exchange: what is stored, where a rerun goes on, and what a failure costs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from signalhub.bars import ingest
from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import H1, M1, Timeframe
from signalhub.feeds import ccxt_venue
from signalhub.feeds.ccxt_rest import CcxtRest
from signalhub.jobs import backfill as job
from signalhub.jobs import pipeline
from signalhub.jobs.backfill import Backfilled, Wish, backfill
from signalhub.jobs.progress import Progress
from tests.acceptance.fingerprint import fingerprint
from tests.doubles.exchange import KLINES, RESET, Exchange, refusal, serving
from tests.doubles.exchange_market import Listed
from tests.market import rows

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
MARKETS = (Listed("BTCUSDT", "BTC"), Listed("ETHUSDT", "ETH"), Listed("QUIETUSDT", "QUIET", trades_every=11))


class Stage:
    """An exchange whose clock stands a little after noon, and a database that is filled from it."""

    def __init__(self, exchange: Exchange, database: Database) -> None:
        exchange.clock, exchange.markets = lambda: NOON.timestamp() + 5, MARKETS
        self.exchange, self.database = exchange, database
        self.feed = CcxtRest("binance", exchange.url)

    def fill(
        self, since: timedelta, *symbols: str, timeframe: Timeframe = M1, progress: Progress | None = None
    ) -> Backfilled:
        specs = [InstrumentSpec(symbol, "binance", "crypto") for symbol in symbols or ("BTC/USDT",)]
        now = NOON + timedelta(seconds=5)
        return backfill(self.database, self.feed, specs, Wish(timeframe, NOON - since), now, progress)

    def stored(self, symbol: str = "BTC/USDT") -> list[datetime]:
        found = rows(
            self.database,
            "SELECT b.open_at FROM market.bars AS b JOIN market.instruments AS i USING (instrument_id) "
            "WHERE i.symbol = %s ORDER BY b.open_at",
            [symbol],
        )
        return [row["open_at"] for row in found]

    def watermark(self, timeframe: Timeframe = M1) -> datetime | None:
        key = rows(self.database, "SELECT min(instrument_id) AS key FROM market.instruments")[0]["key"]
        with self.database.transaction() as connection:
            return ingest.settled_through(connection, key, timeframe)


@pytest.fixture
def stage(database: Database) -> Iterator[Stage]:
    with serving() as exchange:
        yield Stage(exchange, database)


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody really waits between attempts."""
    slept: list[float] = []
    monkeypatch.setattr(ccxt_venue, "_sleep", slept.append)
    return slept


def every_minute(count: int) -> list[datetime]:
    return [NOON - (count - number) * M1.span for number in range(count)]


def test_all_bars_up_to_the_last_close_are_stored_with_their_watermark(stage: Stage) -> None:
    done = stage.fill(timedelta(minutes=2345))
    assert (done.ingested.new, done.failed) == (2345, {})
    assert stage.stored() == every_minute(2345)
    assert stage.watermark() == NOON


def test_again_it_asks_for_nothing(stage: Stage) -> None:
    stage.fill(timedelta(minutes=300))
    asked = len(stage.exchange.kline_queries)
    assert stage.fill(timedelta(minutes=300)).ingested == ingest.Ingested()
    assert len(stage.exchange.kline_queries) == asked


def test_what_came_before_a_failure_is_stored_and_a_rerun_goes_on_there(stage: Stage) -> None:
    stage.exchange.trouble = _after(stage.exchange, [None, None, refusal(404)])  # type: ignore[method-assign]
    done = stage.fill(timedelta(minutes=4500))
    assert done.ingested.new == 2000
    assert "giving 1m bars of BTC/USDT" in done.failed["BTC/USDT"]
    assert stage.watermark() == NOON - timedelta(minutes=2500)
    asked = len(stage.exchange.kline_queries)
    assert stage.fill(timedelta(minutes=4500)).ingested.new == 2500
    assert stage.stored() == every_minute(4500)
    assert len(stage.exchange.kline_queries) - asked <= 4, "what was stored is not asked for again"


def _after(exchange: Exchange, script: list[object]) -> object:
    """The next kline requests go as scripted, None for well; all after them go well."""

    def trouble(path: str, query: dict[str, str]) -> object:
        exchange.asked.append((path, query))
        return script.pop(0) if path == KLINES and script else None

    return trouble


class TestBackwards:
    def test_history_is_extended_before_the_first_bar(self, stage: Stage) -> None:
        stage.fill(timedelta(minutes=100))
        assert stage.fill(timedelta(minutes=12_000)).ingested.new == 11_900
        assert stage.stored() == every_minute(12_000)
        assert stage.watermark() == NOON

    def test_it_ends_at_the_same_rows_as_all_at_once(self, stage: Stage, database_url: str) -> None:
        for minutes in (200, 700, 6500):
            stage.fill(timedelta(minutes=minutes))
            pipeline.refresh(stage.database, NOON + timedelta(seconds=5))
        grown = fingerprint(database_url)
        with stage.database.transaction() as connection:
            for table in ("bars", "watermarks", "instrument_bases", "indicators", "indicator_state", "dirty_ranges"):
                connection.execute(f"DELETE FROM market.{table}".encode())
        stage.fill(timedelta(minutes=6500))
        pipeline.refresh(stage.database, NOON + timedelta(seconds=5))
        at_once = fingerprint(database_url)
        assert {name for name in grown if grown[name] != at_once[name]} == set()

    def test_a_failure_leaves_no_hole_and_a_rerun_fills_it(self, stage: Stage) -> None:
        stage.fill(timedelta(minutes=100))
        # The newest chunk of 5,000 comes in five pages; the failure hits the chunk before it.
        stage.exchange.trouble = _after(stage.exchange, [None] * 7 + [refusal(404)])  # type: ignore[method-assign]
        done = stage.fill(timedelta(minutes=12_000))
        assert list(done.failed) == ["BTC/USDT"]
        assert stage.stored() == every_minute(5100)
        assert stage.fill(timedelta(minutes=12_000)).failed == {}
        assert stage.stored() == every_minute(12_000)

    def test_it_ends_at_the_listing(self, stage: Stage) -> None:
        born = NOON - timedelta(minutes=9000)
        stage.exchange.markets = (Listed("BTCUSDT", "BTC", born=round(born.timestamp())),)
        stage.fill(timedelta(minutes=100))
        asked = len(stage.exchange.kline_queries)
        assert stage.fill(timedelta(days=900)).failed == {}
        assert stage.stored() == every_minute(9000)
        assert len(stage.exchange.kline_queries) - asked < 40

    def test_a_watermark_without_bars_vouches_for_nothing_before_it(self, stage: Stage) -> None:
        """Two quiet minutes: nobody traded, and all is settled. Then history is wanted, and the way there breaks."""
        quiet = "QUIET/USDT"
        first = stage.fill(timedelta(minutes=2), quiet)
        assert (first.ingested.new, stage.watermark()) == (0, NOON)
        stage.exchange.trouble = _after(stage.exchange, [None] * 6 + [refusal(404)])  # type: ignore[method-assign]
        stage.fill(timedelta(minutes=9000), quiet)
        stage.fill(timedelta(minutes=9000), quiet)
        market, noon = MARKETS[2], round(NOON.timestamp())
        traded = [NOON - n * M1.span for n in range(9000, 0, -1) if market.trades(noon - 60 * n, 60)]
        assert stage.stored(quiet) == traded


def test_less_than_what_is_missed_makes_no_hole(stage: Stage) -> None:
    """Stored until a month ago, and a day is wished for: the month between is fetched as well."""
    stage.fill(timedelta(days=3), timeframe=H1)
    stage.exchange.clock = lambda: (NOON + timedelta(days=30)).timestamp() + 5
    now = NOON + timedelta(days=30, seconds=5)
    spec = InstrumentSpec("BTC/USDT", "binance", "crypto")
    backfill(stage.database, stage.feed, [spec], Wish(H1, now - timedelta(days=1)), now)
    stored = stage.stored()
    assert (len(stored), stored[-1] - stored[0]) == (33 * 24, timedelta(hours=33 * 24 - 1))


def test_a_bar_that_is_not_shown_yet_is_left_for_the_next_time(stage: Stage) -> None:
    stage.exchange.clock = lambda: NOON.timestamp() + 1
    stage.exchange.delay_seconds = 2.0
    stage.fill(timedelta(minutes=60))
    assert stage.watermark() == NOON - timedelta(minutes=1)
    stage.exchange.clock = lambda: NOON.timestamp() + 5
    stage.fill(timedelta(minutes=60))
    assert (stage.watermark(), stage.stored()) == (NOON, every_minute(60))


class TestTrouble:
    def test_the_failure_of_one_does_not_stop_the_others(self, stage: Stage) -> None:
        stage.exchange.always(KLINES, RESET, symbol="BTCUSDT")
        done = stage.fill(timedelta(minutes=50), "BTC/USDT", "ETH/USDT")
        assert list(done.failed) == ["BTC/USDT"]
        assert stage.stored("ETH/USDT") == every_minute(50)

    def test_where_nobody_answers_the_others_are_not_tried(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(job, "_GIVEN_UP_AFTER", 1)
        stage.exchange.always(KLINES, RESET)
        done = stage.fill(timedelta(minutes=50), "BTC/USDT", "ETH/USDT", "QUIET/USDT")
        assert list(done.failed) == ["BTC/USDT", "ETH/USDT", "QUIET/USDT"]
        assert "binance does not answer" in done.failed["QUIET/USDT"]
        assert {query["symbol"] for query in stage.exchange.kline_queries} == {"BTCUSDT"}

    def test_a_venue_that_was_asked_too_often_is_waited_for(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waited: list[float] = []

        def wait(seconds: float) -> None:
            waited.append(seconds)
            stage.feed._asked._silent_until = 0.0

        monkeypatch.setattr(job, "_sleep", wait)
        told: list[str] = []
        progress = Progress()
        monkeypatch.setattr(progress, "line", told.append)
        stage.exchange.trouble = _after(stage.exchange, [None, refusal(429, 60)])  # type: ignore[method-assign]
        assert stage.fill(timedelta(minutes=2500), progress=progress).failed == {}
        assert stage.stored() == every_minute(2500)
        assert waited == [pytest.approx(60, abs=2)]
        assert [line.endswith("Waiting.") for line in told] == [True]


def test_progress_counts_the_bars_that_were_missing(stage: Stage) -> None:
    class Counting(Progress):
        total = 0
        done = 0

        def stage(self, label: str, total: int | None = None, unit: str = "rows") -> None:
            assert (label, unit) == ("fetching 1m bars from binance", "bars")
            self.total = total or 0

        def advance(self, count: int) -> None:
            self.done += count

    stage.fill(timedelta(minutes=100))
    progress = Counting()
    stage.fill(timedelta(minutes=8000), "BTC/USDT", "ETH/USDT", progress=progress)
    assert (progress.total, progress.done) == (7900 + 8000, 7900 + 8000)


def test_minutes_nobody_traded_in_are_gaps_the_venue_does_not_have(stage: Stage) -> None:
    quiet = "QUIET/USDT"
    stage.fill(timedelta(minutes=100), quiet)
    stored = stage.stored(quiet)
    lacking = rows(stage.database, "SELECT status, detail, sum(missing)::int AS bars FROM market.gaps GROUP BY 1, 2")
    bars = (NOON - stored[0]) // M1.span - len(stored)
    assert lacking == [{"status": "unavailable", "detail": "binance does not give them", "bars": bars}]
    assert stage.fill(timedelta(minutes=100), quiet).ingested.new == 0
    assert sum(row["missing"] for row in rows(stage.database, "SELECT missing FROM market.gaps")) == bars
