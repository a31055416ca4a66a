"""Scheduled runs: each slot once, in whichever process gets to it first; failures are tried again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from signalhub.db.engine import Database
from signalhub.jobs import runs, upkeep
from signalhub.settings import Settings

NOW = datetime(2026, 3, 4, 13, 37, tzinfo=UTC)
SLOT = datetime(2026, 3, 4, 13, 5, tzinfo=UTC)


def nothing() -> None:
    return


def fail() -> None:
    raise ValueError("two\nlines")


def last(database: Database) -> dict[str, object]:
    with database.transaction() as connection:
        return runs.last_runs(connection)["catch up"]


def test_a_slot_that_was_done_is_not_done_again(database: Database) -> None:
    done: list[int] = []
    for number in range(3):
        runs.run_slot(database, "catch up", SLOT, NOW, lambda number=number: done.append(number))  # type: ignore[misc]
    runs.run_slot(database, "catch up", SLOT + timedelta(hours=1), NOW, lambda: done.append(9))
    assert done == [0, 9]


def test_a_slot_that_failed_says_why_and_is_done_at_the_next_look(database: Database) -> None:
    with pytest.raises(ValueError, match="two"):
        runs.run_slot(database, "catch up", SLOT, NOW, fail)
    failed = last(database)
    assert (failed["finished_at"], failed["error"]) == (None, "ValueError: two lines")
    assert runs.run_slot(database, "catch up", SLOT, NOW, nothing)
    healed = last(database)
    assert (healed["finished_at"], healed["error"]) == (NOW, None)


def test_two_processes_do_not_do_the_same_job_at_once(database: Database) -> None:
    begun, go_on, outcomes = threading.Event(), threading.Event(), []

    def wait() -> None:
        begun.set()
        assert go_on.wait(30)

    def run(work: Callable[[], None]) -> None:
        outcomes.append(runs.run_slot(database, "catch up", SLOT, NOW, work))

    first = threading.Thread(target=run, args=(wait,))
    first.start()
    assert begun.wait(30)
    run(nothing)
    go_on.set()
    first.join()
    assert outcomes == [False, True]


def test_a_part_that_left_is_not_missed_and_one_that_went_silent_is(database: Database) -> None:
    with database.transaction() as connection:
        runs.beat(connection, "feeds", "here:1", NOW)
        runs.beat(connection, "feeds", "here:1", NOW + timedelta(seconds=5), "well")
        runs.beat(connection, "api", "here:2", NOW)
        runs.leave(connection, "api", "here:2")
        rows = connection.execute(
            "SELECT part, instance, started_at, seen_at, detail FROM engine.heartbeats"
        ).fetchall()
    assert rows == [("feeds", "here:1", NOW, NOW + timedelta(seconds=5), "well")]


def test_upkeep_makes_partitions_ahead_drops_old_ones_and_can_run_at_any_time(database: Database) -> None:
    settings = Settings(retention_days=10)
    upkeep.daily(database, settings, NOW - timedelta(days=30))
    for _ in range(2):
        upkeep.daily(database, settings, NOW)
        upkeep.weekly(database)
    with database.transaction() as connection:
        days = connection.execute(
            "SELECT c.relname FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid "
            "WHERE h.inhparent = 'outbox.decisions'::regclass ORDER BY 1"
        ).fetchall()
    assert days == [(f"decisions_{NOW + timedelta(days=k):%Y%m%d}",) for k in range(8)]
