"""Revisions 0006 and 0007 on a market and a record that are there, up and down: nothing is lost, all is made again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from signalhub.db import migrate
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.domain.timeframe import M15
from signalhub.jobs import pipeline
from signalhub.jobs.evaluation import Scope
from signalhub.signals.verify import verify_record
from tests import outbox_stage as stage
from tests.evaluation_market import lively_market, replayed
from tests.market import MONDAY, NEXT_YEAR, rows, rows_of

BEFORE = "0005"
RECORD = {
    "engine.signals": "signal_id",
    "engine.outcomes": "signal_id",
    "engine.signal_inputs": "signal_id",
    "engine.evaluations": "evaluation_id",
    "market.bars": "instrument_id, base_timeframe, open_at",
    "market.watermarks": "instrument_id, timeframe",
}
COMPUTED = {
    "market.indicators": "instrument_id, timeframe, open_at",
    "market.indicator_state": "instrument_id, timeframe, open_at",
}
# A state as 0005 has them: one that is left would be resumed from.
OLD_STATES = """
    INSERT INTO market.indicator_state (instrument_id, timeframe, open_at, n, is_anchor, ema_9_state, rsi_kept)
    SELECT d.instrument_id, d.timeframe, max(d.open_at), 300, FALSE, 1.0, ARRAY[1.0, 2.0]
    FROM market.indicators AS d GROUP BY d.instrument_id, d.timeframe
"""


@pytest.fixture
def old(database: Database) -> Database:
    """A database at 0005: bars, their indicators and states, signals and outcomes."""
    lively_market(database, ("A/USDT", "B/USDT"))
    pipeline.refresh(database, NEXT_YEAR)
    replayed(database, Scope(timeframes=(M15,), after=MONDAY + timedelta(hours=58)))
    migrate.downgrade(database.engine, BEFORE)
    with database.transaction() as connection:
        assert connection.execute(OLD_STATES.encode()).rowcount > 2
        connection.execute("DELETE FROM market.dirty_ranges")
    return database


def test_going_up_keeps_the_record_computes_every_indicator_again_and_can_be_verified(old: Database) -> None:
    kept = tables(old, RECORD)
    assert kept["engine.signals"]
    done = migrate.upgrade(old.engine)
    assert (done.revision_before, done.revision) == (BEFORE, "0007")
    assert tables(old, RECORD, like=kept) == kept
    assert rows(old, "SELECT open_at FROM market.indicator_state") == []
    with old.transaction() as connection:
        connection.execute("UPDATE market.indicators SET ema_9 = -1")
    pipeline.refresh(old, NEXT_YEAR)
    again = tables(old, COMPUTED)
    assert again["market.indicator_state"]
    assert again == computed_from_nothing(old)
    with old.transaction() as connection:
        # Made again they are not: by the code of 0005, which is another version.
        found = verify_record(connection, [])
    assert found.is_intact
    assert found.verified == found.signals == len(kept["engine.signals"])
    assert found.not_remade.total() == found.signals


def test_going_down_keeps_the_record_in_the_old_words_and_up_again_seals_it_as_it_was(old: Database) -> None:
    migrate.upgrade(old.engine)
    pipeline.refresh(old, NEXT_YEAR)
    with old.transaction() as connection:
        stage.add_subscriber(connection)
        stage.published(connection, is_best=False)
        assert stage.reasons(connection) == {"ann": "not_among_best"}
    sealed = rows(old, "SELECT signal_id, kind FROM engine.seals ORDER BY signal_id, kind")
    computed = tables(old, COMPUTED)
    migrate.downgrade(old.engine, BEFORE)
    kept = tables(old, RECORD)
    with old.transaction() as connection:
        assert stage.reasons(connection) == {"ann": "daily_cap"}
        assert gone(connection)
    migrate.upgrade(old.engine)
    pipeline.refresh(old, NEXT_YEAR)
    assert tables(old, RECORD, like=kept) == kept
    assert tables(old, COMPUTED) == computed
    assert rows(old, "SELECT signal_id, kind FROM engine.seals ORDER BY signal_id, kind") == sealed


def tables(
    database: Database, keys: dict[str, str], like: dict[str, list[dict[str, Any]]] | None = None
) -> dict[str, list[dict[str, Any]]]:
    """The rows of tables; of the columns of others, where some are given."""
    found = {table: rows(database, f"SELECT t.* FROM {table} AS t ORDER BY {key}") for table, key in keys.items()}
    for table, wanted in (like or {}).items():
        found[table] = [{name: row[name] for name in (wanted[0] if wanted else row)} for row in found[table]]
    return found


def computed_from_nothing(database: Database) -> dict[str, list[dict[str, Any]]]:
    with database.transaction() as connection:
        connection.execute("DELETE FROM market.indicators")
        connection.execute("DELETE FROM market.indicator_state")
        connection.execute(
            "INSERT INTO market.dirty_ranges (instrument_id, base_timeframe, from_at, to_at) SELECT b.instrument_id, "
            "b.base_timeframe, min(b.open_at), max(b.open_at) + INTERVAL '1 day' FROM market.bars AS b GROUP BY 1, 2"
        )
    pipeline.refresh(database, NEXT_YEAR)
    return tables(database, COMPUTED)


def gone(connection: Connection) -> bool:
    """Whether nothing of 0006 and 0007 is left."""
    names = ("engine.seals", "engine.ledger", "engine.trials", "engine.signal_validity", "market.refreshes")
    left = rows_of(
        connection, "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NOT NULL", [list(names)]
    )
    functions = rows_of(connection, "SELECT proname FROM pg_proc WHERE pronamespace = 'engine'::regnamespace")
    return not left and functions == [{"proname": "announce_change"}]
