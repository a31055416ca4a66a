"""A small record to verify: replays of two strategies, live signals, open ones and ones that ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.domain.timeframe import M15
from signalhub.jobs import pipeline
from signalhub.jobs.evaluation import Scope
from signalhub.signals.verify import Verified, verify_record
from signalhub.strategies.base import Strategy
from tests.evaluation_market import REAL, SETTINGS, lively_market, replayed
from tests.live_stage import EXCHANGE, FILES, Stage
from tests.market import MONDAY, bar, rows_of
from tests.rising import Rising

KNOWN: Sequence[Strategy] = (*REAL, Rising())
LIVE = ("W/USDT", "X/USDT", "Y/USDT")


def recorded(database: Database) -> None:
    """Live signals of three instruments, of which the first hits its target and the second its stop; and replays."""
    stage = Stage(database)
    ids = [stage.instrument(symbol) for symbol in LIVE]
    filed = stage.instrument("Z/USDT", FILES)
    for instrument_id in ids:
        stage.rises(instrument_id)
    stage.rises(filed, FILES)
    stage.once(seconds=5)
    assert {**dict.fromkeys(LIVE, "live"), "Z/USDT": "replay"}.items() <= stage.origins().items()
    later = stage.close + M15.span
    for instrument_id, prices in zip(ids[:2], ({"high": 110.0}, {"low": 90.0}), strict=True):
        stage.put(instrument_id, [bar(instrument_id, stage.close, 101.0, **prices)], EXCHANGE)
        stage.settle(instrument_id, later)
    ended = pipeline.track(database, SETTINGS, later + timedelta(seconds=5))
    assert (ended["target_hit"], ended["stop_hit"]) == (1, 1)


def with_replays(database: Database) -> None:
    """Some hours of replays of every strategy of REAL, most of which have ended. To be called first: it settles all."""
    lively_market(database, ("A/USDT", "B/USDT"))
    replayed(database, Scope(timeframes=(M15,), after=MONDAY + timedelta(hours=58)))


def verified(connection: Connection) -> Verified:
    return verify_record(connection, KNOWN)


@contextmanager
def tampering(connection: Connection) -> Iterator[None]:
    """As the owner of the database can: triggers and foreign keys are off, and what is done is taken back."""
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL session_replication_role = replica")
        yield


def cells(connection: Connection, relation: str, which: str = "TRUE") -> Iterator[tuple[str, str, str, Any]]:
    """Every cell of a relation: the row's place, column, type and value."""
    schema, name = relation.split(".")
    columns = rows_of(
        connection,
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
        "ORDER BY ordinal_position",
        (schema, name),
    )
    found = rows_of(connection, f"SELECT t.ctid::text AS place, t.* FROM {relation} AS t WHERE {which} ORDER BY t.ctid")
    for row in found:
        for column in columns:
            yield row["place"], column["column_name"], column["data_type"], row[column["column_name"]]
