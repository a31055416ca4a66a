"""Verify finds every cell that is altered and every row that is removed, one at a time, in every column there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from tests.conftest import scale
from tests.verified_record import cells, recorded, tampering, verified, with_replays

CLOSED = "t.status <> 'open'"
SOME = (
    "t.signal_id IN (SELECT s.signal_id FROM engine.signals AS s INNER JOIN engine.outcomes AS o USING (signal_id) "
    f"WHERE mod(s.signal_id, {4 if scale() >= 1 else 14}) = 1 OR s.origin = 'live' AND (o.status <> 'target_hit'))"
)
"""Live ones, open and closed, and of the replays so many as there is time for."""
RELATIONS = {
    "engine.signals": SOME,
    "engine.signal_inputs": SOME,
    "engine.outcomes": f"{CLOSED} AND ({SOME})",
    "engine.seals": SOME,
    "engine.ledger": "TRUE",
}
ANOTHER = {
    "bigint": ("{0} + 1", "{0} + 1000000"),
    "integer": ("{0} + 1", "{0} + 1000"),
    "numeric": ("{0} + 0.01", "{0} * 1.5", "trim_scale({0}) + 0.00"),
    "double precision": ("{0} + 1e-9", "-{0}", "{0} * 1.5 + 1"),
    "text": (
        *("{0} || 'x'", "{0} || ' '", "reverse({0})"),
        *("overlay({0} placing 'f' from 1)", "overlay({0} placing '0' from 1)"),
    ),
    "boolean": ("NOT {0}",),
    "timestamp with time zone": ("{0} + INTERVAL '1 microsecond'", "{0} - INTERVAL '1 hour'"),
    "jsonb": ("{0} || '{{\"more\": 1}}'", "'{{}}'", "replace({0}::text, '0', '1')::jsonb"),
    "ARRAY": ("{0} || 'more'",),
}  # fmt: skip
SOMETHING = {
    "bigint": "7",
    "integer": "7",
    "numeric": "7",
    "double precision": "7",
    "text": "'x'",
    "boolean": "TRUE",
    "timestamp with time zone": "'2024-03-05 00:00:00+00'",
    "jsonb": "'{{\"a\": 1}}'",
    "ARRAY": "'{{a}}'",
}
OPPOSITES = {
    "origin": "CASE {0} WHEN 'live' THEN 'replay' ELSE 'live' END",
    "direction": "CASE {0} WHEN 'long' THEN 'short' ELSE 'long' END",
    "kind": "CASE {0} WHEN 'signal' THEN 'outcome' WHEN 'outcome' THEN 'signal' WHEN 'closed' THEN 'published' "
    "ELSE 'closed' END",
    "status": "CASE {0} WHEN 'stop_hit' THEN 'target_hit' WHEN 'target_hit' THEN 'stop_hit' ELSE 'cancelled' END",
    "timeframe": "CASE {0} WHEN '15m' THEN '1h' ELSE '15m' END",
    "state": "'open'",
}


@pytest.fixture
def record(database: Database) -> Iterator[Connection]:
    with_replays(database)
    recorded(database)
    with database.transaction() as connection:
        # An identity column takes no other value by UPDATE; its owner can make it take one.
        connection.execute("ALTER TABLE engine.signals ALTER COLUMN signal_id DROP IDENTITY")
        found = verified(connection)
        assert found.is_intact, [finding.sentence for finding in found.findings]
        assert found.signals == found.verified > 8
        assert found.entries == 5
        yield connection


def mutations(column: str, kind: str, value: Any) -> Iterator[str]:
    """Other values for the cell, as SQL over it."""
    if value is None:
        yield SOMETHING[kind].format(column)
        return
    yield from (text.format(column) for text in ANOTHER[kind])
    if column in OPPOSITES:
        yield OPPOSITES[column].format(column)
    yield "NULL"
    if column == "status":
        yield "'open'"


def test_every_other_value_of_every_cell_is_found_or_refused(record: Connection) -> None:
    done: Counter[str] = Counter()
    columns, found_in = set(), set()
    missed = []
    for relation, which in RELATIONS.items():
        for place, column, kind, value in list(cells(record, relation, which)):
            for text in mutations(column, kind, value):
                outcome = mutated(record, relation, place, column, text)
                done[outcome] += 1
                columns.add((relation, column))
                if outcome == "found":
                    found_in.add((relation, column))
                if outcome == "missed":
                    missed.append((relation, column, value, text))
    assert missed == []
    assert done["found"] > 250, done
    # What a constraint refuses cannot be stored; of every column a value that can was tried, but for the one to which
    # stop and target stand.
    assert columns - found_in == {("engine.signals", "direction")}
    assert len(columns) >= 54


def mutated(connection: Connection, relation: str, place: str, column: str, text: str) -> str:
    change = f"UPDATE {relation} AS t SET {column} = {text} WHERE t.ctid = '{place}' AND t.{column} IS DISTINCT FROM "
    with tampering(connection):
        try:
            with connection.transaction():
                # Equal numbers of another scale are another value of the cell.
                before = connection.execute(f"SELECT {column}::text FROM {relation} WHERE ctid = '{place}'".encode())
                was = before.fetchone()
                changed = connection.execute(f"{change[: change.index(' AND t.')]} RETURNING {column}::text".encode())
                if changed.fetchone() == was:
                    return "same"
        except (psycopg.errors.IntegrityError, psycopg.errors.DataError):
            return "refused"
        return "missed" if verified(connection).is_intact else "found"


def test_every_row_that_is_removed_is_found(record: Connection) -> None:
    for relation, which in RELATIONS.items():
        places = {place for place, *_ in cells(record, relation, which)}
        assert len(places) >= 2
        for place in sorted(places):
            with tampering(record):
                record.execute(f"DELETE FROM {relation} WHERE ctid = '{place}'".encode())
                found = verified(record)
            assert not found.is_intact, (relation, place)


def test_each_cell_of_a_live_signal_is_named_with_what_it_must_be(record: Connection) -> None:
    with tampering(record):
        change = "UPDATE engine.signals SET score = score - 1 WHERE origin = 'live' RETURNING signal_id"
        changed = [row[0] for row in record.execute(change).fetchall()]
        found = verified(record)
    first = found.findings[0]
    assert [finding.signal_id for finding in found.findings] == sorted(changed)
    assert (first.relation, first.signal_id, first.column) == ("engine.signals", min(changed), "score")
    assert first.stored == first.expected - 1
    assert first.sentence.startswith(
        f"engine.signals, signal {min(changed)} (W/USDT 15m rising long, closed 2024-03-04 "
    )
    assert f"score is {first.stored}, its inputs give {first.expected}" in first.sentence


@pytest.mark.parametrize("relation", ["engine.ledger", "engine.seals"])
@pytest.mark.parametrize("change", ["UPDATE {0} SET signal_id = signal_id", "DELETE FROM {0}", "TRUNCATE {0}"])
def test_ledger_and_seals_refuse_to_be_changed(connection: Connection, relation: str, change: str) -> None:
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"), connection.transaction():
        connection.execute(change.format(relation).encode())
