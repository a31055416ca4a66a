"""Digests are made once, when it is their time where the subscriber lives, and not when that is long past."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.outbox.digests import LATE, WEEKLY_AT, create_digests
from tests.outbox_stage import add_subscriber, messages
from tests.records import ROUNDS

BORN = datetime(2020, 1, 1, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
EIGHT = time(8)
# Saturday 3 January 2026, 08:00 in Berlin; the Monday after it at the same time.
SATURDAY = datetime(2026, 1, 3, 7, tzinfo=UTC)
MONDAY = SATURDAY + timedelta(days=2)


def subscriber(connection: Connection, name: str = "ann", *, wants: dict[str, Any] | None = None, **own: Any) -> int:
    """Somebody in Berlin who wants a digest at eight."""
    own = {"created_at": BORN, "time_zone": "Europe/Berlin"} | own
    return add_subscriber(connection, name, wants={"digest_at": EIGHT} | (wants or {}), **own)


def made(connection: Connection) -> list[tuple[Any, ...]]:
    """Kind, channel, period and due time of every message."""
    found = [(row["kind"], row["channel"], row["period_on"], row["due_at"]) for row in messages(connection)]
    return sorted(found)


def last_id(connection: Connection) -> int:
    """The last message_id that was given out."""
    sequence = "SELECT pg_sequence_last_value(pg_get_serial_sequence('outbox.messages', 'message_id'))"
    found: int = connection.execute(sequence).fetchall()[0][0]
    return found


# --- when


def test_a_digest_is_due_exactly_at_its_local_time_and_is_about_the_day_before(connection: psycopg.Connection) -> None:
    subscriber(connection)
    assert create_digests(connection, SATURDAY - INSTANT) == 0
    assert create_digests(connection, SATURDAY + timedelta(seconds=40)) == 1
    assert made(connection) == [("daily_digest", "email", date(2026, 1, 2), SATURDAY)]


def test_a_second_run_and_a_later_one_make_nothing_new(connection: psycopg.Connection) -> None:
    subscriber(connection, wants={"is_weekly_wanted": True})
    counts = [create_digests(connection, MONDAY + timedelta(hours=hours)) for hours in (0, 0, 1, 11)]
    assert counts == [2, 0, 0, 0]


def test_a_second_run_uses_up_no_ids(connection: psycopg.Connection) -> None:
    subscriber(connection)
    create_digests(connection, SATURDAY)
    before = last_id(connection)
    create_digests(connection, SATURDAY + timedelta(minutes=1))
    assert last_id(connection) == before


def test_a_missed_digest_is_made_up_for_until_it_is_too_late(connection: psycopg.Connection) -> None:
    subscriber(connection)
    connection.execute("SAVEPOINT clean")
    assert create_digests(connection, SATURDAY + LATE - INSTANT) == 1
    assert made(connection)[0][3] == SATURDAY
    assert [row["valid_until"] for row in messages(connection)] == [SATURDAY + LATE]
    connection.execute("ROLLBACK TO SAVEPOINT clean")
    assert create_digests(connection, SATURDAY + LATE) == 0
    assert create_digests(connection, SATURDAY + timedelta(days=1)) == 1
    assert made(connection) == [("daily_digest", "email", date(2026, 1, 3), SATURDAY + timedelta(days=1))]


def test_yesterdays_evening_digest_is_made_up_for_after_midnight(connection: psycopg.Connection) -> None:
    subscriber(connection, wants={"digest_at": time(22)}, time_zone="UTC")
    assert create_digests(connection, datetime(2026, 1, 3, 5, tzinfo=UTC)) == 1
    due_at = datetime(2026, 1, 2, 22, tzinfo=UTC)
    assert made(connection) == [("daily_digest", "email", date(2026, 1, 1), due_at)]


def test_who_came_after_the_time_has_missed_nothing(connection: psycopg.Connection) -> None:
    subscriber(connection, created_at=SATURDAY + timedelta(hours=1))
    assert create_digests(connection, SATURDAY + timedelta(hours=2)) == 0
    assert create_digests(connection, SATURDAY + timedelta(days=1)) == 1


# --- the week


def test_the_weekly_performance_comes_on_mondays_about_the_week_before(connection: psycopg.Connection) -> None:
    subscriber(connection, wants={"digest_at": None, "is_weekly_wanted": True})
    counts = [create_digests(connection, MONDAY + timedelta(days=days)) for days in range(-3, 8)]
    assert counts == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]
    assert made(connection) == [
        ("weekly_performance", "email", date(2025, 12, 29), MONDAY),
        ("weekly_performance", "email", date(2026, 1, 5), MONDAY + timedelta(days=7)),
    ]


def test_it_comes_with_the_daily_digest_where_there_is_one(connection: psycopg.Connection) -> None:
    subscriber(connection, wants={"digest_at": time(6, 30), "is_weekly_wanted": True})
    due_at = MONDAY - timedelta(minutes=90)
    assert create_digests(connection, due_at) == 2
    assert made(connection) == [
        ("daily_digest", "email", date(2026, 1, 4), due_at),
        ("weekly_performance", "email", date(2025, 12, 29), due_at),
    ]
    assert WEEKLY_AT == EIGHT


# --- who, and where


@pytest.mark.parametrize(
    ("own", "wants"),
    [
        ({}, {"digest_at": None}),
        ({"is_active": False}, {}),
        ({"email": None}, {}),
        ({}, {"channels": []}),
        ({}, {"channels": ["telegram"]}),
    ],
    ids=["no digest time", "not active", "no address", "no channel", "no address for the channel"],
)
def test_nobody_gets_a_digest_who_cannot_or_does_not_want_to(
    connection: psycopg.Connection, own: dict[str, Any], wants: dict[str, Any]
) -> None:
    subscriber(connection, wants=wants, **own)
    assert create_digests(connection, MONDAY) == 0
    assert made(connection) == []


def test_a_digest_comes_on_every_channel_that_is_wanted_and_has_an_address(connection: psycopg.Connection) -> None:
    everywhere: dict[str, Any] = {
        "telegram_chat_id": 42,
        "webhook_url": "https://h.example.org",
        "webhook_secret": "whsec_Zm9v",
    }
    subscriber(connection, **everywhere)
    assert create_digests(connection, SATURDAY) == 3
    assert [channel for _, channel, _, _ in made(connection)] == ["email", "telegram", "webhook"]
    subscriber(connection, "bob", wants={"channels": ["telegram", "webhook"]}, telegram_chat_id=43)
    assert create_digests(connection, SATURDAY) == 1


def test_whoever_delivers_is_woken(database: Database) -> None:
    url = database.engine.url.render_as_string(hide_password=False).replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(url, autocommit=True) as listener:
        listener.execute("LISTEN signalhub_outbox")
        with database.transaction() as connection:
            subscriber(connection)
            create_digests(connection, SATURDAY)
        assert [note.channel for note in listener.notifies(timeout=30, stop_after=1)] == ["signalhub_outbox"]


# --- daylight saving

ZONES = (
    *("Europe/Berlin", "Europe/London", "America/New_York", "America/St_Johns", "America/Havana", "America/Santiago"),
    *("Asia/Beirut", "Asia/Kathmandu", "Asia/Tokyo", "Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Kiritimati"),
    "UTC",
)


def local(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant of a local time: after the gap where it is skipped, the later one where it comes twice."""
    first, second = (datetime.combine(day, at, zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    # In a gap the second reading is the earlier instant.
    return max(first, second)


@ROUNDS
@given(st.sampled_from(ZONES), st.dates(date(2024, 1, 2), date(2025, 12, 30)), st.times())
@example("Europe/Berlin", date(2025, 3, 30), time(2, 30))
@example("Europe/Berlin", date(2025, 10, 26), time(2, 30))
@example("America/Havana", date(2025, 3, 9), time(0, 30))
@example("America/Havana", date(2025, 11, 2), time(0, 30))
@example("Australia/Lord_Howe", date(2025, 4, 6), time(1, 45))
@example("Australia/Lord_Howe", date(2025, 10, 5), time(2, 15))
@example("Asia/Beirut", date(2025, 3, 30), time(0, 0))
@example("America/St_Johns", date(2025, 11, 2), time(1, 0))
def test_the_local_time_is_that_of_zoneinfo_through_every_change_of_the_clocks(
    connection: psycopg.Connection, zone: str, day: date, at: time
) -> None:
    connection.execute("SAVEPOINT round")
    subscriber(connection, time_zone=zone, wants={"digest_at": at, "is_weekly_wanted": day.isoweekday() == 1})
    due_at = local(day, at, ZoneInfo(zone))
    expected = [("daily_digest", "email", day - timedelta(days=1), due_at)]
    if day.isoweekday() == 1:
        expected.append(("weekly_performance", "email", day - timedelta(days=7), due_at))
    connection.execute("SAVEPOINT clean")
    for now, found in (
        (due_at - INSTANT, []),
        (due_at, expected),
        (due_at + LATE - INSTANT, expected),
        (due_at + LATE, []),
    ):
        create_digests(connection, now)
        assert made(connection) == found, now
        connection.execute("ROLLBACK TO SAVEPOINT clean")
    connection.execute("ROLLBACK TO SAVEPOINT round")


@ROUNDS
@given(st.sampled_from(ZONES), st.times(), st.dates(date(2024, 1, 2), date(2025, 12, 1)), st.integers(1, 11))
def test_whoever_runs_often_enough_makes_one_digest_a_local_day(
    connection: psycopg.Connection, zone: str, at: time, first: date, hours: int
) -> None:
    connection.execute("SAVEPOINT round")
    subscriber(connection, time_zone=zone, wants={"digest_at": at})
    now = start = datetime.combine(first, time(), ZoneInfo(zone)).astimezone(UTC)
    while now < start + timedelta(days=5):
        create_digests(connection, now)
        now += timedelta(hours=hours)
    periods = [period for _, _, period, _ in made(connection)]
    connection.execute("ROLLBACK TO SAVEPOINT round")
    assert len(periods) >= 4
    assert periods == [periods[0] + timedelta(days=index) for index in range(len(periods))]
