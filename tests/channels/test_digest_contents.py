"""Digests tell a subscriber of what they may see, once, on the local day it happened, and count honestly."""

from __future__ import annotations

import re
from datetime import date, timedelta

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalhub.channels import facts, words
from signalhub.channels.base import Content
from tests import records
from tests.channels import scenes
from tests.channels.scenes import CLOSE, HIT, MISSED, MORNING, bitcoin, digest, rendered
from tests.outbox_stage import add_subscriber, grant

# --- what a subscriber may see


def numbers(content: Content) -> set[int]:
    """The signals that a digest lists."""
    data = content.data["data"]
    return {row["signal_id"] for row in (*data["new"], *data["ended"])}


def test_a_digest_tells_of_nothing_that_the_subscriber_does_not_own(connection: psycopg.Connection) -> None:
    scenes.lively_day(connection)
    stranger = add_subscriber(connection, "eve")
    connection.execute("DELETE FROM account.entitlements WHERE subscriber_id = %s", (stranger,))
    said = rendered(connection, "email", digest("daily_digest", stranger))
    assert "You own no strategy at present" in said.text
    assert numbers(said) == set()


def test_who_owned_a_strategy_for_a_while_sees_what_closed_in_it(connection: psycopg.Connection) -> None:
    bob = add_subscriber(connection, "bob")
    connection.execute("DELETE FROM account.entitlements WHERE subscriber_id = %s", (bob,))
    grant(connection, bob, valid_from=CLOSE, valid_until=CLOSE + timedelta(hours=2))
    instrument, strategy = records.add_instrument(connection), records.add_strategy(connection)
    hours = (-1, 0, 1, 2)
    ids = [
        records.add_signal(connection, instrument, strategy, CLOSE + timedelta(hours=hour), origin="live")
        for hour in hours
    ]
    assert numbers(rendered(connection, "webhook", digest("daily_digest", bob))) == {ids[1], ids[2]}


def test_who_owns_a_strategy_now_sees_what_closed_before(connection: psycopg.Connection) -> None:
    bob = add_subscriber(connection, "bob")
    connection.execute("DELETE FROM account.entitlements WHERE subscriber_id = %s", (bob,))
    grant(connection, bob, valid_from=MORNING - timedelta(minutes=1))
    signal_id = bitcoin(connection)
    assert numbers(rendered(connection, "webhook", digest("daily_digest", bob))) == {signal_id}


def test_replayed_signals_are_never_spoken_of(connection: psycopg.Connection) -> None:
    ann = add_subscriber(connection)
    bitcoin(connection, HIT, origin="replay", published_at=None)
    said = rendered(connection, "email", digest("daily_digest", ann))
    assert "No new signals, and none ended." in said.text


def test_a_signal_is_new_on_the_day_it_closed_and_ended_on_the_day_it_ended(connection: psycopg.Connection) -> None:
    ann = add_subscriber(connection)
    signal_id = bitcoin(connection, MISSED)
    friday, saturday, sunday = (
        rendered(connection, "webhook", digest("daily_digest", ann, date(2026, 1, day))).data["data"]
        for day in (2, 3, 4)
    )
    assert [row["signal_id"] for row in friday["new"]] == [signal_id]
    assert friday["ended"] == []
    assert saturday["new"] == []
    assert [row["signal_id"] for row in saturday["ended"]] == [signal_id]
    assert sunday["n_new"] == sunday["n_ended"] == 0


def test_counts_are_of_all_and_real_and_simulated_ones_stay_apart(connection: psycopg.Connection) -> None:
    ann = scenes.lively_day(connection)
    found = rendered(connection, "webhook", digest("daily_digest", ann)).data["data"]
    real, simulated = found["totals"]
    assert (real["is_simulated"], simulated["is_simulated"]) == (False, True)
    assert (real["n_new"], real["n_ended"], real["n_decided"], real["n_won"]) == (5, 4, 2, 1)
    assert real["net_r"] == pytest.approx(HIT["net_r"] + scenes.STOPPED["net_r"])
    assert (simulated["n_new"], simulated["n_ended"], simulated["net_r"]) == (1, 1, 1.2)


# --- local days


@settings(deadline=None)
@given(
    st.dates(date(1971, 1, 1), date(2037, 12, 1)),
    st.sampled_from(["UTC", "Europe/Berlin", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_no_instant_is_in_two_local_days_or_in_none(day: date, time_zone: str) -> None:
    first = facts.period("daily_digest", day, time_zone)
    second = facts.period("daily_digest", day + timedelta(days=1), time_zone)
    week = facts.period("weekly_performance", day, time_zone)
    assert first.until == second.since
    assert (week.since, week.until) == (
        first.since,
        facts.period("daily_digest", day + timedelta(days=7), time_zone).since,
    )
    for instant in (first.since, first.until - timedelta(microseconds=1)):
        assert instant.astimezone(first.zone).date() == day
    assert re.fullmatch(r"\w{3} \d{1,2} \w{3} \d{4}", first.title)
    assert words.day(first.since, first.zone) == first.title
