"""Delivery: what is due is sent and settled, lanes do not wait for each other, and trouble loses nothing."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta

import psycopg
import pytest

from signalhub.channels.base import Outgoing
from signalhub.channels.deliver import configured, kinds
from signalhub.channels.deliverer import Deliverer
from signalhub.channels.lane import HELD_PER_SLOT, Lane, Pace
from signalhub.db.engine import Database
from signalhub.outbox import publish
from signalhub.outbox.verdicts import PutOff, RetryAt, Sent, Verdict
from signalhub.settings import Settings
from tests import servers
from tests.outbox.fakes import PATIENCE, QUICK, Chat, Mail, Numbers, deliver_until, drain
from tests.outbox_stage import (
    NOW,
    add_messages,
    add_subscriber,
    attempts,
    claim,
    messages,
    published,
    statuses,
)


def queued(database: Database, count: int, channel: str = "email") -> list[int]:
    with database.transaction() as connection:
        return add_messages(connection, count, channel)


def stored(database: Database) -> list[str]:
    with database.transaction() as connection:
        return statuses(connection)


def tried(database: Database) -> list[tuple[int, str, str | None]]:
    with database.transaction() as connection:
        return attempts(connection)


def url_of(database: Database) -> str:
    return database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def test_what_is_due_is_sent_once_and_settled(database: Database) -> None:
    ids, mail = queued(database, 30), Mail()
    assert drain(database, mail) == {"Sent": 30}
    assert sorted(mail.said) == sorted(f"email {number}" for number in ids)
    assert len({message.key for message in mail.sent}) == 30
    assert {message.address.email for message in mail.sent} == {"reader0@example.org"}
    assert stored(database) == ["sent"] * 30
    assert len(tried(database)) == 30
    assert mail.is_closed


def test_a_key_stays_the_same_on_every_try(database: Database) -> None:
    async def refuse(_: Outgoing) -> Verdict:
        return RetryAt("busy")

    queued(database, 1)
    mail = Mail(refuse)
    drain(database, mail)
    with database.transaction() as connection:
        connection.execute("UPDATE outbox.messages SET due_at = %s", (NOW,))
    drain(database, mail)
    assert len(mail.sent) == 2
    assert mail.sent[0].key == mail.sent[1].key


def test_as_many_are_under_way_as_the_channel_allows_and_no_more(database: Database) -> None:
    async def together(_: Outgoing) -> Verdict:
        await asyncio.sleep(0.01)
        return Sent()

    queued(database, 40)
    mail = Mail(together)
    drain(database, mail)
    assert mail.most_at_once == Mail.at_once


def test_a_slow_channel_does_not_hold_up_another(database: Database) -> None:
    queued(database, 20, "telegram")
    queued(database, 20)
    mail_is_done = asyncio.Event()

    async def last_one(_: Outgoing) -> Verdict:
        if len(mail.sent) == 20:
            mail_is_done.set()
        return Sent()

    async def wait(_: Outgoing) -> Verdict:
        await asyncio.wait_for(mail_is_done.wait(), PATIENCE)
        return Sent()

    mail = Mail(last_one)
    assert drain(database, Chat(wait), mail) == {"Sent": 40}


def test_one_receiver_that_hangs_does_not_hold_up_the_others_of_its_channel(database: Database) -> None:
    first, *_ = queued(database, 40)
    others_are_done = asyncio.Event()

    async def hang(message: Outgoing) -> Verdict:
        if message.content.text == f"email {first}":
            await asyncio.wait_for(others_are_done.wait(), PATIENCE)
        elif len(mail.sent) == 40:
            others_are_done.set()
        return Sent()

    mail = Mail(hang)
    assert drain(database, mail) == {"Sent": 40}


def test_one_whose_turn_comes_later_is_put_off_and_no_try_is_spent(database: Database) -> None:
    class Full(Chat):
        async def turn(self, message: Outgoing) -> PutOff | None:
            return PutOff(timedelta(seconds=7)) if message.content.text == f"telegram {ids[0]}" else None

    ids = queued(database, 2, "telegram")
    assert drain(database, Full()) == {"PutOff": 1, "Sent": 1}
    assert stored(database) == ["pending", "sent"]
    with database.transaction() as connection:
        row = connection.execute(
            "SELECT due_at, attempts, leased_until, begun_at FROM outbox.messages WHERE message_id = %s", (ids[0],)
        ).fetchone()
    assert row == (NOW + timedelta(seconds=7), 0, None, None)


def test_on_a_channel_without_keys_the_beginning_is_committed_before_the_send(database: Database) -> None:
    queued(database, 3, "telegram")
    seen = []

    async def look(_: Outgoing) -> Verdict:
        with psycopg.connect(url_of(database)) as other:
            seen.append(other.execute("SELECT count(*) FROM outbox.messages WHERE begun_at IS NOT NULL").fetchone())
        return Sent()

    drain(database, Chat(look))
    assert seen[0] != (0,)
    assert len(seen) == 3


@pytest.mark.parametrize(("channel", "status"), [(Mail, "pending"), (Chat, "uncertain")])
@pytest.mark.parametrize("hangs", [True, False])
def test_a_send_that_breaks_off_is_tried_again_only_where_there_are_keys(
    database: Database, channel: type[Mail], status: str, hangs: bool
) -> None:
    async def break_off(_: Outgoing) -> Verdict:
        if hangs:
            await asyncio.sleep(PATIENCE)
        raise ConnectionResetError

    queued(database, 1, channel.name)
    drain(database, channel(break_off), pace=Pace(longest_send=0.05, poll=0.05))
    assert stored(database) == [status]
    ((_, _, detail),) = tried(database)
    assert detail == ("no answer in 0.05 s" if hangs else "the channel failed: ConnectionResetError")


def test_what_has_nothing_to_say_is_withheld_and_what_cannot_be_said_is_tried_again(database: Database) -> None:
    silent, broken, fine = queued(database, 3)
    renderer, mail = Numbers(), Mail()
    renderer.silent, renderer.broken = {silent}, {broken}
    assert drain(database, mail, renderer=renderer) == {"withheld": 1, "RetryAt": 1, "Sent": 1}
    assert mail.said == [f"email {fine}"]
    assert stored(database) == ["withheld", "pending", "sent"]
    assert tried(database)[0] == (1, "retry_at", "could not be rendered: DivisionByZero")


def test_a_closing_follows_its_alert_in_one_go(database: Database) -> None:
    with database.transaction() as connection:
        add_subscriber(connection)
        signal_id = published(connection)
        held = claim(connection)
        publish.publish_closings(connection, [signal_id], NOW)
        connection.execute("UPDATE outbox.messages SET leased_until = NULL")
    mail = Mail()
    drain(database, mail)
    assert [message.kind for message in mail.sent] == ["alert", "close"]
    assert len(held) == 1


def test_a_stop_finishes_what_is_under_way_and_gives_back_the_rest(database: Database) -> None:
    queued(database, 30)
    gate, stopping = asyncio.Event(), []

    async def wait(_: Outgoing) -> Verdict:
        await gate.wait()
        return Sent()

    async def all_of_it() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(Deliverer(database, [mail], Numbers(), QUICK, lambda: NOW).run(stop))
        async with asyncio.timeout(PATIENCE):
            while len(mail.sent) < Mail.at_once:
                await asyncio.sleep(0.01)
            stop.set()
            await asyncio.sleep(0.1)
            stopping.append(running.done())
            gate.set()
            await running

    mail = Mail(wait)
    asyncio.run(all_of_it())
    assert stopping == [False]
    assert len(mail.sent) == Mail.at_once
    assert sorted(stored(database)) == ["pending"] * 25 + ["sent"] * 5
    with database.transaction() as connection:
        assert {row["leased_until"] for row in messages(connection)} == {None}


@pytest.mark.parametrize("channel", [Mail, Chat])
def test_a_database_that_goes_away_is_waited_for_and_nothing_is_sent_twice(
    database: Database, server_urls: dict[str, str], edition: str, channel: type[Mail]
) -> None:
    ids = queued(database, 60, channel.name)
    admin, name = server_urls[edition], database.engine.url.database

    def outage() -> None:
        servers.execute(
            admin,
            f"ALTER DATABASE {name} ALLOW_CONNECTIONS false",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
        )
        time.sleep(0.5)
        servers.execute(admin, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    async def send(_: Outgoing) -> Verdict:
        if not threads and len(chat.sent) >= 20:
            threads.append(threading.Thread(target=outage))
            threads[0].start()
        await asyncio.sleep(0.01)
        return Sent()

    def is_over() -> bool:
        if not threads or threads[0].is_alive():
            return False
        return set(stored(database)) == {"sent"}

    threads: list[threading.Thread] = []
    chat = channel(send)
    deliver_until(database, chat, is_over)
    threads[0].join()
    assert sorted(chat.said) == sorted(f"{channel.name} {number}" for number in ids)


def test_a_notification_wakes_the_lane(database: Database) -> None:
    mail = Mail()

    async def all_of_it() -> None:
        stop = asyncio.Event()
        slow = Pace(poll=10 * PATIENCE)
        running = asyncio.create_task(Deliverer(database, [mail], Numbers(), slow, lambda: NOW).run(stop))
        async with asyncio.timeout(PATIENCE):
            await asyncio.sleep(0.5)  # by now the lane has found nothing and rests
            await asyncio.to_thread(publish_one)
            while not mail.sent:
                await asyncio.sleep(0.01)
            stop.set()
            await running

    def publish_one() -> None:
        with database.transaction() as connection:
            add_subscriber(connection)
            published(connection)

    asyncio.run(all_of_it())
    assert stored(database) == ["sent"]


def test_what_falls_due_later_is_sent_then(database: Database) -> None:
    with database.transaction() as connection:
        add_messages(connection, 1, due_at=NOW + timedelta(milliseconds=300))
    started = time.monotonic()
    mail = Mail()

    async def all_of_it() -> None:
        stop = asyncio.Event()
        clock = lambda: NOW + timedelta(seconds=time.monotonic() - started)  # noqa: E731
        slow = Pace(poll=10 * PATIENCE)
        running = asyncio.create_task(Deliverer(database, [mail], Numbers(), slow, clock).run(stop))
        async with asyncio.timeout(PATIENCE):
            while not mail.sent:
                await asyncio.sleep(0.01)
            stop.set()
            await running

    asyncio.run(all_of_it())
    assert stored(database) == ["sent"]


def test_leases_last_longer_than_a_message_can_wait_and_be_sent() -> None:
    pace = Pace()
    assert HELD_PER_SLOT * pace.longest_send + pace.last_words < pace.lease


def test_a_lane_that_stops_at_once_ends(database: Database) -> None:
    async def all_of_it() -> None:
        lane = Lane(database, Mail(), Numbers(), QUICK, lambda: NOW)
        lane.stop()
        await asyncio.wait_for(lane.run(), PATIENCE)

    queued(database, 1)
    asyncio.run(all_of_it())
    assert stored(database) == ["pending"]


def test_channels_are_found_by_name_and_used_where_they_are_configured() -> None:
    assert set(kinds()) >= {"email", "telegram", "webhook"}
    names = {channel.name for channel in configured(Settings(smtp_host="localhost"))}
    assert "email" in names
    assert "telegram" not in names
