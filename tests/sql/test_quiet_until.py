"""account.quiet_until against zoneinfo: the same instants in many zones, through every change of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ZONES = (
    "UTC", "Europe/Berlin", "Europe/London", "Europe/Dublin", "Europe/Lisbon", "America/New_York", "America/St_Johns",
    "America/Sao_Paulo", "America/Santiago", "America/Havana", "Africa/Cairo", "Africa/Casablanca", "Asia/Tokyo",
    "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tehran", "Asia/Beirut", "Australia/Lord_Howe", "Australia/Adelaide",
    "Pacific/Auckland", "Pacific/Chatham", "Antarctica/Troll"
)  # fmt: skip
# From 1975 on offsets are whole minutes everywhere; beyond 2025 the rules known to the two differ by their version.
INSTANTS = st.datetimes(datetime(1975, 1, 1), datetime(2025, 1, 1), timezones=st.just(UTC))
MINUTES = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))
ROUNDS = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def instant_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The later of two readings, whether the clocks skip the time or show it twice."""
    return max(datetime.combine(day, at, zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1))


def expected(at: datetime, zone: ZoneInfo, quiet_from: time, quiet_until: time) -> datetime | None:
    local = at.astimezone(zone)
    clock, wraps = local.time(), quiet_from > quiet_until
    is_quiet = (clock >= quiet_from or clock < quiet_until) if wraps else quiet_from <= clock < quiet_until
    if not is_quiet:
        return None
    ends_tomorrow = wraps and clock >= quiet_from
    return instant_of(local.date() + timedelta(days=ends_tomorrow), quiet_until, zone)


def answer(connection: psycopg.Connection, at: datetime, zone: str, *hours: time | None) -> datetime | None:
    row = connection.execute(
        "SELECT account.quiet_until(%s::timestamptz, %s::text, %s::time, %s::time)", (at, zone, *hours)
    ).fetchone()
    assert row is not None
    return row[0].astimezone(UTC) if row[0] else None


@st.composite
def near_a_change(draw: st.DrawFn) -> tuple[datetime, str]:
    """An instant within a day of a change of the clocks, in a zone that has them."""
    name = draw(st.sampled_from([zone for zone in ZONES if zone not in ("UTC", "Asia/Tokyo")]))
    zone, year = ZoneInfo(name), draw(st.integers(1975, 2024))
    days = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(366)]
    changes = [
        day
        for day in days
        if day.astimezone(zone).utcoffset() != (day + timedelta(days=1)).astimezone(zone).utcoffset()
    ]
    around = draw(st.sampled_from(changes)) if changes else days[draw(st.integers(0, 365))]
    return around + timedelta(minutes=draw(st.integers(-1440, 2880))), name


@ROUNDS
@given(place=st.one_of(near_a_change(), st.tuples(INSTANTS, st.sampled_from(ZONES))), hours=st.tuples(MINUTES, MINUTES))
def test_quiet_hours_end_when_the_subscribers_clock_says_so(
    connection: psycopg.Connection, place: tuple[datetime, str], hours: tuple[time, time]
) -> None:
    at, name = place
    if hours[0] == hours[1]:
        return  # refused by quiet_hours_have_length
    found = answer(connection, at, name, *hours)
    assert found == expected(at, ZoneInfo(name), *hours)
    assert found is None or found > at


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        # The night to 2024-03-10: 02:30 never was in New York, 03:30 EDT is 07:30 UTC.
        (datetime(2024, 3, 10, 6, 0, tzinfo=UTC), datetime(2024, 3, 10, 7, 30, tzinfo=UTC)),
        # The night to 2024-11-03: 01:30 came twice, at 05:30 and 06:30 UTC; 02:30 EST is 07:30 UTC.
        (datetime(2024, 11, 3, 4, 0, tzinfo=UTC), datetime(2024, 11, 3, 7, 30, tzinfo=UTC)),
        (datetime(2024, 7, 1, 16, 0, tzinfo=UTC), None),
    ],
)
def test_the_nights_of_new_york(connection: psycopg.Connection, at: datetime, ends: datetime | None) -> None:
    assert answer(connection, at, "America/New_York", time(22), time(2, 30)) == ends


def test_an_end_that_comes_twice_is_the_second(connection: psycopg.Connection) -> None:
    at = datetime(2024, 11, 3, 4, 0, tzinfo=UTC)
    assert answer(connection, at, "America/New_York", time(22), time(1, 30)) == datetime(2024, 11, 3, 6, 30, tzinfo=UTC)


def test_nobody_without_quiet_hours_is_left_in_peace(connection: psycopg.Connection) -> None:
    assert answer(connection, datetime(2024, 7, 1, tzinfo=UTC), "Asia/Tokyo", None, None) is None
