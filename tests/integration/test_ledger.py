"""The ledger: what is live is entered by the transaction that stores or closes it, in one chain, whoever writes."""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import psycopg
import pytest

from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.errors import UsageInvalid
from signalhub.outbox.publish import publish, publish_closings
from signalhub.signals import ledger
from signalhub.signals.ledger import GENESIS, Entry, Kind
from signalhub.signals.verify import verify_ledger
from tests import records
from tests.market import rows_of
from tests.records import CLOSE, closed

DAY = timedelta(days=1)
ENDED = "UPDATE engine.outcomes SET status = 'expired', exit_at = %s WHERE signal_id = %s"


def live(connection: Connection, count: int = 1, origin: str = "live") -> list[int]:
    number = connection.execute("SELECT count(*) FROM market.instruments").fetchone()
    assert number is not None
    instrument = records.add_instrument(connection, f"T{number[0]}/USDT")
    strategy = records.add_strategy(connection, f"s{number[0]}")
    closes = (CLOSE + index * timedelta(hours=1) for index in range(count))
    return [records.add_signal(connection, instrument, strategy, close, origin=origin) for close in closes]


def entries(connection: Connection) -> list[tuple[int, str, int]]:
    found = connection.execute("SELECT seq, kind, signal_id FROM engine.ledger ORDER BY seq")
    return [(seq, kind, signal_id) for seq, kind, signal_id in found]


def test_publications_and_closings_are_entered_once_in_their_order(connection: Connection) -> None:
    one, two = live(connection, 2)
    publish(connection, [two, one], CLOSE)
    publish(connection, [one], CLOSE)
    connection.execute(ENDED, (CLOSE, two))
    publish_closings(connection, [two], CLOSE + timedelta(hours=2))
    publish_closings(connection, [two], CLOSE + timedelta(hours=3))
    assert entries(connection) == [(1, "published", one), (2, "published", two), (3, "closed", two)]
    assert verify_ledger(connection).is_intact


def test_replays_and_signals_that_are_still_open_are_not_entered(connection: Connection) -> None:
    [one] = live(connection)
    replays = live(connection, 2, "replay")
    publish(connection, [one, *replays], CLOSE)
    connection.execute(ENDED, (CLOSE, replays[0]))
    publish_closings(connection, [one, *replays], CLOSE)
    assert entries(connection) == [(1, "published", one)]


def test_a_payload_is_the_hash_of_the_stored_row_and_the_chain_that_of_all_before(connection: Connection) -> None:
    one, two = live(connection, 2)
    publish(connection, [one, two], CLOSE)
    previous = "0" * 64
    for row in rows_of(connection, "SELECT * FROM engine.ledger ORDER BY seq"):
        proof = "SELECT record, record_sha256 FROM analytics.signal_inputs(%s)"
        [(record, digest)] = connection.execute(proof, (row["signal_id"],)).fetchall()
        assert row["payload_sha256"] == digest == hashlib.sha256(record.encode()).hexdigest()
        text = f"{previous}|{row['seq']}|published|{row['signal_id']}|2026-01-02T03:00:00.000000Z|{digest}"
        assert row["chain_sha256"] == hashlib.sha256(text.encode()).hexdigest()
        previous = row["chain_sha256"]
    assert previous != GENESIS


def test_a_clock_that_is_put_back_reopens_no_day(connection: Connection) -> None:
    one, two = live(connection, 2)
    publish(connection, [one], CLOSE + DAY)
    before = ledger.of_day(connection, CLOSE.date(), CLOSE + 2 * DAY)
    publish(connection, [two], CLOSE)
    assert ledger.of_day(connection, CLOSE.date(), CLOSE + 2 * DAY) == before
    assert verify_ledger(connection).is_intact


class TestDays:
    def test_each_root_is_the_last_link_of_its_day_and_the_next_day_begins_with_it(
        self, connection: Connection
    ) -> None:
        ids = live(connection, 3)
        for number, signal_id in enumerate(ids):
            publish(connection, [signal_id], CLOSE + (number // 2) * 2 * DAY)
        now = CLOSE + 30 * DAY
        days = [ledger.of_day(connection, (CLOSE + number * DAY).date(), now) for number in range(-1, 4)]
        assert [day.seq for day in days] == [0, 2, 2, 3, 3]
        assert [[entry.signal_id for entry in day.entries] for day in days] == [[], ids[:2], [], ids[2:], []]
        assert days[0].root == days[0].previous_root == GENESIS
        for before, day in pairwise(days):
            assert day.previous_root == before.root
            root = day.previous_root
            for entry in day.entries:
                root = entry.chained(root)
            assert root == day.root
        assert verify_ledger(connection).root == days[-1].root

    def test_a_day_is_over_at_its_end_in_utc_and_one_that_has_not_begun_is_refused(
        self, connection: Connection
    ) -> None:
        midnight = datetime(2026, 1, 3, tzinfo=UTC)
        assert not ledger.of_day(connection, date(2026, 1, 2), midnight - timedelta(microseconds=1)).is_over
        assert ledger.of_day(connection, date(2026, 1, 2), midnight).is_over
        with pytest.raises(UsageInvalid, match="2026-01-04 has not begun"):
            ledger.of_day(connection, date(2026, 1, 4), midnight)


def test_whoever_rewrites_the_record_and_all_that_hangs_on_it_changes_the_roots_of_the_past(
    connection: Connection,
) -> None:
    """Seals and ledger made anew for other rows fit together: only who kept a root can tell."""
    ids = live(connection, 3)
    publish(connection, ids, CLOSE)
    known = ledger.of_day(connection, CLOSE.date(), CLOSE + DAY)
    connection.execute("SET LOCAL session_replication_role = replica")
    connection.execute("UPDATE engine.signals SET reason = 'Up, of course' WHERE signal_id = %s", (ids[0],))
    connection.execute("SET LOCAL timezone = 'UTC'")
    connection.execute(
        "UPDATE engine.seals AS k SET record_sha256 = engine.seal_of(to_json(s)) FROM engine.signals AS s "
        "WHERE s.signal_id = k.signal_id AND k.kind = 'signal'"
    )
    connection.execute("DELETE FROM engine.ledger")
    ledger.append(connection, Kind.PUBLISHED, ids, CLOSE)
    assert verify_ledger(connection).is_intact
    assert ledger.of_day(connection, CLOSE.date(), CLOSE + DAY).root != known.root


def test_transactions_at_the_same_time_make_one_chain_without_a_gap(database: Database) -> None:
    def work(number: int) -> None:
        for turn in range(10):
            with database.transaction() as connection:
                instrument = records.add_instrument(connection, f"W{number}x{turn}/USDT")
                strategy = records.add_strategy(connection, f"w{number}x{turn}")
                signal_id = records.add_signal(connection, instrument, strategy, CLOSE, origin="live")
                publish(connection, [signal_id], CLOSE)
                if turn % 3 == 0:
                    # What is rolled back leaves no gap.
                    connection.rollback()

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with database.transaction() as connection:
        found = verify_ledger(connection)
        assert found.is_intact
        assert found.entries == 4 * 6
        assert [seq for seq, *_ in entries(connection)] == list(range(1, 25))


def test_an_outcome_is_sealed_when_it_closes_and_once(connection: Connection) -> None:
    one, two = live(connection, 2)
    instrument, strategy = records.add_instrument(connection), records.add_strategy(connection)
    done = records.add_signal(connection, instrument, strategy, CLOSE, closed("target_hit", 2.0))
    connection.execute("UPDATE engine.outcomes SET tracked_through = tracked_through + INTERVAL '1 hour'")
    connection.execute(ENDED, (CLOSE, one))
    sealed = "SELECT signal_id, record_sha256 FROM engine.seals WHERE kind = 'outcome' ORDER BY 1"
    before = connection.execute(sealed).fetchall()
    assert [row[0] for row in before] == sorted([one, done])
    connection.execute("UPDATE engine.outcomes SET exit_at = exit_at + INTERVAL '1 hour' WHERE signal_id = %s", (one,))
    assert connection.execute(sealed).fetchall() == before
    assert two not in [row[0] for row in before]


def test_entries_say_their_instant_in_utc_whatever_zone_they_come_in() -> None:
    there = Entry(1, "published", 2, CLOSE.astimezone(timezone(timedelta(hours=-3))), "a" * 64)
    assert there.text(GENESIS) == Entry(1, "published", 2, CLOSE, "a" * 64).text(GENESIS)


def test_a_live_signal_that_nobody_entered_is_missed(connection: Connection) -> None:
    [one] = live(connection)
    found = verify_ledger(connection)
    assert [(item.relation, item.signal_id) for item in found.findings] == [("engine.ledger", one)]
    assert found.findings[0].sentence == f"engine.ledger, signal {one}: the entry of its publication is missing."


def test_the_ledger_has_no_second_entry_of_a_kind(connection: Connection) -> None:
    [one] = live(connection)
    publish(connection, [one], CLOSE)
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(
            "INSERT INTO engine.ledger SELECT seq + 1, kind, signal_id, entered_at, payload_sha256, chain_sha256 "
            "FROM engine.ledger"
        )
