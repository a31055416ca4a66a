"""What is done about gaps: the venue is asked, flat bars stand in, and the first real bar takes their place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from signalhub.bars import instruments
from signalhub.bars.gaps import EVER
from signalhub.bars.ingest import Ingested
from signalhub.db.engine import Database
from signalhub.domain.bar import BAR_SCHEMA, empty_bars
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import H1, Timeframe
from signalhub.errors import FeedUnavailable
from signalhub.feeds.base import Feed
from signalhub.jobs import gaps as work
from signalhub.jobs import pipeline
from signalhub.jobs.gaps import Filled
from tests.gaps_stage import detect, every, found, put_at
from tests.market import NEXT_YEAR, add_instrument, at, bar, frame, put, rows
from tests.market import roll_and_compute as refresh

TEN = at("4 10:00")
HAS = "SELECT open_at, open, high, low, close, volume, filled_count FROM market.bars ORDER BY open_at"


class Venue(Feed):
    """Has the bars it is told to have, and remembers what it was asked."""

    name, is_live, venue = "made", True, "test"

    def __init__(self, has: Sequence[datetime] = (), error: FeedUnavailable | None = None) -> None:
        self.has, self.error, self.asked = has, error, list[tuple[str, datetime, datetime]]()

    def instruments(self) -> Sequence[InstrumentSpec]:
        return []

    def fetch(self, spec: InstrumentSpec, timeframe: Timeframe, since: datetime, until: datetime) -> pl.DataFrame:
        del timeframe
        self.asked.append((spec.symbol, since, until))
        if self.error:
            raise self.error
        opens = [open_at for open_at in sorted(self.has) if since <= open_at < until]
        made = [(open_at, 50.0, 51.0, 49.0, 50.0, 7.0, None) for open_at in opens]
        return pl.DataFrame(made, schema=BAR_SCHEMA, orient="row") if made else empty_bars()


def minutes(*numbers: int) -> list[datetime]:
    return [TEN + timedelta(minutes=number) for number in numbers]


def fill(database: Database, venue: Venue, now: datetime = NEXT_YEAR) -> Filled:
    with database.transaction() as connection:
        chosen = instruments.every(connection)
    return work.fill(database, lambda _: venue, chosen, EVER, now)


def fill_in(database: Database, now: datetime = NEXT_YEAR) -> Ingested:
    with database.transaction() as connection:
        chosen = instruments.every(connection)
    return work.fill_in(database, chosen, EVER, now)


@pytest.fixture
def holed(database: Database) -> int:
    """Minutes 0–9 after ten without 3, 4 and 7."""
    btc = add_instrument(database)
    put_at(database, btc, minutes(0, 1, 2, 5, 6, 8, 9))
    detect(database, btc)
    return btc


class TestAskingTheVenue:
    def test_what_it_has_is_written_and_what_it_lacks_is_unavailable(self, database: Database, holed: int) -> None:
        done = fill(database, Venue(minutes(*range(10))[3:5]))
        assert (done.ingested, done.unavailable, done.failed) == (Ingested(new=2), 1, {})
        assert [row[3:] for row in found(database, holed, "filled", "unavailable")] == [
            (0, "filled"),
            (1, "unavailable"),
        ]
        assert rows(database, "SELECT detail, asked_at FROM market.gaps WHERE status = 'unavailable'") == [
            {"detail": "test was asked and does not have them", "asked_at": NEXT_YEAR}
        ]

    @pytest.mark.usefixtures("holed")
    def test_what_came_to_fill_a_gap_is_known_since_then_and_not_since_its_close(self, database: Database) -> None:
        fill(database, Venue(minutes(3)))
        known = rows(database, "SELECT known_at FROM market.bars WHERE open_at = %s", tuple(minutes(3)))
        assert known == [{"known_at": NEXT_YEAR}]

    def test_bars_that_were_not_missing_stay_as_they_are(self, database: Database, holed: int) -> None:
        fill(database, Venue(minutes(*range(10))))
        assert found(database, holed) == []
        prices = [row["close"] for row in rows(database, HAS)]
        assert prices == [100, 101, 102, 50, 50, 103, 104, 50, 105, 106]

    def test_near_gaps_are_one_question_and_none_is_asked_again(self, database: Database, holed: int) -> None:
        venue = Venue(minutes(3))
        fill(database, venue)
        assert venue.asked == [("BTC/USDT", *minutes(3, 8))]
        assert found(database, holed)[0][3:] == (1, "unavailable")
        fill(database, venue)
        assert len(venue.asked) == 1

    def test_one_that_does_not_answer_leaves_them_open_and_says_why(self, database: Database, holed: int) -> None:
        done = fill(database, Venue(error=FeedUnavailable("test hangs.")))
        assert done.failed == {"BTC/USDT": "test hangs."}
        assert {row[4] for row in found(database, holed)} == {"open"}
        details = rows(database, "SELECT DISTINCT detail, asked_at FROM market.gaps")
        assert details == [{"detail": "test hangs.", "asked_at": NEXT_YEAR}]

    def test_after_three_in_vain_the_venue_is_left_alone(self, database: Database) -> None:
        for letter in "ABCDE":
            key = add_instrument(database, f"{letter}/USDT")
            put_at(database, key, minutes(0, 2))
            detect(database, key)
        venue = Venue(error=FeedUnavailable("test hangs."))
        done = fill(database, venue)
        assert (len(venue.asked), len(done.failed)) == (3, 5)
        assert done.failed["E/USDT"] == "test does not answer: it was not asked."


class TestFillingIn:
    def test_flat_bars_at_the_last_close_stand_where_some_lacked(self, database: Database, holed: int) -> None:
        assert fill_in(database) == Ingested(new=3)
        flat = [row for row in rows(database, HAS) if row["filled_count"]]
        prices = ("open", "high", "low", "close")
        assert [(row["open_at"], {row[name] for name in prices}, row["volume"]) for row in flat] == [
            (minutes(3)[0], {102.0}, 0.0),
            (minutes(4)[0], {102.0}, 0.0),
            (minutes(7)[0], {104.0}, 0.0),
        ]
        assert detect(database, holed).filled == 0
        assert sum(row[3] for row in found(database, holed)) == 3, "they are still missing"

    @pytest.mark.usefixtures("holed")
    def test_again_it_changes_nothing(self, database: Database) -> None:
        fill_in(database)
        before = rows(database, "SELECT b::text FROM market.bars AS b ORDER BY open_at")
        assert fill_in(database) == Ingested(unchanged=3)
        assert rows(database, "SELECT b::text FROM market.bars AS b ORDER BY open_at") == before

    @pytest.mark.usefixtures("holed")
    def test_they_are_shown_as_filled_and_counted_in_every_window(self, database: Database) -> None:
        fill_in(database)
        refresh(database)
        query = "SELECT open_at, is_filled, filled_count, bar_count FROM analytics.bars WHERE timeframe = %s ORDER BY 1"
        assert [row["open_at"] for row in rows(database, query, ("1m",)) if row["is_filled"]] == minutes(3, 4, 7)
        assert rows(database, query, ("5m",)) == [
            {"open_at": minutes(0)[0], "is_filled": True, "filled_count": 2, "bar_count": 5},
            {"open_at": minutes(5)[0], "is_filled": True, "filled_count": 1, "bar_count": 5},
        ]

    def test_a_real_bar_of_any_source_takes_their_place_and_they_take_nobodys(
        self, database: Database, holed: int
    ) -> None:
        fill_in(database)
        real = frame([bar(holed, minutes(3)[0], 77.0), bar(holed, minutes(4)[0], 78.0)])
        assert put(database, real) == Ingested(corrected=2)
        assert detect(database, holed).filled == 1
        assert fill_in(database) == Ingested(unchanged=1)
        assert [row["close"] for row in rows(database, HAS)][3:5] == [77.0, 78.0]
        kept = rows(database, "SELECT close, filled_count FROM market.bar_revisions ORDER BY open_at")
        assert kept == [{"close": 102.0, "filled_count": 1}] * 2

    def test_a_real_bar_like_the_flat_one_takes_its_place_too(self, database: Database, holed: int) -> None:
        fill_in(database)
        same = dict.fromkeys(("open", "high", "low", "close"), 104.0) | {"volume": 0.0, "turnover": 0.0}
        assert put(database, frame([bar(holed, minutes(7)[0], **same)])) == Ingested(corrected=1)
        assert detect(database, holed).filled == 1

    @pytest.mark.usefixtures("holed")
    def test_they_are_known_since_they_were_filled_in(self, database: Database) -> None:
        now = NEXT_YEAR + timedelta(days=1)
        fill_in(database, now)
        known = rows(database, "SELECT DISTINCT known_at FROM market.bars WHERE filled_count = 1")
        assert known == [{"known_at": now}]

    def test_nothing_stands_in_for_a_closed_session(self, database: Database) -> None:
        """Monday 20:00 and Tuesday 14:00 UTC are the session's last and first hours; the night between is none."""
        apple = add_instrument(database, "AAPL", "equity")
        hours = [hour for hour in every(H1, at("4 14:00"), at("5 21:00")) if 14 <= hour.hour <= 20]
        lacking = [at("4 20:00"), at("5 14:00")]
        put_at(database, apple, [hour for hour in hours if hour not in lacking], H1)
        detect(database, apple)
        assert fill_in(database) == Ingested(new=2)
        flat: list[dict[str, Any]] = [row for row in rows(database, HAS) if row["filled_count"]]
        assert [row["open_at"] for row in flat] == lacking
        assert {row["close"] for row in flat} == {105.0}


@pytest.mark.usefixtures("holed")
def test_what_came_reaches_every_timeframe(database: Database) -> None:
    fill(database, Venue(minutes(3, 4, 7)))
    pipeline.refresh(database, NEXT_YEAR)
    assert (
        rows(database, "SELECT bar_count, filled_count FROM market.bars_5m ORDER BY open_at")
        == [{"bar_count": 5, "filled_count": 0}] * 2
    )
