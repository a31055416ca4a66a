"""`signalhub backfill` and the modes of `once`, run as a person would, against a loopback exchange on wall time."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from signalhub.domain.timeframe import M1
from tests.acceptance.commands import Here, assert_refused, environment, signalhub, started, wait_until
from tests.acceptance.places import on_a_terminal
from tests.doubles.exchange import HANG, KLINES, Exchange, refusal, serving
from tests.doubles.exchange_market import many


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with serving(Exchange(many(4))) as running:
        yield running


@pytest.fixture
def env(database_url: str, exchange: Exchange, tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path, database_url, SIGNALHUB_VENUE_URL=exchange.url)


def stored(env: dict[str, str]) -> dict[str, int]:
    """Symbol → how many bars there are."""
    query = "SELECT i.symbol, count(*) FROM market.bars JOIN market.instruments AS i USING (instrument_id) GROUP BY 1"
    with psycopg.connect(env["SIGNALHUB_DATABASE_URL"]) as connection:
        return dict(connection.execute(query).fetchall())


def test_history_of_named_symbols_is_fetched_and_rolled_up(env: dict[str, str], here: Here) -> None:
    answer = here(env, "backfill", "--symbol", "BTC/USDT", "--symbol", "ethusdt", "--days", "1")
    assert (answer.code, answer.err) == (0, "")
    assert re.fullmatch(
        r"2 instruments: 2,8\d\d new bars, 0 corrected, 0 unchanged \([\d.]+ s, [\d,]+ bars/s\)\n", answer.out
    )
    assert set(stored(env)) == {"BTC/USDT", "ETH/USDT"}
    status = here(env, "status").out
    assert re.search(r"last close 1h  \d", status), "coarser timeframes are there too"


def test_again_it_brings_what_closed_since_and_changes_nothing_else(env: dict[str, str], here: Here) -> None:
    words = ("backfill", "--symbol", "BTC/USDT", "--timeframe", "1d", "--since", "2024-01-01")
    first = here(env, *words)
    assert here(env, *words).out.endswith("Nothing changed: all of it was there already.\n")
    assert first.code == 0
    with psycopg.connect(env["SIGNALHUB_DATABASE_URL"]) as connection:
        found = connection.execute("SELECT base_timeframe, min(open_at) FROM market.bars GROUP BY 1").fetchall()
    assert found == [("1d", datetime(2024, 1, 1, tzinfo=UTC))]


def test_the_most_traded_ones_are_found_and_fetched_again_without_naming_them(env: dict[str, str], here: Here) -> None:
    assert here(env, "backfill", "--top", "2", "--days", "0.02").code == 0
    assert set(stored(env)) == {"BTC/USDT", "ETH/USDT"}
    assert here(env, "backfill", "--days", "0.05").out.startswith("2 instruments: ")
    assert min(stored(env).values()) > 60


class TestWrong:
    def test_an_unknown_symbol_is_one_line_with_near_ones(self, env: dict[str, str], here: Here) -> None:
        answer = here(env, "backfill", "--symbol", "BTC/USTD")
        assert_refused(answer, "binance has no BTC/USTD that trades at present. Did you mean BTC/USDT")

    def test_an_unknown_symbol_among_others_stops_none_of_them(self, env: dict[str, str], here: Here) -> None:
        answer = here(env, "backfill", "--symbol", "NOPE/USDT", "--symbol", "BTC/USDT", "--days", "0.02")
        assert answer.code == 1
        assert answer.err.startswith("signalhub: NOPE/USDT is not complete: binance has no NOPE/USDT")
        assert set(stored(env)) == {"BTC/USDT"}

    def test_one_symbols_failure_is_named_at_the_end(self, env: dict[str, str], exchange: Exchange, here: Here) -> None:
        exchange.always(KLINES, refusal(404), symbol="BTCUSDT")
        answer = here(env, "backfill", "--top", "3", "--days", "0.02")
        assert answer.code == 1
        assert answer.out.startswith("3 instruments: ")
        assert answer.err.startswith(
            "signalhub: BTC/USDT is not complete: binance failed at giving 1m bars of BTC/USDT"
        )
        assert answer.err.count("\n") == 1
        assert set(stored(env)) == {"ETH/USDT", "BNB/USDT"}

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("--since", "2024-01-01", "--days", "3"), "--since or --days"),
            (("--symbol", "BTC/USDT", "--top", "3"), "--symbol or --top"),
            (("--since", "2999-01-01"), "has not come yet"),
        ],
    )
    def test_words_that_contradict_each_other(
        self, env: dict[str, str], here: Here, words: tuple[str, ...], said: str
    ) -> None:
        assert_refused(here(env, "backfill", *words), said, code=2)

    def test_an_unknown_venue_is_named_with_near_ones(self, env: dict[str, str], here: Here) -> None:
        assert_refused(here(env, "backfill", "--venue", "krakn", "--top", "1"), "'krakn'. Try kraken")


def test_an_interrupt_keeps_what_was_stored(env: dict[str, str], exchange: Exchange) -> None:
    exchange.always(KLINES, HANG, symbol="ETHUSDT")
    process = started(env, "backfill", "--symbol", "BTC/USDT", "--symbol", "ETH/USDT", "--days", "1")
    wait_until(lambda: any(query["symbol"] == "ETHUSDT" for query in exchange.kline_queries))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.strip()) == (130, "signalhub: interrupted")
    assert stored(env)["BTC/USDT"] >= 1439
    exchange.always(KLINES, None, symbol="ETHUSDT")
    assert signalhub(env, "backfill", "--days", "1").returncode == 0
    assert set(stored(env)) == {"BTC/USDT", "ETH/USDT"}


def test_a_terminal_shows_how_far_it_is(env: dict[str, str]) -> None:
    code, shown = on_a_terminal(env, "backfill", "--symbol", "BTC/USDT", "--days", "2")
    assert code == 0
    assert "fetching 1m bars from binance" in shown
    assert re.search(r"/2,8\d\d bars", shown)


class TestModes:
    @pytest.fixture
    def behind(self, env: dict[str, str], here: Here) -> dict[str, str]:
        """Backfilled, and then the last half hour is lost."""
        assert here(env, "backfill", "--top", "2", "--days", "0.5").code == 0
        lost = M1.floor(datetime.now(UTC)) - timedelta(minutes=30)
        with psycopg.connect(env["SIGNALHUB_DATABASE_URL"]) as connection:
            connection.execute("DELETE FROM market.bars WHERE open_at >= %s", [lost])
            connection.execute("UPDATE market.watermarks SET settled_through = %s", [lost])
        return env

    def test_database_evaluates_what_is_there(self, behind: dict[str, str], exchange: Exchange, here: Here) -> None:
        before, asked = stored(behind), len(exchange.asked)
        assert here(behind, "once").code == 0
        assert (stored(behind), len(exchange.asked)) == (before, asked)

    @pytest.mark.parametrize("mode", ["hybrid", "live"])
    def test_the_others_fetch_first(self, behind: dict[str, str], here: Here, mode: str) -> None:
        before = stored(behind)
        answer = here(behind, "once", "--mode", mode)
        assert (answer.code, answer.err) == (0, "")
        assert all(count >= before[symbol] + 30 for symbol, count in stored(behind).items())

    def test_the_mode_may_be_set(self, behind: dict[str, str], here: Here) -> None:
        before = stored(behind)
        assert here(behind | {"SIGNALHUB_GENERATION_MODE": "hybrid"}, "once").code == 0
        assert stored(behind) != before

    def test_trouble_of_the_venue_is_one_line_and_the_evaluation_goes_on(
        self, behind: dict[str, str], exchange: Exchange, here: Here
    ) -> None:
        exchange.always(KLINES, refusal(404))
        answer = here(behind, "once", "--mode", "hybrid")
        assert answer.code == 0
        assert answer.err.startswith("signalhub: binance failed at giving 1m bars of ")
        assert answer.err.endswith("The evaluation goes on with what is stored.\n")
        assert answer.err.count("\n") == 1
        assert "closes evaluated" in answer.out
