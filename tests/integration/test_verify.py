"""Verify: what it says of code that changed, of signals whose code is gone, and of how much it looks at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.domain.timeframe import M15
from signalhub.signals.remake import strategy_of
from signalhub.signals.verify import verify, verify_record
from signalhub.strategies.base import Assessment, Candidate, Component
from signalhub.strategies.breakout import Breakout, Parameters
from signalhub.strategies.declared import declared
from tests.evaluation_market import EVERYTHING, REAL, lively_market, replayed
from tests.market import rows_of
from tests.rising import Rising
from tests.verified_record import KNOWN, recorded, tampering, with_replays


class Rewritten(Rising):
    """Another rule under the old code_version."""

    def assess(self, candidate: Candidate) -> Assessment:
        return Assessment([Component("sure", 100, 0.75)], super().assess(candidate).reason)


@pytest.fixture
def record(database: Database) -> Iterator[Connection]:
    with_replays(database)
    recorded(database)
    with database.transaction() as connection:
        yield connection


def test_code_that_changed_under_its_old_version_is_told_from_a_row_that_was_altered(record: Connection) -> None:
    first, *_ = verify_record(record, [*REAL, Rewritten()]).findings
    assert first.column == "score"
    assert first.sentence.endswith(
        "is 100.00, its inputs give 75.00; the row is as it was sealed: the code changed, and its code_version did not."
    )
    # Only the seal can tell the two apart, and so it does.
    with tampering(record):
        record.execute("UPDATE engine.signals SET score = score - 1 WHERE signal_id = %s", (first.signal_id,))
        altered, *_ = verify_record(record, KNOWN).findings
    assert altered.sentence.endswith("score is 99.00, its inputs give 100.00.")


def test_signals_whose_code_is_gone_are_counted_and_still_sealed(record: Connection) -> None:
    found = verify_record(record, REAL)
    of_rising = rows_of(record, "SELECT signal_id FROM analytics.signals WHERE strategy = 'rising' ORDER BY 1")
    assert found.is_intact
    assert dict(found.not_remade) == {f"rising {Rising().version}": len(of_rising)}
    with tampering(record):
        record.execute("UPDATE engine.signals SET score = 99 WHERE signal_id = %s", (of_rising[0]["signal_id"],))
        first = verify_record(record, REAL).findings[0]
    assert (first.relation, first.signal_id) == ("engine.signals", of_rising[0]["signal_id"])
    assert first.sentence.endswith("a column was altered: the row is not the one that was sealed.")


def test_the_newest_are_looked_at_and_of_the_ledger_always_all(record: Connection) -> None:
    ids = [row["signal_id"] for row in rows_of(record, "SELECT signal_id FROM engine.signals ORDER BY 1")]
    found = verify_record(record, KNOWN, newest=3)
    assert (found.signals, found.verified, found.entries) == (len(ids), 3, 5)
    live = rows_of(record, "SELECT min(signal_id) AS signal_id FROM engine.signals WHERE origin = 'live'")
    for signal_id, is_found in ((ids[0], False), (live[0]["signal_id"], True), (ids[-3], True)):
        with tampering(record):
            record.execute("UPDATE engine.signals SET reason = reverse(reason) WHERE signal_id = %s", (signal_id,))
            assert verify_record(record, KNOWN, newest=3).is_intact is not is_found
            assert not verify_record(record, KNOWN).is_intact


def test_signals_of_every_strategy_are_made_again_from_what_is_stored(database: Database) -> None:
    lively_market(database, ("A/USDT", "B/USDT", "C/USDT"))
    replayed(database, EVERYTHING, declared())
    with database.transaction() as connection:
        found = verify_record(connection, declared())
        of_strategy = rows_of(connection, "SELECT strategy, count(*) AS n FROM analytics.signals GROUP BY 1")
    assert found.is_intact, found.findings[0].sentence
    assert not found.not_remade
    assert len(of_strategy) >= len([item for item in declared() if M15 in item.timeframes]) - 2
    assert found.verified == sum(row["n"] for row in of_strategy) > 50


def test_progress_comes_to_its_end(database: Database) -> None:
    lively_market(database, ("A/USDT",))
    replayed(database, EVERYTHING)
    told: dict[str, list[tuple[int, int]]] = {}
    found = verify(database, REAL, report=lambda what, done, of: told.setdefault(what, []).append((done, of)))
    assert found.is_intact
    assert told["signals"][0] == (0, found.signals)
    assert told["signals"][-1] == (found.signals, found.signals)
    assert told["entries"] == [(0, 0)]


class TestStrategyOf:
    def test_other_parameters_of_the_same_code_make_the_strategy_that_it_was(self) -> None:
        was = Breakout(Parameters(volume_ratio=2.5, target_atr=3.0))
        inputs = {"strategy": "breakout", "version": was.version, "parameters": was.parameter_values}
        made = strategy_of(inputs, {"breakout": Breakout()})
        assert made is not None
        assert (made.version, made.parameters) == (was.version, was.parameters)

    @pytest.mark.parametrize(
        "changes",
        [
            {"strategy": "gone"},
            {"version": "0-00000000"},
            {"version": "1-00000000", "parameters": {"no_such": 1}},
            {"version": "1-00000000", "parameters": {"volume_ratio": 9.0}},
        ],
    )
    def test_none_is_given_for_another_code(self, changes: dict[str, object]) -> None:
        inputs = {"strategy": "breakout", "version": Breakout().version, "parameters": {}}
        assert strategy_of(inputs | changes, {"breakout": Breakout()}) is None
