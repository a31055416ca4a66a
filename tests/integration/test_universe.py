"""The universe in time: spans of listings, what a replay sees of them, and what a venue's list changes."""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalhub.bars import universe
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.domain.instrument import Listing
from signalhub.domain.signal import Origin
from signalhub.domain.timeframe import M15
from signalhub.jobs import live, pipeline
from signalhub.jobs.evaluation import Scope
from signalhub.jobs.scoring import Block
from signalhub.snapshot import closes_between
from tests import records
from tests.engine_rows import abstentions, evaluations, every_byte, forget, signals
from tests.evaluation_market import BARS, SETTINGS, add, close_of, lively_market, lively_quarters, replayed, settle
from tests.market import MONDAY, NEXT_YEAR, put, rows
from tests.rising import Rising

LISTED, HALTED, DELISTED = Listing
QUARTERS = Scope(timeframes=(M15,))
SPANS = "SELECT status, valid_from, valid_until FROM analytics.universe WHERE symbol = %s ORDER BY valid_from"


def day(number: float) -> datetime:
    return MONDAY + timedelta(days=number)


def said(database: Database, key: int, status: Listing, from_at: datetime, until: datetime | None = None) -> bool:
    with database.transaction() as connection:
        return universe.record(connection, key, status, from_at, until, source="test", now=MONDAY)


def told(database: Database, **listing: Listing) -> list[tuple[str, str, str]]:
    """What changes where the venue of the source `history` lists these pairs in USDT."""
    names = {f"{name}/USDT": status for name, status in listing.items()}
    with database.transaction() as connection:
        changes = universe.observe(connection, "history", "test", names, day(2))
    return [(change.symbol, change.was.value, change.status.value) for change in changes]


def universe_of(database: Database, symbol: str) -> list[tuple[str, datetime, datetime | None]]:
    return [(row["status"], row["valid_from"], row["valid_until"]) for row in rows(database, SPANS, (symbol,))]


def closes_with(database: Database, symbol: str) -> set[datetime]:
    """The closes at which a signal of an instrument came up."""
    return {row["close_at"] for row in signals(database) if row["symbol"] == symbol}


def test_without_a_word_an_instrument_is_listed_from_its_first_bar_on(database: Database) -> None:
    key = add(database, "A/USDT")
    assert universe_of(database, "A/USDT") == [("listed", MONDAY, None)]
    put(database, lively_quarters(1, key).slice(10), M15)
    assert universe_of(database, "A/USDT") == [("listed", close_of(9), None)]


def test_what_is_said_later_cuts_what_stood_there(database: Database) -> None:
    key = add(database, "A/USDT")
    assert said(database, key, DELISTED, day(10))
    assert said(database, key, HALTED, day(3), day(5))
    assert said(database, key, HALTED, day(12), day(13))
    assert universe_of(database, "A/USDT") == [
        ("listed", day(0), day(3)),
        ("halted", day(3), day(5)),
        ("listed", day(5), day(10)),
        ("delisted", day(10), day(12)),
        ("halted", day(12), day(13)),
        ("delisted", day(13), None),
    ]
    assert said(database, key, LISTED, day(4))
    assert universe_of(database, "A/USDT") == [
        ("listed", day(0), day(3)),
        ("halted", day(3), day(4)),
        ("listed", day(4), None),
    ]


def test_the_same_said_again_is_no_news(database: Database) -> None:
    key = add(database, "A/USDT")
    assert said(database, key, DELISTED, day(1), day(9))
    before = rows(database, "SELECT * FROM market.instrument_status")
    assert not said(database, key, DELISTED, day(1), day(9))
    assert not said(database, key, DELISTED, day(2), day(3))
    assert rows(database, "SELECT * FROM market.instrument_status") == before


WORD = st.tuples(st.sampled_from(list(Listing)), st.integers(0, 12), st.integers(1, 8) | st.none())


@given(words=st.lists(WORD, max_size=8))
@settings(max_examples=25, deadline=None)
def test_at_each_instant_holds_what_was_said_of_it_last(
    shared_url: str, words: list[tuple[Listing, int, int | None]]
) -> None:
    with psycopg.connect(shared_url) as connection:
        key = records.add_instrument(connection, "A/USDT")
        expected = [LISTED] * 24
        for status, first, length in words:
            until = None if length is None else day(first + length)
            universe.record(connection, key, status, day(first), until, source="test", now=MONDAY)
            last = 24 if length is None else first + length
            expected[first:last] = [status] * (last - first)
        assert _by_day(connection, key) == expected
        connection.rollback()


def _by_day(connection: Connection, key: int) -> list[Listing]:
    """The status at noon of each day, of which there is at most one."""
    query = (
        "SELECT array_agg(u.status) FROM generate_series(0, 23) AS d LEFT JOIN market.instrument_status AS u "
        "ON u.instrument_id = %s AND %s::timestamptz + (24 * d + 12) * INTERVAL '1 hour' <@ "
        "tstzrange(u.valid_from, u.valid_until) GROUP BY d ORDER BY d"
    )
    found = [statuses for (statuses,) in connection.execute(query.encode(), (key, MONDAY)).fetchall()]
    assert all(len(statuses) == 1 for statuses in found)
    return [Listing(status or LISTED) for (status,) in found]


def test_a_replay_sees_what_was_listed_then_whatever_is_followed_today(database: Database) -> None:
    gone, stays = lively_market(database, ("GONE/USDT", "STAYS/USDT"))
    del stays
    replayed(database, QUARTERS, [Rising()])
    before = closes_with(database, "GONE/USDT")
    end = close_of(200)
    assert {close < end for close in before} == {True, False}, "the market is too quiet for this test"
    forget(database)
    said(database, gone, DELISTED, end)
    with database.transaction() as connection:
        connection.execute("UPDATE market.instruments SET is_active = FALSE WHERE instrument_id = %s", (gone,))
    replayed(database, QUARTERS, [Rising()])
    assert closes_with(database, "GONE/USDT") == {close for close in before if close < end}
    assert [
        row["close_at"] for row in evaluations(database) if row["instruments_seen"] + row["instruments_abstained"] == 1
    ] == [close_of(number) for number in range(200, BARS)]
    # Nothing is left to do: a close without it is evaluated for all there was.
    stored = every_byte(database)
    replayed(database, QUARTERS, [Rising()])
    assert every_byte(database) == stored


def test_closes_of_the_delisted_alone_are_no_closes(database: Database) -> None:
    key = add(database, "A/USDT")
    put(database, lively_quarters(1, key), M15)
    settle(database)
    pipeline.refresh(database, NEXT_YEAR)
    said(database, key, DELISTED, close_of(100), close_of(200))
    with database.transaction() as connection:
        found = closes_between(connection, M15, MONDAY, NEXT_YEAR)
    assert found == [close_of(number) for number in (*range(100), *range(200, BARS))]


def test_a_halted_instrument_abstains_and_says_why(database: Database) -> None:
    key = add(database, "A/USDT")
    put(database, lively_quarters(1, key), M15)
    settle(database)
    said(database, key, HALTED, close_of(100), close_of(110))
    replayed(database, QUARTERS, [Rising()])
    why = [row["close_at"] for row in abstentions(database) if row["reason"] == "not_listed"]
    assert why == [close_of(number) for number in range(100, 110)]
    assert not closes_with(database, "A/USDT") & set(why)
    assert {close > why[-1] for close in closes_with(database, "A/USDT")} == {True, False}


@pytest.mark.parametrize("status", [HALTED, DELISTED])
def test_a_block_gives_what_its_closes_give_one_by_one(database: Database, status: Listing) -> None:
    key, _ = lively_market(database, ("A/USDT", "B/USDT"))
    pipeline.refresh(database, NEXT_YEAR)
    said(database, key, status, close_of(100) + timedelta(seconds=1), close_of(120))
    closes = [close_of(number) for number in range(90, 130)]
    pipeline.evaluate_block(database, Block(M15, closes, Origin.REPLAY), [Rising()], SETTINGS, NEXT_YEAR)
    whole = signals(database), evaluations(database), abstentions(database)
    forget(database)
    for close in closes:
        pipeline.evaluate_block(database, Block(M15, [close], Origin.REPLAY), [Rising()], SETTINGS, NEXT_YEAR)
    assert (signals(database), evaluations(database), abstentions(database)) == whole


def test_nobody_waits_for_the_halted_and_the_delisted_are_not_there(database: Database) -> None:
    keys = [add(database, f"{name}/USDT") for name in "ABC"]
    settle(database, close_of(9))
    with database.transaction() as connection:
        connection.execute("UPDATE market.sources SET is_live = TRUE")
    said(database, keys[1], HALTED, close_of(5))
    said(database, keys[2], DELISTED, close_of(5))
    found = live.groups(database, M15, close_of(10))
    assert (found.unsettled, found.awaited) == (keys[:2], keys[:1])
    with database.transaction() as connection:
        behind = connection.execute(
            "SELECT instrument_id FROM market.instruments_behind(%s) WHERE is_behind", (close_of(50),)
        ).fetchall()
    assert behind == [(keys[0],)]


def test_a_venues_list_records_what_changed_from_now_on(database: Database) -> None:
    for name in "ABC":
        add(database, f"{name}/USDT")
    assert told(database, A=LISTED, B=LISTED, C=LISTED, D=HALTED) == []
    assert told(database, A=LISTED, B=HALTED) == [
        ("B/USDT", "listed", "halted"),
        ("C/USDT", "listed", "delisted"),
    ]
    assert told(database, A=LISTED, B=HALTED) == []
    assert universe_of(database, "C/USDT") == [("listed", day(0), day(2)), ("delisted", day(2), None)]
    assert told(database, A=LISTED, B=LISTED, C=LISTED) == [
        ("B/USDT", "halted", "listed"),
        ("C/USDT", "delisted", "listed"),
    ]


def test_a_delisting_that_was_announced_stays(database: Database) -> None:
    key = add(database, "A/USDT")
    said(database, key, DELISTED, day(7))
    assert told(database, A=HALTED) == [("A/USDT", "listed", "halted")]
    assert universe_of(database, "A/USDT")[1:] == [("halted", day(2), day(7)), ("delisted", day(7), None)]


def test_half_a_list_delists_nobody(database: Database) -> None:
    for name in "ABCDEFG":
        add(database, f"{name}/USDT")
    assert told(database, A=LISTED, B=HALTED, C=LISTED) == [("B/USDT", "listed", "halted")]
    assert [gone for gone, _, _ in told(database, A=LISTED, B=HALTED, C=LISTED, D=LISTED)] == [
        "E/USDT",
        "F/USDT",
        "G/USDT",
    ]
