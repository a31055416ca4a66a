"""Storm: several at once on the same closes, misfires, a clock that jumps; the record is that of a calm day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from signalhub.db.engine import Database
from signalhub.signals.verify import verify
from tests.conftest import scale
from tests.drift_market import fresh_database
from tests.engine_rows import abstentions
from tests.market import rows
from tests.storm_stage import Instant, Market, calm, storm, strategies
from tests.truth_record import IDENTITY, Record, first_difference, record

STEPS = 12 * max(2, round(13 * scale()))
"""Bars of five minutes, of whole hours: at the end nothing is cut short, which only who looks later would see."""
INSTRUMENTS = 8
LATE = ("not_settled", "stale")
Key = tuple[str, ...]
_COVERED = """
SELECT e.origin, v.strategy, e.timeframe, e.close_at, e.evaluated_at,
    e.instruments_seen + e.instruments_abstained AS looked_at,
    (
        SELECT count(*) FROM market.closed_bars AS b
        INNER JOIN market.watermarks AS w ON b.instrument_id = w.instrument_id AND w.settled_through >= b.close_at
        WHERE b.timeframe = e.timeframe AND b.close_at = e.close_at
    ) AS settled,
    (
        SELECT count(*) FROM engine.abstentions AS a
        WHERE a.evaluation_id = e.evaluation_id AND a.reason IN ('not_settled', 'stale')
    ) AS late
FROM engine.evaluations AS e INNER JOIN engine.strategies AS v ON e.strategy_id = v.strategy_id
"""


@pytest.mark.parametrize("seed", range(max(1, round(4 * scale()))))
def test_overlaps_misfires_and_a_jumping_clock_lose_nothing_and_make_nothing_twice(
    database: Database, edition: str, server_urls: dict[str, str], template: str, seed: int
) -> None:
    with fresh_database(server_urls[edition], template, edition) as peaceful:
        calm(Market(peaceful, INSTRUMENTS, STEPS))
        expected = by_signal(record(peaceful))
        assert all(row["looked_at"] == row["settled"] for row in rows(peaceful, _COVERED))
    instants = storm(Market(database, INSTRUMENTS, STEPS), seed)
    stored = record(database)
    found = by_signal(stored)
    for key, one in stored.items():
        assert first_difference(one | {"origin": None}, found[key[1:]] | {"origin": None}) is None, key
    excused = too_early(database, instants)
    missing = sorted(key for key in expected if key not in found and lateness(expected[key]) not in excused)
    assert missing == []
    assert sorted(key for key in found if key not in expected) == []
    for key in sorted(found):
        different = first_difference(expected[key] | {"origin": None}, found[key] | {"origin": None})
        assert different is None, f"{key}: {different}"
    assert len(found) > 0.6 * len(expected) > 60
    each_bar_is_looked_at(database)
    nothing_is_published_twice(database)


def by_signal(signals: Record) -> dict[Key, dict[str, Any]]:
    """By identity, live or not: what comes too late to be live is made as a replay."""
    assert IDENTITY[0] == "origin"
    return {key[1:]: one for key, one in sorted(signals.items(), reverse=True)}


def too_early(database: Database, instants: list[Instant]) -> set[Key]:
    """Who is on record as late because of the clock. Nobody else may be late.

    It was ahead, and the bar could not be there; or put back, and what had come is of the future until it is over.
    """
    late = [row for row in abstentions(database) if row["reason"] in LATE]
    evaluated = {
        (row["origin"], row["strategy"], row["timeframe"], row["close_at"]): row["evaluated_at"]
        for row in rows(database, _COVERED)
    }
    for row in late:
        at = evaluated[row["origin"], row["strategy"], row["timeframe"], row["close_at"]]
        grace_ends = row["close_at"] + timedelta(seconds=10)
        assert any(one.true < grace_ends < at or one.shown > at for one in instants if one.ours == at), row
    return {(row["strategy"], row["symbol"], row["timeframe"], row["close_at"].isoformat()) for row in late}


def lateness(signal: dict[str, Any]) -> Key:
    return (signal["strategy"], signal["symbol"], signal["timeframe"], signal["close_at"])


def each_bar_is_looked_at(database: Database) -> None:
    """Each evaluation looked at every settled bar of its close; an early one at every instrument."""
    for row in rows(database, _COVERED):
        assert row["looked_at"] == (INSTRUMENTS if row["late"] else row["settled"]), row


def nothing_is_published_twice(database: Database) -> None:
    entered = rows(database, "SELECT count(*) AS n, count(DISTINCT signal_id) AS signals FROM engine.ledger "
                   "WHERE kind = 'published'")  # fmt: skip
    live = rows(database, "SELECT count(*) AS n, count(*) AS signals FROM engine.signals WHERE origin = 'live'")
    assert entered == live
    verified = verify(database, strategies())
    assert (verified.is_intact, verified.entries) == (True, len(rows(database, "SELECT seq FROM engine.ledger")))
