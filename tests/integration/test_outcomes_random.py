"""Outcomes of random signals against a plain loop over their bars: at once, in small steps, by two trackers."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta

import numpy as np
import pytest

from signalhub import outcomes
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from tests.conftest import scale
from tests.market import MONDAY, NEXT_YEAR
from tests.outcome_market import COST_BPS, PATH_MINUTES, RandomMarket
from tests.outcome_stage import CLOSE, minute


@pytest.mark.parametrize("seed", range(max(1, round(6 * scale()))))
def test_every_random_signal_ends_as_a_plain_loop_over_its_bars_says(connection: Connection, seed: int) -> None:
    market = RandomMarket(connection, seed)
    outcomes.track(connection, NEXT_YEAR, COST_BPS)
    market.assert_agreement()
    counts = Counter(one["status"] for one in market.expected.values())
    assert all(counts[status] >= 5 for status in ("open", "target_hit", "stop_hit", "expired", "cancelled"))
    assert sum(one.get("is_ambiguous", False) for one in market.expected.values()) >= 3


def test_tracking_in_many_small_steps_is_tracking_in_one(connection: Connection) -> None:
    market = RandomMarket(connection, 100)
    now = CLOSE
    rng = np.random.default_rng(1)
    while now < MONDAY + timedelta(days=21):
        outcomes.track(connection, now, COST_BPS)
        # At any second: most looks fall inside a bar.
        longest = 15 if now < minute(PATH_MINUTES) else 600
        now += timedelta(seconds=int(rng.integers(1, 60 * longest)))
    outcomes.track(connection, NEXT_YEAR, COST_BPS)
    market.assert_agreement()


def test_two_trackers_at_once_do_what_one_does(database: Database) -> None:
    """The second one begins while the first holds the signals, and is let in when that one commits."""
    with database.transaction() as connection:
        market = RandomMarket(connection, 200)
    half_way = CLOSE + timedelta(hours=9)
    with database.transaction() as first:
        outcomes.track(first, half_way, COST_BPS)
        second = threading.Thread(target=_track, args=(database, NEXT_YEAR))
        second.start()
        _wait_for_a_blocked_session(database)
    second.join()
    with database.transaction() as connection:
        market.connection = connection
        market.assert_agreement()


def _track(database: Database, now: datetime) -> None:
    with database.transaction() as connection:
        outcomes.track(connection, now, COST_BPS)


def _wait_for_a_blocked_session(database: Database) -> None:
    blocked = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
    )
    with database.autocommit() as connection:
        for _ in range(500):
            row = connection.execute(blocked).fetchone()
            if row is not None and row[0]:
                return
            connection.execute("SELECT pg_sleep(0.02)")
    raise AssertionError("the second tracker never waited for the first one")
