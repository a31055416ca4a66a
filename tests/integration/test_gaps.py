"""Gaps: what is missing below the watermark by the calendar, and what becomes of it as bars and calendars change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signalhub.bars import sessions
from signalhub.bars.gaps import STATUSES, Detected
from signalhub.db.engine import Database
from signalhub.domain.timeframe import D1, H1, M1, M15, Timeframe
from tests.conftest import scale
from tests.gaps_stage import Found, detect, every, found, put_at, settle
from tests.market import MONDAY, add_instrument, at, rows

TEN = at("4 10:00")


def minutes(*numbers: int) -> list[datetime]:
    return [TEN + timedelta(minutes=number) for number in numbers]


def gap(first: int, end: int, missing: int | None = None, status: str = "open") -> Found:
    """A gap from one minute after ten to another."""
    return (*minutes(first, end), end - first, end - first if missing is None else missing, status)  # type: ignore[return-value]


def test_each_run_of_missing_bars_is_one_gap_and_nothing_before_the_first_bar_is(database: Database) -> None:
    btc = add_instrument(database)
    put_at(database, btc, minutes(0, 1, 2, 5, 6, 8, 9))
    assert detect(database, btc) == Detected(recorded=2)
    assert found(database, btc) == [gap(3, 5), gap(7, 8)]


def test_again_it_changes_nothing(database: Database) -> None:
    btc = add_instrument(database)
    put_at(database, btc, minutes(0, 3, 9))
    detect(database, btc)
    before = rows(database, "SELECT g::text FROM market.gaps AS g ORDER BY gap_id")
    assert detect(database, btc, now=at("9 00:00")) == Detected()
    assert rows(database, "SELECT g::text FROM market.gaps AS g ORDER BY gap_id") == before


def test_what_is_not_settled_yet_is_not_missed(database: Database) -> None:
    btc = add_instrument(database)
    put_at(database, btc, minutes(0, 1))
    detect(database, btc)
    assert found(database, btc) == []
    settle(database, btc, minutes(4)[0])
    detect(database, btc)
    assert found(database, btc) == [gap(2, 4)]


def test_a_gap_at_the_end_grows_with_the_watermark(database: Database) -> None:
    btc = add_instrument(database)
    put_at(database, btc, minutes(0))
    for minute in (3, 5, 9):
        settle(database, btc, minutes(minute)[0])
        detect(database, btc, since=TEN + timedelta(minutes=minute - 1))
    assert found(database, btc) == [gap(1, 9)]


def test_bars_that_come_in_are_counted_and_the_last_one_closes_the_gap(database: Database) -> None:
    btc = add_instrument(database)
    put_at(database, btc, minutes(0, 10))
    detect(database, btc)
    put_at(database, btc, minutes(4, 5))
    assert detect(database, btc) == Detected()
    assert found(database, btc) == [gap(1, 10, missing=7)]
    put_at(database, btc, minutes(1, 2, 3, 6, 7, 8, 9))
    assert detect(database, btc) == Detected(filled=1)
    assert found(database, btc, *STATUSES) == [gap(1, 10, missing=0, status="filled")]


def test_what_the_feed_does_not_have_is_not_opened_again_but_what_lies_beyond_is(database: Database) -> None:
    btc = add_instrument(database)
    put_at(database, btc, minutes(0))
    settle(database, btc, minutes(4)[0])
    detect(database, btc)
    with database.transaction() as connection:
        connection.execute("UPDATE market.gaps SET status = 'unavailable'")
    settle(database, btc, minutes(7)[0])
    detect(database, btc)
    assert found(database, btc) == [gap(1, 4, status="unavailable"), gap(4, 7)]
    put_at(database, btc, minutes(2, 7))
    detect(database, btc)
    assert found(database, btc) == [gap(1, 4, missing=2, status="unavailable"), gap(4, 7)]


def test_a_look_at_the_last_days_sees_a_gap_that_began_before_them_whole(database: Database) -> None:
    btc = add_instrument(database)
    put_at(database, btc, minutes(0, 1, 5, 20, 22))
    detect(database, btc, since=TEN + timedelta(minutes=12))
    assert found(database, btc) == [gap(6, 20), gap(21, 22)], "and not the one before"


def test_bars_we_filled_in_are_still_missing(database: Database) -> None:
    btc = add_instrument(database)
    put_at(database, btc, minutes(0, 1, 2, 3, 4, 5))
    with database.transaction() as connection:
        connection.execute("UPDATE market.bars SET filled_count = 1 WHERE open_at IN (%s, %s)", minutes(2, 3))
    detect(database, btc)
    assert found(database, btc) == [gap(2, 4)]


def test_only_the_ruling_base_has_gaps(database: Database) -> None:
    """Hours for two days, minutes for the third: nobody misses hours of the third or minutes before."""
    btc = add_instrument(database)
    put_at(database, btc, [hour for hour in every(H1, MONDAY, MONDAY + 2 * D1.span) if hour.hour != 5], H1)
    put_at(database, btc, [m for m in every(M1, MONDAY + 2 * D1.span, MONDAY + 3 * D1.span) if m.minute != 30])
    detect(database, btc)
    bases = rows(database, "SELECT base_timeframe, count(*) AS n FROM market.gaps GROUP BY 1 ORDER BY 1")
    assert bases == [{"base_timeframe": "1h", "n": 2}, {"base_timeframe": "1m", "n": 24}]


def test_gaps_of_a_base_that_rules_no_longer_are_closed(database: Database) -> None:
    btc = add_instrument(database)
    put_at(database, btc, [hour for hour in every(H1, MONDAY, MONDAY + D1.span) if hour.hour != 5], H1)
    detect(database, btc)
    put_at(database, btc, every(M1, MONDAY, MONDAY + D1.span))
    assert detect(database, btc) == Detected(filled=1)
    assert found(database, btc) == []


class TestCalendars:
    """XNYS: New York 09:30 to 16:00, which is 13:30 to 20:00 UTC from March 10, 2024, and an hour later before."""

    START, END = datetime(2024, 3, 4, tzinfo=UTC), datetime(2024, 3, 15, tzinfo=UTC)

    def expected(self, database: Database, timeframe: Timeframe, start: datetime, end: datetime) -> list[datetime]:
        with database.transaction() as connection:
            sessions.ensure(connection, "XNYS", start, end)
            opens = sessions.load(connection, "XNYS", start, end).expected_opens(start, timeframe)
            return [open_at for open_at in opens if open_at < end]

    def test_nights_weekends_and_the_change_of_clocks_are_no_gaps(self, database: Database) -> None:
        apple = add_instrument(database, "AAPL", "equity")
        opens = self.expected(database, M15, self.START, self.END)
        assert {open_at.time().isoformat() for open_at in opens[:1]} == {"14:30:00"}
        assert opens[-26].time().isoformat() == "13:30:00"
        put_at(database, apple, opens, M15)
        detect(database, apple)
        assert found(database, apple) == []

    def test_half_days_and_holidays_are_no_gaps_and_an_hour_of_a_half_day_is_one(self, database: Database) -> None:
        """Thanksgiving 2024: closed on November 28, until 13:00 New York (18:00 UTC) on the 29th."""
        apple = add_instrument(database, "AAPL", "equity")
        start, end = datetime(2024, 11, 25, tzinfo=UTC), datetime(2024, 12, 4, tzinfo=UTC)
        opens = self.expected(database, M15, start, end)
        on_friday = [open_at for open_at in opens if open_at.day == 29]
        assert (len(on_friday), [o for o in opens if o.day == 28]) == (14, [])
        put_at(database, apple, [open_at for open_at in opens if open_at not in on_friday[4:8]], M15)
        detect(database, apple)
        assert found(database, apple) == [(on_friday[4], on_friday[8], 4, 4, "open")]

    def test_a_run_goes_on_across_the_night_and_counts_sessions_only(self, database: Database) -> None:
        apple = add_instrument(database, "AAPL", "equity")
        opens = self.expected(database, M15, self.START, self.END)
        put_at(database, apple, opens[:25] + opens[28:], M15)
        detect(database, apple)
        last_of_monday, third_of_tuesday = opens[25], opens[27] + M15.span
        assert found(database, apple) == [(last_of_monday, third_of_tuesday, 3, 3, "open")]

    def test_a_calendar_that_is_learnt_later_closes_what_was_never_to_be_expected(self, database: Database) -> None:
        coin = add_instrument(database, "AAPL", "crypto")
        opens = self.expected(database, M15, self.START, self.END)
        put_at(database, coin, opens[:30] + opens[32:], M15)
        detect(database, coin)
        assert len(found(database, coin)) == 9, "eight nights and two bars"
        with database.transaction() as connection:
            connection.execute("UPDATE market.instruments SET calendar = 'XNYS'")
        assert detect(database, coin).closed_session == 8
        assert found(database, coin) == [(opens[30], opens[32], 2, 2, "open")]


@settings(
    max_examples=round(12 + 60 * scale()), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=st.lists(st.sets(st.integers(0, 40), max_size=12), min_size=1, max_size=5), since=st.integers(0, 40))
def test_whatever_the_order_what_lacks_is_what_is_not_there(
    database: Database, batches: Sequence[set[int]], since: int
) -> None:
    """After any writes, each followed by a look at any part, a look at all leaves exactly the missing bars in gaps."""
    btc = add_instrument(database)
    with database.transaction() as connection:
        for table in ("gaps", "bars", "watermarks", "instrument_bases", "dirty_ranges", "bar_revisions"):
            connection.execute(f"DELETE FROM market.{table}".encode())
    there = {0}
    for batch in [{0}, *batches]:
        there |= batch
        put_at(database, btc, minutes(*there))
        detect(database, btc, since=TEN + timedelta(minutes=since))
    detect(database, btc)
    lacking = found(database, btc)
    missing = set(range(max(there))) - there
    assert sum(row[3] for row in lacking) == len(missing)
    covered = [(row[0] - TEN) // M1.span for row in lacking], [(row[1] - TEN) // M1.span for row in lacking]
    spans = list(zip(*covered, strict=True))
    assert all(any(first <= minute < end for first, end in spans) for minute in missing)
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(spans)), "none twice"
