"""A feeds' loop whose venue says what it is told to say, and whose clock the test turns."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from signalhub.db.engine import Database
from signalhub.domain.bar import BAR_SCHEMA, empty_bars
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import Timeframe
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
        self.half_way: dict[str, Callable[[], None]] = {}
        """What happens after the first half of an instrument's bars."""
        self.not_shown: set[datetime] = set()
        self.listed = [AAA, BBB]
        self.asked: list[tuple[str, datetime]] = []

    def instruments(self) -> Sequence[InstrumentSpec]:
        return self.listed

    def fetch(self, spec: InstrumentSpec, timeframe: Timeframe, since: datetime, until: datetime) -> pl.DataFrame:
        del spec
        opens = [since + k * timeframe.span for k in range((until - since) // timeframe.span)]
        rows = [(open_at, 10.0, 11.0, 9.0, 10.5, 3.0, None) for open_at in opens if open_at not in self.not_shown]
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
                continue
            if spec.symbol in self.half_way:
                half = timeframe.floor(since + (answer - since) / 2)
                self.half_way[spec.symbol]()
                yield Polled(spec, self.fetch(spec, timeframe, since, half), half)
                since = half
            yield Polled(spec, self.fetch(spec, timeframe, since, answer), answer)


class Loop:
    """A loop whose clock the test turns."""

    def __init__(self, database: Database, settings: Settings = SETTINGS) -> None:
        self.now = START + timedelta(seconds=1)
        self.feed = Made()
        self.history = 0
        keeper = Keeper("feeds", database, settings, threading.Event())
        self.loop = FeedsLoop(database, settings, self.feed, lambda: None, self._caught_up, keeper, lambda: self.now)
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
