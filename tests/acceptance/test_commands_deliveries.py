"""`signalhub why` and `signalhub deliveries`: for people, for programs, and what they refuse."""

from __future__ import annotations

import json
from datetime import timedelta

import psycopg
import pytest

from signalhub.outbox import queue
from signalhub.outbox.verdicts import Sent, Undeliverable
from tests.acceptance.commands import Here, assert_refused
from tests.acceptance.places import migrated
from tests.outbox_stage import NOW, add_messages, add_subscriber, claim, published


@pytest.fixture(scope="module")
def env(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A database with a signal that was sent to ann, and a test message that failed."""
    made = migrated(url, tmp_path_factory.mktemp("home"))
    with psycopg.connect(url) as connection:
        add_subscriber(connection)
        published(connection, valid_until=NOW + timedelta(hours=1))
        queue.settle(connection, [(message, Sent("250 ok")) for message in claim(connection)], NOW)
        add_messages(connection, 1)
        queue.settle(connection, [(message, Undeliverable("550 unknown")) for message in claim(connection)], NOW)
    return made


def test_why_tells_the_story_of_a_signal_and_a_subscriber(env: dict[str, str], here: Here) -> None:
    for number in ("1", "#1"):
        answer = here(env, "why", number, "ann")
        assert (answer.code, answer.err) == (0, "")
        assert answer.out.splitlines()[1] == "To be sent to ann by email: wanted."
        assert "sent: 250 ok" in answer.out


def test_why_refuses_what_there_is_not_in_one_line(env: dict[str, str], here: Here) -> None:
    assert_refused(here(env, "why", "99", "ann"), "There is no signal 99.")
    assert_refused(here(env, "why", "1", "bob"), "'bob'")
    assert_refused(here(env, "why", "BTC", "ann"), "'BTC' is no signal's number.", code=2)
    assert_refused(here(env, "why", "²", "ann"), "is no signal's number.", code=2)


def test_deliveries_are_listed_newest_first(env: dict[str, str], here: Here) -> None:
    rows = json.loads(here(env, "deliveries", "--json").out)
    assert [(row["kind"], row["status"], row["subscriber"]) for row in rows] == [
        ("test", "failed", "reader1"),
        ("alert", "sent", "ann"),
    ]
    assert rows[1]["created_at"] == "2026-01-02T03:01:00Z"
    assert json.loads(here(env, "deliveries", "--json", "--limit", "1").out) == rows[:1]
    assert json.loads(here(env, "deliveries", "--json", "--failed").out) == rows[:1]
    table = here(env, "deliveries").out
    assert table.index("550 unknown") < table.index("250 ok")


def test_a_failed_message_is_tried_once_more(env: dict[str, str], here: Here) -> None:
    (failed,) = json.loads(here(env, "deliveries", "--json", "--failed").out)
    number = str(failed["message_id"])
    answer = here(env, "deliveries", "--retry", number)
    assert (answer.code, answer.err) == (0, "")
    assert number in answer.out
    assert here(env, "deliveries", "--failed").out == "Nothing failed.\n"
    assert_refused(here(env, "deliveries", "--retry", number), "is pending", code=2)
    assert_refused(here(env, "deliveries", "--retry", "99"), "There is no message 99.")
