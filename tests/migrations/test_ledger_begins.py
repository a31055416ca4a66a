"""Revision 0007 on a record that is there: it is sealed as it is, and the ledger begins with its live signals."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import sqlalchemy

from signalhub.db import migrate
from signalhub.db.connection import Connection
from signalhub.db.engine import create_engine
from signalhub.outbox.publish import publish
from signalhub.signals.verify import verify_record
from tests import records
from tests.records import CLOSE, closed

BEFORE = "0006"
HOUR = timedelta(hours=1)


def test_what_was_recorded_before_is_sealed_and_chained_in_the_order_in_which_it_came_and_ended(
    database_url: str,
) -> None:
    engine = create_engine(database_url)
    migrate.downgrade(engine, BEFORE)
    with engine.begin() as outer:
        connection = of(outer)
        instrument, strategy = records.add_instrument(connection), records.add_strategy(connection)

        def add(hours: int, origin: str = "live", outcome: dict[str, object] | None = None) -> int:
            close = CLOSE + hours * HOUR
            published = {"published_at": close} if origin == "live" else {}
            return records.add_signal(connection, instrument, strategy, close, outcome, origin=origin, **published)

        late, early = add(30), add(0, outcome=closed("target_hit", 2.0) | {"tracked_through": CLOSE + 40 * HOUR})
        add(1, "replay", closed("stop_hit", -1.0))
    migrate.upgrade(engine)
    with engine.begin() as outer:
        connection = of(outer)
        entries = connection.execute("SELECT seq, kind, signal_id, entered_at FROM engine.ledger ORDER BY seq")
        assert entries.fetchall() == [
            (1, "published", early, CLOSE),
            (2, "published", late, CLOSE + 30 * HOUR),
            (3, "closed", early, CLOSE + 40 * HOUR),
        ]
        sealed = connection.execute("SELECT kind, count(*) FROM engine.seals GROUP BY kind ORDER BY kind").fetchall()
        assert sealed == [("outcome", 2), ("signal", 3)]
        # What comes after goes on with the same chain; that these made-up signals have no inputs is another matter.
        new = records.add_signal(connection, instrument, strategy, CLOSE + 50 * HOUR, origin="live")
        publish(connection, [new], CLOSE + 50 * HOUR)
        found = verify_record(connection, [])
        assert found.entries == 4
        assert {finding.relation for finding in found.findings} == {"engine.signal_inputs"}
    engine.dispose()


def of(outer: sqlalchemy.Connection) -> Connection:
    return cast(Connection, outer.connection.driver_connection)
