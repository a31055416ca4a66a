"""Entitlements: whatever is granted and revoked, in whatever order, the spans say who was entitled when."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.errors import NotFound, UsageInvalid
from signalhub.settings import Settings
from signalhub.signals import read
from signalhub.strategies.declared import declared
from signalhub.subscribers import entitlements, people
from signalhub.subscribers.entitlements import Entitlement
from tests.records import ROUNDS, add_strategy

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
BOTH = ("breakout", "momentum")
DECLARED = sorted(strategy.name for strategy in declared())
LAST = 30


def at(hour: int) -> datetime:
    return NOW + hour * HOUR


@dataclass(frozen=True)
class Act:
    """At an hour: a grant of [begin, end) where end None is for ever, or where begin is None a revocation."""

    hour: int
    strategies: tuple[str, ...]
    begin: int | None
    end: int | None


@st.composite
def acts(draw: st.DrawFn) -> list[Act]:
    found = []
    for hour in sorted(draw(st.lists(st.integers(2, LAST - 2), min_size=1, max_size=8))):
        chosen = tuple(sorted(draw(st.sets(st.sampled_from(BOTH), min_size=1))))
        begin = draw(st.none() | st.integers(0, LAST - 1))
        end = draw(st.none() | st.integers(begin + 1, LAST)) if begin is not None else None
        found.append(Act(hour, chosen, begin, end))
    return found


def owned_after(done: list[Act]) -> dict[str, set[int]]:
    """The model: hours (one beyond the last stands for ever) in which each strategy is owned."""
    owned: dict[str, set[int]] = {strategy: set() for strategy in BOTH}
    for act in done:
        for strategy in act.strategies:
            if act.begin is None:
                owned[strategy] -= set(range(act.hour, LAST + 1))
            else:
                owned[strategy] |= set(range(act.begin, LAST + 1 if act.end is None else act.end))
    return owned


def perform(connection: Connection, sid: int, act: Act) -> None:
    if act.begin is None:
        entitlements.revoke(connection, sid, act.strategies, at(act.hour))
    else:
        end = None if act.end is None else at(act.end)
        entitlements.grant(connection, sid, act.strategies, at(act.hour), at(act.begin), end)


def covering(rows: list[Entitlement], strategy: str, instant: datetime) -> list[Entitlement]:
    return [row for row in rows if row.strategy == strategy and row.holds(instant)]


@pytest.fixture
def ann(connection: Connection) -> int:
    return people.add(connection, "ann", {}, Settings(), NOW).subscriber_id


@ROUNDS
@given(done=acts())
def test_at_any_instant_one_is_entitled_iff_the_last_word_about_it_was_a_grant(
    connection: Connection, ann: int, done: list[Act]
) -> None:
    with connection.transaction(force_rollback=True):
        for act in done:
            perform(connection, ann, act)
        owned, rows = owned_after(done), entitlements.history(connection, ann)
        for hour in range(LAST + 1):
            for instant in (at(hour), at(hour) + HOUR - timedelta(microseconds=1)):
                now_owned = entitlements.current(connection, instant).get(ann, [])
                for strategy in BOTH:
                    is_owned = hour in owned[strategy]
                    assert len(covering(rows, strategy, instant)) == int(is_owned), "covered once or not at all"
                    assert (strategy in now_owned) == is_owned


@ROUNDS
@given(done=acts())
def test_the_rows_tell_for_ever_who_was_entitled_at_an_instant_as_it_was_known_then(
    connection: Connection, ann: int, done: list[Act]
) -> None:
    with connection.transaction(force_rollback=True):
        for act in done:
            perform(connection, ann, act)
        rows = entitlements.history(connection, ann)
        for hour in range(LAST):
            known_then = [row for row in rows if row.granted_at <= at(hour)]
            owned_then = owned_after([act for act in done if act.hour <= hour])
            for strategy in BOTH:
                assert bool(covering(known_then, strategy, at(hour))) == (hour in owned_then[strategy])


@ROUNDS
@given(done=acts())
def test_what_is_done_twice_is_done_once_and_no_row_ever_goes(
    connection: Connection, ann: int, done: list[Act]
) -> None:
    with connection.transaction(force_rollback=True):
        before: list[Entitlement] = []
        for act in done:
            perform(connection, ann, act)
            after = entitlements.history(connection, ann)
            perform(connection, ann, act)
            assert entitlements.history(connection, ann) == after
            assert {row.entitlement_id for row in before} <= {row.entitlement_id for row in after}
            before = after


def test_a_grant_holds_from_now_without_end_unless_it_says_otherwise(connection: Connection, ann: int) -> None:
    (row,) = entitlements.grant(connection, ann, ["momentum"], NOW)
    assert (row.valid_from, row.valid_until, row.granted_at) == (NOW, None, NOW)
    assert entitlements.history(connection, ann) == [row]


def test_an_extension_is_a_row_of_its_own_that_says_when_it_was_granted(connection: Connection, ann: int) -> None:
    (first,) = entitlements.grant(connection, ann, ["momentum"], NOW, valid_until=at(5))
    (second,) = entitlements.grant(connection, ann, ["momentum"], at(3), valid_until=at(10))
    assert (second.valid_from, second.valid_until, second.granted_at) == (at(5), at(10), at(3))
    assert entitlements.history(connection, ann) == [first, second]
    assert entitlements.grant(connection, ann, ["momentum"], at(4), valid_until=at(9)) == []


def test_what_is_revoked_before_it_begins_never_held_and_stays_on_record(connection: Connection, ann: int) -> None:
    entitlements.grant(connection, ann, ["momentum"], NOW, at(5))
    assert entitlements.revoke(connection, ann, ["momentum"], at(1)) == ["momentum"]
    (row,) = entitlements.history(connection, ann)
    assert (row.valid_from, row.valid_until) == (at(5), at(5))
    assert entitlements.revoke(connection, ann, ["momentum"], at(2)) == []


def test_all_is_every_strategy_declared_or_recorded(connection: Connection, ann: int) -> None:
    add_strategy(connection, "retired")
    every = sorted([*DECLARED, "retired"])
    assert set(BOTH) < set(DECLARED)
    assert read.strategies(connection) == every
    granted = entitlements.grant(connection, ann, ["all"], NOW)
    assert [row.strategy for row in granted] == every
    assert entitlements.current(connection, NOW) == {ann: every}
    assert entitlements.revoke(connection, ann, ["all"], at(1)) == every
    assert entitlements.current(connection, at(1)) == {}


def test_a_strategy_that_is_gone_can_still_be_revoked(connection: Connection, ann: int) -> None:
    add_strategy(connection, "retired")
    entitlements.grant(connection, ann, ["retired"], NOW)
    connection.execute("DELETE FROM engine.strategies WHERE strategy = 'retired'")
    assert entitlements.revoke(connection, ann, ["retired"], at(1)) == ["retired"]


def test_unknown_strategies_and_spans_without_length_are_refused(connection: Connection, ann: int) -> None:
    for act in (entitlements.grant, entitlements.revoke):
        with pytest.raises(NotFound, match=rf"No strategy is called 'nope'\. There are: {', '.join(DECLARED)}\."):
            act(connection, ann, ["momentum", "nope"], NOW)
    for begin, end in ((NOW, NOW), (at(2), at(1)), (None, NOW - HOUR)):
        with pytest.raises(UsageInvalid, match="is not after from"):
            entitlements.grant(connection, ann, ["momentum"], NOW, begin, end)
    with pytest.raises(UsageInvalid, match="out of reach"):
        entitlements.grant(connection, ann, ["momentum"], NOW, datetime.min.replace(tzinfo=UTC))
    assert entitlements.history(connection, ann) == []


def test_the_same_grant_by_many_at_once_is_one_row_for_each_strategy(database: Database) -> None:
    with database.transaction() as connection:
        ann = people.add(connection, "ann", {}, Settings(), NOW).subscriber_id
    start = Barrier(6)

    def one(index: int) -> int:
        with database.transaction() as connection:
            start.wait()
            return len(entitlements.grant(connection, ann, BOTH, NOW, at(0), at(10 + index % 2)))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(one, range(6)))
    with database.transaction() as connection:
        rows = entitlements.history(connection, ann)
    for strategy in BOTH:
        spans = [(row.valid_from, row.valid_until) for row in rows if row.strategy == strategy]
        assert spans in ([(at(0), at(11))], [(at(0), at(10)), (at(10), at(11))])
