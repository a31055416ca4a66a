"""People as rows: added with their preferences, found, changed; several at once do not get in each other's way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest

from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.errors import NameTaken, NotFound, UsageInvalid
from signalhub.outbox.publish import queue_test
from signalhub.settings import Settings
from signalhub.subscribers import people, preferences
from signalhub.subscribers.people import Subscriber
from signalhub.subscribers.preferences import Preferences, QuietHours
from tests.market import rows
from tests.records import add_instrument

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SETTINGS = Settings()


def add(connection: Connection, name: str = "ann", **given: Any) -> Subscriber:
    return people.add(connection, name, given, SETTINGS, NOW)


def written(connection: Connection, table: str) -> list[tuple[Any, ...]]:
    """Rows as text with the transaction's mark: it changes when a row is written, also with the same values."""
    return connection.execute(f"SELECT t.ctid::text, t::text FROM account.{table} AS t".encode()).fetchall()


def test_a_new_subscriber_is_active_wants_everything_and_is_found_by_name_and_id(connection: Connection) -> None:
    made = add(connection, email="ann@example.org", telegram_chat_id=5, time_zone="Europe/Berlin")
    assert made == Subscriber(made.subscriber_id, "ann", "ann@example.org", 5, None, "Europe/Berlin", True, NOW)
    assert people.find(connection, "ann") == people.by_id(connection, made.subscriber_id) == made
    assert made.created_at.tzinfo is UTC
    assert made.channels == ["email", "telegram"]
    assert preferences.get(connection, made.subscriber_id) == Preferences()


def test_a_name_is_taken_once_and_the_transaction_lives_on(connection: Connection) -> None:
    add(connection)
    with pytest.raises(NameTaken, match="'ann' already"):
        add(connection, email="other@example.org")
    assert [one.email for one in people.every(connection)] == [None]


@pytest.mark.parametrize("name", ["", "-ann", "ann lee", "ann\n", "ann\0", "änn", "a" * 65, "ann/lee"])
def test_what_is_no_name_is_refused_and_not_looked_up(connection: Connection, name: str) -> None:
    with pytest.raises(UsageInvalid, match="cannot be a name"):
        add(connection, name)
    with pytest.raises(NotFound, match="There are none yet"):
        people.find(connection, name)


def test_who_is_not_found_is_told_with_a_few_that_exist(connection: Connection) -> None:
    for index in range(12):
        add(connection, f"p{index:02}")
    with pytest.raises(NotFound, match=r"No subscriber is called 'ann'. There are: p00, p01, .*, p07 …\."):
        people.find(connection, "ann")
    assert [one.name for one in people.every(connection)] == [f"p{index:02}" for index in range(12)]


def test_a_time_zone_must_be_known_to_the_server_too(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signalhub.subscribers.addresses._zones", lambda: frozenset({"Mars/Phobos"}))
    with pytest.raises(UsageInvalid, match="time_zone Mars/Phobos is not known to the database server"):
        add(connection, time_zone="Mars/Phobos")


def test_every_time_zone_of_python_that_people_use_is_known_to_the_server(connection: Connection) -> None:
    for index, zone in enumerate(("Europe/Berlin", "America/St_Johns", "Asia/Kolkata", "Pacific/Chatham", "Etc/UTC")):
        assert add(connection, f"p{index}", time_zone=zone).time_zone == zone


def test_a_change_touches_what_it_names_alone(connection: Connection) -> None:
    made = add(connection, email="ann@example.org", telegram_chat_id=5)
    changed = people.change(connection, made.subscriber_id, {"email": None, "is_active": False}, SETTINGS)
    assert (changed.email, changed.telegram_chat_id, changed.is_active) == (None, 5, False)
    assert people.by_id(connection, made.subscriber_id) == changed


def test_what_changes_nothing_writes_nothing(connection: Connection) -> None:
    made = add(connection, webhook_url="https://example.org/hook")
    before = written(connection, "subscribers"), written(connection, "preferences")
    people.change(connection, made.subscriber_id, {"webhook_url": "https://example.org/hook"}, SETTINGS)
    preferences.change(connection, made.subscriber_id, {"weekly": False}, NOW + timedelta(hours=1))
    assert (written(connection, "subscribers"), written(connection, "preferences")) == before


def test_a_webhook_has_a_secret_that_stays_with_its_url(connection: Connection) -> None:
    def to(url: str | None) -> str | None:
        people.change(connection, made.subscriber_id, {"webhook_url": url}, SETTINGS)
        return people.webhook_secret(connection, made.subscriber_id)

    made = add(connection, webhook_url="https://example.org/hook")
    first = people.webhook_secret(connection, made.subscriber_id)
    assert first is not None
    assert first.startswith("whsec_")
    assert first not in repr(people.find(connection, "ann"))
    assert to("https://example.org/hook") == first
    assert to(None) is None
    second, third = to("https://example.org/hook"), to("https://example.net/hook")
    assert len({first, second, third, None}) == 4


def test_a_change_of_nobody_is_not_found(connection: Connection) -> None:
    with pytest.raises(NotFound):
        people.change(connection, 2**31 - 1, {"email": None}, SETTINGS)
    with pytest.raises(NotFound):
        preferences.change(connection, 2**31 - 1, {"weekly": True}, NOW)


def test_preferences_come_back_as_they_were_put(connection: Connection) -> None:
    add_instrument(connection)
    sid = add(connection).subscriber_id
    wanted = Preferences(
        symbols=("BTC/USDT",),
        asset_classes=("crypto", "index"),
        timeframes=("1h", "4h"),
        directions=("long",),
        min_score=Decimal("62.5"),
        channels=("telegram",),
        quiet_hours=QuietHours(time(22), time(7)),
        daily_cap=3,
        digest_at=time(8, 30),
        weekly=True,
    )
    assert preferences.put(connection, sid, wanted, NOW) == preferences.get(connection, sid) == wanted
    assert preferences.put(connection, sid, Preferences(), NOW) == preferences.get(connection, sid) == Preferences()


def test_preferences_that_were_not_read_first_are_checked_all_the_same(connection: Connection) -> None:
    sid = add(connection).subscriber_id
    with pytest.raises(UsageInvalid, match="min_score is 101"):
        preferences.put(connection, sid, Preferences(min_score=Decimal(101)), NOW)
    with pytest.raises(UsageInvalid, match="channels names 'sms'"):
        preferences.put(connection, sid, Preferences(channels=("sms",)), NOW)


def test_symbols_are_kept_by_the_name_that_signals_have(connection: Connection) -> None:
    add_instrument(connection)
    add_instrument(connection, venue="other", public_symbol="BTC/USDT@other")
    sid = add(connection).subscriber_id
    stored = preferences.change(connection, sid, {"symbols": ["BTC/USDT@other", "BTC/USDT", "BTC/USDT@test"]}, NOW)
    assert stored.symbols == ("BTC/USDT@other", "BTC/USDT")


def test_an_unknown_symbol_is_told_with_a_few_that_exist(connection: Connection) -> None:
    sid = add(connection).subscriber_id
    with pytest.raises(UsageInvalid, match="symbols names 'BTC/USDT', which no instrument has: there are none yet"):
        preferences.change(connection, sid, {"symbols": ["BTC/USDT"]}, NOW)
    add_instrument(connection, "ETH/USDT")
    with pytest.raises(UsageInvalid, match=r"symbols names 'X{80}', which"):
        preferences.change(connection, sid, {"symbols": ["X" * 5000]}, NOW)
    with pytest.raises(UsageInvalid, match="which no instrument has: known are ETH/USDT"):
        preferences.change(connection, sid, {"symbols": ["ETH/USDT", "BTC/USDT"]}, NOW)
    assert preferences.get(connection, sid) == Preferences()


def test_a_test_message_goes_where_alerts_would(connection: Connection) -> None:
    made = add(connection, email="ann@example.org", telegram_chat_id=5)
    assert people.reachable(made, Preferences()) == ["email", "telegram"]
    assert people.reachable(made, Preferences(channels=("telegram", "webhook"))) == ["telegram"]
    assert people.reachable(made, Preferences(channels=("telegram",)), "email") == ["email"]
    with pytest.raises(UsageInvalid, match="ann has no address for webhook"):
        people.reachable(made, Preferences(), "webhook")
    with pytest.raises(UsageInvalid, match=r"'sms' is no channel\. Use one of email, telegram, webhook"):
        people.reachable(made, Preferences(), "sms")
    idle = people.change(connection, made.subscriber_id, {"is_active": False}, SETTINGS)
    with pytest.raises(UsageInvalid, match="ann is not active: nothing is sent to them"):
        people.reachable(idle, Preferences())


def test_a_test_message_is_queued_once_for_each_channel_and_wakes_the_workers(database: Database) -> None:
    with database.autocommit() as listening:
        listening.execute("LISTEN signalhub_outbox")
        with database.transaction() as connection:
            sid = add(connection, email="ann@example.org", telegram_chat_id=5).subscriber_id
            ids = queue_test(connection, sid, ["email", "telegram"], NOW)
        assert [note.channel for note in listening.notifies(timeout=60, stop_after=1)] == ["signalhub_outbox"]
    found = rows(database, "SELECT message_id, kind, channel, status, due_at FROM outbox.messages ORDER BY 3")
    assert sorted(row["message_id"] for row in found) == sorted(ids)
    assert [(row["kind"], row["channel"], row["status"], row["due_at"]) for row in found] == [
        ("test", "email", "pending", NOW),
        ("test", "telegram", "pending", NOW),
    ]


def test_of_many_who_add_the_same_name_at_once_one_succeeds(database: Database) -> None:
    start = Barrier(6)

    def one(index: int) -> str:
        with database.transaction() as connection:
            start.wait()
            try:
                return add(connection, telegram_chat_id=index + 1).name
            except NameTaken as taken:
                return str(taken)

    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(one, range(6)))
    assert told.count("ann") == 1
    assert sum("already" in text for text in told) == 5
    assert rows(database, "SELECT count(*) AS n FROM account.preferences") == [{"n": 1}]


def test_changes_of_different_things_at_once_are_all_kept(database: Database) -> None:
    changes: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"email": "ann@example.org"}, {"weekly": True}),
        ({"telegram_chat_id": 5}, {"daily_cap": 3}),
        ({"time_zone": "Europe/Berlin"}, {"min_score": 60}),
        ({"webhook_url": "https://example.org/"}, {"timeframes": ["1h"]}),
    ]
    with database.transaction() as connection:
        sid = add(connection).subscriber_id
    start = Barrier(len(changes))

    def one(change: tuple[dict[str, Any], dict[str, Any]]) -> None:
        with database.transaction() as connection:
            start.wait()
            people.change(connection, sid, change[0], SETTINGS)
        with database.transaction() as connection:
            start.wait()
            preferences.change(connection, sid, change[1], NOW)

    with ThreadPoolExecutor(len(changes)) as pool:
        list(pool.map(one, changes))
    with database.transaction() as connection:
        after, held = people.by_id(connection, sid), preferences.get(connection, sid)
    assert (after.channels, after.time_zone) == (["email", "telegram", "webhook"], "Europe/Berlin")
    assert held == Preferences(weekly=True, daily_cap=3, min_score=Decimal(60), timeframes=("1h",))
