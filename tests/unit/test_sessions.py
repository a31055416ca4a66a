"""Sessions: 24/5 across daylight saving, exchanges with holidays and half days, and what they let us expect."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalhub.bars import sessions
from signalhub.db.connection import Connection
from signalhub.domain.session import ALWAYS, WEEKDAYS, Calendar, Session, weekday_sessions
from signalhub.domain.timeframe import D1, H1, H4, M15, TIMEFRAMES, Timeframe
from signalhub.errors import UsageInvalid

frames = st.sampled_from(TIMEFRAMES)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def opens(calendar: Calendar, timeframe: Timeframe, after: datetime, until: datetime) -> list[datetime]:
    return list(takewhile(lambda open_at: open_at < until, calendar.expected_opens(after, timeframe)))


def forex(from_at: str, to_at: str) -> Calendar:
    return Calendar(WEEKDAYS, weekday_sessions(utc(from_at), utc(to_at)))


def test_the_week_of_24_5_follows_new_york_through_daylight_saving() -> None:
    assert weekday_sessions(utc("2024-03-05"), utc("2024-03-20")) == [
        Session(utc("2024-03-03 22:00"), utc("2024-03-08 22:00")),
        # The clocks of New York went forward on the tenth.
        Session(utc("2024-03-10 21:00"), utc("2024-03-15 21:00")),
        Session(utc("2024-03-17 21:00"), utc("2024-03-22 21:00")),
    ]
    assert weekday_sessions(utc("2024-11-01"), utc("2024-11-05")) == [
        Session(utc("2024-10-27 21:00"), utc("2024-11-01 21:00")),
        Session(utc("2024-11-03 22:00"), utc("2024-11-08 22:00")),
    ]


@given(start=st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)), length=st.floats(0.01, 60))
def test_weeks_overlap_the_span_and_none_is_left_out(start: datetime, length: float) -> None:
    from_at = start.replace(tzinfo=UTC)
    to_at = from_at + timedelta(days=length)
    weeks = weekday_sessions(from_at, to_at)
    assert all(week.close_at > from_at and week.open_at < to_at for week in weeks)
    wide = weekday_sessions(from_at - timedelta(days=30), to_at + timedelta(days=30))
    assert weeks == [week for week in wide if week.close_at > from_at and week.open_at < to_at]
    assert all(one.close_at < two.open_at for one, two in pairwise(wide))


def test_a_bar_that_straddles_the_open_is_expected() -> None:
    new_york = Calendar("XNYS", [Session(utc("2024-03-04 14:30"), utc("2024-03-04 21:00"))])
    day = utc("2024-03-04"), utc("2024-03-05")
    assert [open_at.hour for open_at in opens(new_york, H1, *day)] == list(range(14, 21))
    assert [open_at.hour for open_at in opens(new_york, H4, *day)] == [12, 16, 20]
    assert opens(new_york, D1, *day) == [utc("2024-03-04")]
    assert opens(new_york, M15, *day)[0] == utc("2024-03-04 14:30")
    assert opens(new_york, H1, utc("2024-03-04 14:30"), day[1])[0] == utc("2024-03-04 15:00")


def test_a_bar_that_holds_two_sessions_is_expected_once() -> None:
    twice = Calendar("T", [Session(utc("2024-03-04 00:00"), utc("2024-03-04 06:00")),
                           Session(utc("2024-03-04 07:00"), utc("2024-03-04 12:00"))])  # fmt: skip
    assert opens(twice, D1, utc("2024-03-04"), utc("2024-03-05")) == [utc("2024-03-04")]
    assert [open_at.hour for open_at in opens(twice, H4, utc("2024-03-04"), utc("2024-03-05"))] == [0, 4, 8]


@given(after=st.datetimes(datetime(2024, 2, 1), datetime(2024, 4, 1)), timeframe=frames, n=st.integers(1, 40))
def test_around_the_clock_the_nth_close_is_n_bars_on(after: datetime, timeframe: Timeframe, n: int) -> None:
    instant = after.replace(tzinfo=UTC)
    close = Calendar(ALWAYS).nth_close(instant, timeframe, n)
    assert close == timeframe.ceil(instant) + n * timeframe.span


@given(after=st.datetimes(datetime(2024, 2, 1), datetime(2024, 4, 1)), timeframe=frames, n=st.integers(1, 40))
def test_the_nth_close_is_that_of_the_nth_expected_bar(after: datetime, timeframe: Timeframe, n: int) -> None:
    calendar = forex("2024-02-01", "2024-07-01")
    instant = after.replace(tzinfo=UTC)
    close = calendar.nth_close(instant, timeframe, n)
    assert close is not None
    expected = opens(calendar, timeframe, instant, close)
    assert (len(expected), expected[-1] + timeframe.span) == (n, close)


def test_a_weekend_lies_between_two_closes() -> None:
    calendar = forex("2024-03-01", "2024-04-01")
    assert calendar.nth_close(utc("2024-03-08 20:00"), H1, 2) == utc("2024-03-08 22:00")
    assert calendar.nth_close(utc("2024-03-08 20:00"), H1, 3) == utc("2024-03-10 22:00")


def test_past_the_last_session_there_is_no_close() -> None:
    assert forex("2024-03-01", "2024-03-05").nth_close(utc("2024-03-08 21:00"), H1, 2) is None


def loaded(connection: Connection, name: str, from_at: str, to_at: str) -> Calendar:
    sessions.ensure(connection, name, utc(from_at), utc(to_at))
    return sessions.load(connection, name, utc(from_at), utc(to_at))


def test_new_york_keeps_its_holidays_and_half_days(connection: Connection) -> None:
    calendar = loaded(connection, "XNYS", "2023-11-20", "2023-12-29")
    thanksgiving = [session for session in calendar.sessions if utc("2023-11-22") < session.open_at < utc("2023-11-27")]
    assert thanksgiving == [
        Session(utc("2023-11-22 14:30"), utc("2023-11-22 21:00")),
        Session(utc("2023-11-24 14:30"), utc("2023-11-24 18:00")),
    ]
    assert len(opens(calendar, H1, utc("2023-11-24"), utc("2023-11-25"))) == 4
    assert opens(calendar, D1, utc("2023-12-25"), utc("2023-12-26")) == []


def test_sessions_are_made_once_and_again_where_the_span_grows(connection: Connection) -> None:
    for name in (WEEKDAYS, "XNYS"):
        first = loaded(connection, name, "2022-03-01", "2022-04-01")
        assert loaded(connection, name, "2022-03-01", "2022-04-01") == first
        early = loaded(connection, name, "2021-01-04", "2022-04-01")
        assert early.sessions[-len(first.sessions) :] == first.sessions
        assert early.sessions[0].open_at < utc("2021-01-05")
        assert loaded(connection, name, "2022-03-01", "2022-04-01") == first
        late = loaded(connection, name, "2022-03-01", "2023-06-01")
        assert late.sessions[: len(first.sessions)] == first.sessions
        assert all(one.close_at <= two.open_at for one, two in pairwise(late.sessions))


def test_sessions_reach_well_past_the_span_so_that_validity_finds_its_bar(connection: Connection) -> None:
    calendar = loaded(connection, WEEKDAYS, "2024-03-01", "2024-04-01")
    assert calendar.nth_close(utc("2024-04-01"), D1, 200) is not None


def test_around_the_clock_needs_no_sessions(connection: Connection) -> None:
    assert loaded(connection, ALWAYS, "2024-03-01", "2024-04-01") == Calendar(ALWAYS)
    assert connection.execute("SELECT count(*) FROM market.sessions WHERE calendar = '24/7'").fetchone() == (0,)


def test_an_unknown_calendar_says_what_there_is(connection: Connection) -> None:
    with pytest.raises(UsageInvalid, match="'MOON' is no trading calendar: use 24/7, 24/5 or an exchange code"):
        sessions.ensure(connection, "MOON", utc("2024-03-01"), utc("2024-04-01"))


@pytest.mark.parametrize("name", [ALWAYS, WEEKDAYS, "XNYS", "XASX", "CMES"])
def test_the_database_expects_as_many_bars_as_the_calendar(connection: Connection, name: str) -> None:
    calendar = loaded(connection, name, "2024-02-01", "2024-04-15")

    @settings(max_examples=25, deadline=None)
    @given(timeframe=frames, start=st.integers(0, 60 * 24), bars=st.integers(1, 50))
    def check(timeframe: Timeframe, start: int, bars: int) -> None:
        from_at = timeframe.floor(utc("2024-02-05") + timedelta(hours=start))
        to_at = from_at + bars * timeframe.span
        counted = connection.execute(
            "SELECT market.expected_bars(%s, %s, %s, %s)", (name, timeframe.code, from_at, to_at)
        ).fetchone()
        expected = bars if name == ALWAYS else len(opens(calendar, timeframe, from_at, to_at))
        assert counted == (expected,)

    check()


def test_the_database_expects_nothing_of_an_unknown_timeframe(connection: Connection) -> None:
    asked = connection.execute("SELECT market.expected_bars('24/7', '7m', '2024-03-01Z', '2024-03-02Z')")
    assert asked.fetchone() == (None,)
