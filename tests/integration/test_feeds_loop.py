"""The feeds' loop: what is asked for, what is stored with which watermark, and what happens to what fails."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from signalhub.db.engine import Database
from signalhub.domain.bar import BAR_SCHEMA, empty_bars
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import M1, Timeframe
from signalhub.errors import FeedUnavailable
from signalhub.feeds.base import Feed, Polled
from signalhub.service.enduring import Keeper
from signalhub.service.feeds import FeedsLoop
from signalhub.settings import Settings

START = datetime(2026, 3, 4, 10, tzinfo=UTC)
AAA, BBB = (InstrumentSpec(f"{name}/USDT", "made", "crypto") for name in ("AAA", "BBB"))
SETTINGS = Settings(history_days=1 / 24)


class Made(Feed):
    """Says what it is told to say, and remembers what it was asked."""

    name = "made"
    is_live = True
    venue = "made"

    def __init__(self) -> None:
        self.answers: dict[str, FeedUnavailable | datetime] = {}
        self.asked: list[tuple[str, datetime]] = []

    def instruments(self) -> Sequence[InstrumentSpec]:
        return [AAA, BBB]

    def fetch(self, spec: InstrumentSpec, timeframe: Timeframe, since: datetime, until: datetime) -> pl.DataFrame:
        del spec
        opens = [since + k * timeframe.span for k in range((until - since) // timeframe.span)]
        rows = [(open_at, 10.0, 11.0, 9.0, 10.5, 3.0, None) for open_at in opens]
        return pl.DataFrame(rows, schema=BAR_SCHEMA, orient="row") if rows else empty_bars()

    def poll(
        self, wanted: Any, timeframe: Timeframe, now: datetime, grace: timedelta | None = None
    ) -> Iterator[Polled]:
        del grace
        for spec, since in wanted:
            self.asked.append((spec.symbol, since))
            answer = self.answers.get(spec.symbol, timeframe.floor(now))
            if isinstance(answer, FeedUnavailable):
                yield Polled(spec, empty_bars(), None, answer)
            else:
                yield Polled(spec, self.fetch(spec, timeframe, since, answer), answer)


class Loop:
    """A loop whose clock the test turns."""

    def __init__(self, database: Database) -> None:
        self.now = START + timedelta(seconds=1)
        self.feed = Made()
        self.history = 0
        keeper = Keeper("feeds", database, SETTINGS, threading.Event())
        self.loop = FeedsLoop(database, SETTINGS, self.feed, lambda: None, self._caught_up, keeper, lambda: self.now)
        self.database = database
        self.loop._follow()

    def _caught_up(self) -> None:
        self.history += 1

    def poll(self, **later: float) -> list[tuple[str, datetime]]:
        self.now += timedelta(**later)
        self.feed.asked.clear()
        self.loop.poll(self.now)
        return list(self.feed.asked)

    def stored(self) -> dict[str, tuple[int, datetime]]:
        with self.database.transaction() as connection:
            rows = connection.execute(
                "SELECT i.symbol, (SELECT count(*) FROM market.bars b WHERE b.instrument_id = i.instrument_id), "
                "w.settled_through FROM market.instruments i JOIN market.watermarks w USING (instrument_id) ORDER BY 1"
            ).fetchall()
        return {symbol: (count, settled) for symbol, count, settled in rows}


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
