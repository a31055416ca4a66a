"""A store that is filled once: every made-up series as an instrument, its indicators computed."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from signalhub.db.engine import Database, create_engine
from tests import servers
from tests.conftest import scale
from tests.sql import ta_store
from tests.sql.ta_errors import FORGOTTEN, cut
from tests.sql.ta_golden import GOLDEN, golden_series
from tests.sql.ta_relations import Columns
from tests.sql.ta_series import FLAT_TAIL, SERIES, Series


class SeriesStore:
    """The filled database, read through one connection: a new one compiles every function anew."""

    def __init__(self, connection: psycopg.Connection, series: dict[str, Series], symbols: dict[str, str]) -> None:
        self.series = series
        self._connection = connection
        self._symbols = symbols
        self._read: dict[str, Columns] = {}

    def stored(self, name: str) -> Columns:
        """What the store has of a series."""
        if name not in self._read:
            self._read[name] = ta_store.stored(self._connection, self._symbols[name])
        return self._read[name]

    def count(self, relation: str) -> int:
        """The rows of a relation and condition."""
        row = self._connection.execute(f"SELECT count(*) FROM {relation}").fetchone()
        assert row is not None
        return int(row[0])

    def public(self, name: str, calls: dict[str, str], length: int) -> Columns:
        """What analysts get over its first bars."""
        return ta_store.public(self._connection, self._symbols[name], calls, length)


@pytest.fixture(scope="session")
def series_store(edition: str, server_urls: dict[str, str], template: str) -> Iterator[SeriesStore]:
    """Read it; never write to it."""
    admin, name = server_urls[edition], f"{template}_series"
    servers.execute(
        admin, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name} TEMPLATE {template}"
    )
    engine = create_engine(servers.with_database(admin, name))
    # Of the long dead market a half tells the same, every day.
    dead = SERIES[FLAT_TAIL] if scale() >= 1 else cut(SERIES[FLAT_TAIL], FORGOTTEN + 600)
    series = {**SERIES, FLAT_TAIL: dead, GOLDEN: golden_series()}
    symbols = ta_store.fill(Database(engine, edition), series)
    engine.dispose()
    with psycopg.connect(servers.with_database(admin, name), options="-c jit=off") as connection:
        yield SeriesStore(connection, series, symbols)
        connection.rollback()
    servers.execute(admin, f"DROP DATABASE {name} WITH (FORCE)")
