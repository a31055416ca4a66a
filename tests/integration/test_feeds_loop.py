"""The feeds' loop: what is asked for, what is stored with which watermark, and what happens to what fails."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from signalhub.db.engine import Database
from signalhub.domain.instrument import Listing
from signalhub.domain.timeframe import D1, M1
from signalhub.errors import FeedUnavailable, SettingsInvalid
from tests.feeds_stage import AAA, SETTINGS, START, Loop


@pytest.fixture
def loop(database: Database) -> Loop:
    return Loop(database)


def test_history_first_and_then_each_close_from_the_watermark_on(loop: Loop) -> None:
    assert loop.poll() == [("AAA/USDT", START - timedelta(hours=1)), ("BBB/USDT", START - timedelta(hours=1))]
    assert loop.stored() == {"AAA/USDT": (60, START), "BBB/USDT": (60, START)}
    assert loop.poll(seconds=30) == []
    assert loop.poll(seconds=30) == [("AAA/USDT", START), ("BBB/USDT", START)]
    assert loop.stored()["AAA/USDT"] == (61, START + M1.span)
    assert loop.history == 1  # one close is no history to catch up on


def test_a_first_history_was_known_at_its_close_and_what_comes_later_when_it_came(loop: Loop) -> None:
    loop.poll()
    loop.poll(minutes=3)
    with loop.database.transaction() as connection:
        known = connection.execute(
            "SELECT DISTINCT open_at + interval '1 minute' = known_at, open_at < %s FROM market.bars ORDER BY 1",
            (START,),
        ).fetchall()
    assert known == [(False, False), (True, True)]


def test_one_that_is_not_there_yet_is_asked_again_without_the_others(loop: Loop) -> None:
    loop.poll()
    loop.feed.answers["BBB/USDT"] = START
    assert len(loop.poll(minutes=1)) == 2
    assert loop.poll(seconds=1) == [("BBB/USDT", START)]
    assert loop.stored()["BBB/USDT"] == (60, START)  # nothing is vouched for that did not come


def test_one_that_fails_is_tried_again_ever_more_rarely_and_stops_nobody(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    loop.feed.answers["AAA/USDT"] = FeedUnavailable("made failed: no answer")
    assert len(loop.poll()) == 2
    assert list(loop.stored()) == ["BBB/USDT"]
    tried = sum(bool(loop.poll(seconds=0.25)) for _ in range(200))
    assert 5 <= tried <= 9  # after 0.5, 1, 2, 4, 8, 16, 30 seconds within 50
    assert [record.message for record in caplog.records].count("feeds: AAA/USDT: made failed: no answer") == 1
    del loop.feed.answers["AAA/USDT"]
    loop.poll(seconds=31)
    assert "feeds: AAA/USDT answers again" in [record.message for record in caplog.records]
    assert loop.stored()["AAA/USDT"][0] == 60


def test_what_was_followed_before_is_followed_again_while_the_venue_is_away(database: Database) -> None:
    Loop(database).poll()
    later = Loop(database)
    later.feed.instruments = lambda: (_ for _ in ()).throw(FeedUnavailable("away"))  # type: ignore[method-assign]
    later.loop._follow()
    assert later.poll(minutes=5) == [("AAA/USDT", START), ("BBB/USDT", START)]
    assert later.history == 1


def test_the_symbols_that_are_set_are_the_ones_followed(database: Database) -> None:
    loop = Loop(database)
    loop.loop.settings = SETTINGS.replace(symbols=("bbbusdt",))
    loop.loop._follow()
    assert [symbol for symbol, _ in loop.poll()] == ["BBB/USDT"]


def test_a_symbol_that_the_venue_never_had_is_a_wrong_setting_and_one_that_it_had_is_followed_on(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    loop.loop.settings = SETTINGS.replace(symbols=("AAA/USDT", "BBB/USDT"))
    loop.poll()
    loop.feed.listed = [AAA]
    loop.loop._follow()
    assert "made has no BBB/USDT that trades at present" in caplog.text
    assert {symbol for symbol, _ in loop.poll(minutes=1)} == {"AAA/USDT", "BBB/USDT"}
    loop.loop.settings = SETTINGS.replace(symbols=("CCC/USDT",))
    with pytest.raises(SettingsInvalid, match="SIGNALHUB_SYMBOLS: made has no CCC/USDT"):
        loop.loop._follow()


def test_one_that_fails_for_days_goes_on_being_tried_and_wants_no_catch_up(loop: Loop) -> None:
    loop.poll()
    loop.feed.answers["AAA/USDT"] = FeedUnavailable("made failed: delisted")
    loop.poll(minutes=1)
    loop.loop._trouble[AAA].tries = 5_000
    assert loop.poll(minutes=3) == [("BBB/USDT", START + M1.span), ("AAA/USDT", START)]
    assert loop.history == 2  # the one that answers had more than one close to tell
    for _ in range(5):
        assert ("AAA/USDT", START) in loop.poll(minutes=1)
    assert loop.history == 2


def test_a_clock_that_is_put_back_keeps_nobody_from_being_asked(loop: Loop) -> None:
    loop.now += timedelta(hours=2)
    loop.feed.answers["AAA/USDT"] = FeedUnavailable("made failed: no answer")
    loop.poll()
    del loop.feed.answers["AAA/USDT"]
    assert [symbol for symbol, _ in loop.poll(hours=-2)] == ["AAA/USDT"]


def test_a_bar_that_is_shown_after_it_was_given_up_is_stored_all_the_same(loop: Loop) -> None:
    loop.poll()
    loop.feed.not_shown = {START}
    loop.poll(minutes=1)
    assert loop.stored()["AAA/USDT"] == (60, START + M1.span)  # settled: taken for a minute without trades
    loop.feed.not_shown = set()
    assert loop.poll(minutes=1) == [("AAA/USDT", START), ("BBB/USDT", START)]
    assert loop.stored()["AAA/USDT"] == (62, START + 2 * M1.span)
    assert loop.poll(minutes=1)[0] == ("AAA/USDT", START + 2 * M1.span)
    assert loop.history == 1


def test_a_market_without_trades_is_asked_for_its_last_few_closes_only(loop: Loop) -> None:
    loop.poll()
    loop.feed.not_shown = {START + k * M1.span for k in range(60)}
    for _ in range(20):
        loop.poll(minutes=1)
    assert loop.poll(minutes=1)[0] == ("AAA/USDT", START + 15 * M1.span)
    assert loop.stored()["AAA/USDT"] == (60, START + 21 * M1.span)
    assert loop.history == 1


def test_the_history_of_one_that_is_new_gives_way_to_a_close_and_goes_on_after_it(loop: Loop) -> None:
    loop.feed.answers["BBB/USDT"] = FeedUnavailable("made failed: not yet")
    loop.poll()
    assert loop.history == 1

    def a_minute_passes() -> None:
        loop.now += M1.span

    del loop.feed.answers["BBB/USDT"]
    loop.feed.half_way["BBB/USDT"] = a_minute_passes
    loop.poll(minutes=1)
    assert loop.stored()["BBB/USDT"][1] < START  # half of it, and nobody waits for the rest
    assert loop.history == 1
    loop.feed.half_way.clear()
    asked = loop.poll()
    assert asked == [("AAA/USDT", START + M1.span), ("BBB/USDT", asked[1][1])]
    assert loop.history == 2
    assert loop.stored()["BBB/USDT"] == (61, START + 2 * M1.span)
    with loop.database.transaction() as connection:
        known = connection.execute(
            "SELECT DISTINCT b.open_at + interval '1 minute' = b.known_at FROM market.bars b "
            "JOIN market.instruments i USING (instrument_id) WHERE i.symbol = 'BBB/USDT'"
        ).fetchall()
    assert known == [(True,)]  # all of it is history, in however many portions it came


def test_the_heart_beats_while_history_comes_in(loop: Loop) -> None:
    loop.poll()
    with loop.database.transaction() as connection:
        assert connection.execute("SELECT part FROM engine.heartbeats").fetchall() == [("feeds",)]


def test_with_long_bars_the_loop_still_looks_every_few_seconds(database: Database) -> None:
    loop = Loop(database, SETTINGS.replace(base_timeframe=D1, history_days=3.0))
    loop.poll()
    assert loop.stored()["AAA/USDT"] == (3, D1.floor(START))
    # A machine that slept for an hour finds out at once, and health hears of us.
    assert loop.loop._pause() <= 5.0


def test_what_the_venue_does_with_an_instrument_is_recorded_at_each_look_at_its_markets(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    listing = {"AAA/USDT": Listing.HALTED, "BBB/USDT": Listing.LISTED}
    loop.feed.listing = lambda: listing  # type: ignore[method-assign]
    loop.loop._follow()
    del listing["BBB/USDT"]
    loop.now += timedelta(days=1)
    loop.loop._follow()
    assert "made says that BBB/USDT is delisted; it was listed" in caplog.text
    with loop.database.transaction() as connection:
        found = connection.execute(
            "SELECT symbol, status, source FROM analytics.universe WHERE valid_until IS NULL ORDER BY symbol"
        ).fetchall()
    assert found == [("AAA/USDT", "halted", "made"), ("BBB/USDT", "delisted", "made")]


def test_a_venue_that_does_not_tell_its_markets_changes_nothing(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    loop.feed.listing = lambda: (_ for _ in ()).throw(FeedUnavailable("away"))  # type: ignore[method-assign]
    loop.loop._follow()
    assert "what made lists is not known: away" in caplog.text
    with loop.database.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM market.instrument_status").fetchone() == (0,)
