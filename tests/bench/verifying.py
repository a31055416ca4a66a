"""Verify: signals made again from their inputs, seals, and a long ledger walked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.signals import ledger
from signalhub.signals.ledger import Kind
from signalhub.signals.verify import verify, verify_ledger
from signalhub.strategies.declared import declared
from tests.bench.measure import Measurement, seconds
from tests.evaluation_market import lively_market, replayed

INSTRUMENTS, ENTRIES = 12, 100_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)
# The same signal many times over, an hour later each: the ledger takes any row for what it is.
_MANY = """
INSERT INTO engine.signals (
    origin, strategy_id, instrument_id, timeframe, open_at, close_at, direction, entry, stop, target, score, components,
    reason, valid_until, input_hash, recorded_at, weights, left_out, atr
)
SELECT
    'live', s.strategy_id, s.instrument_id, s.timeframe, s.open_at, s.close_at + n * INTERVAL '1 hour', s.direction,
    s.entry, s.stop, s.target, s.score, s.components, s.reason, s.valid_until + n * INTERVAL '1 hour', s.input_hash,
    s.recorded_at, s.weights, s.left_out, s.atr
FROM (SELECT * FROM engine.signals ORDER BY signal_id LIMIT 1) AS s CROSS JOIN generate_series(1, %s) AS n
RETURNING signal_id
"""


def measure(database: Database) -> Iterator[Measurement]:
    lively_market(database, [f"V{number}/USDT" for number in range(INSTRUMENTS)])
    known = declared()
    replayed(database, strategies=known)
    found = verify(database, known)
    assert found.is_intact, found.findings[0].sentence
    took = seconds(lambda: verify(database, known))
    note = f"{len(known)} strategies"
    yield Measurement("verify, made from inputs", database.edition, "signals", found.signals / took, note=note)
    with database.transaction() as connection:
        unsealed = seconds(lambda: _insert(connection, is_sealed=False))
        sealed = seconds(lambda: _insert(connection, is_sealed=True))
        rate, floor = ENTRIES / sealed, ENTRIES / unsealed
        yield Measurement("insert signals, sealed", database.edition, "signals", rate, floor)
        ids = [row[0] for row in connection.execute("SELECT signal_id FROM engine.signals WHERE origin = 'live'")]
        entered = seconds(lambda: ledger.append(connection, Kind.PUBLISHED, ids, NOW))
        yield Measurement("ledger, entered", database.edition, "entries", len(ids) / entered)
        walked = seconds(lambda: verify_ledger(connection))
        yield Measurement("ledger, walked", database.edition, "entries", len(ids) / walked)


def _insert(connection: Connection, *, is_sealed: bool) -> None:
    with connection.transaction(force_rollback=not is_sealed):
        if not is_sealed:
            connection.execute("ALTER TABLE engine.signals DISABLE TRIGGER seal_signals")
        connection.execute(_MANY.encode(), (ENTRIES,))
