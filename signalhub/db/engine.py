"""The database as the rest of the house sees it: transactions, and locks that outlive one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import psycopg
import sqlalchemy

from signalhub.db import edition
from signalhub.db.connection import Connection
from signalhub.db.embedded import EmbeddedServer
from signalhub.db.readiness import is_current, require_current
from signalhub.errors import DatabaseUnavailable
from signalhub.settings import Settings

SESSION_OPTIONS = "-c jit=off -c plan_cache_mode=force_custom_plan"
"""JIT compiles each of our short statements longer than it runs them; a generic plan of `x IS NULL OR …` filters,
which PostgreSQL would take after some ten runs, cannot use an index."""


@dataclass(frozen=True)
class Database:
    """A pool of connections to one database whose revision and edition were checked."""

    engine: sqlalchemy.Engine
    edition: str
    own_indicators: Path | None = None
    """The folder of users' own indicators: beside the data, since whoever refreshes it must know the same ones."""

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection in a transaction: committed at the end, rolled back on an error."""
        with self.engine.begin() as outer:
            yield cast(Connection, outer.connection.driver_connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection whose statements all see the database of one instant."""
        with self.engine.connect().execution_options(isolation_level="REPEATABLE READ") as outer, outer.begin():
            yield cast(Connection, outer.connection.driver_connection)

    @contextmanager
    def autocommit(self) -> Iterator[Connection]:
        """A connection outside any transaction, for CALL and other statements that refuse one."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as outer:
            yield cast(Connection, outer.connection.driver_connection)

    @contextmanager
    def exclusively(self, work: str) -> Iterator[None]:
        """One process at a time does `work`; a second one waits. Survives commits; ends with the connection."""
        with self.autocommit() as connection:
            connection.execute("SELECT pg_advisory_lock(hashtext(%s))", (f"signalhub.{work}",))
            try:
                yield
            finally:
                connection.execute("SELECT pg_advisory_unlock(hashtext(%s))", (f"signalhub.{work}",))


def create_engine(url: str) -> sqlalchemy.Engine:
    """A pooled engine for a postgresql:// URL."""
    _, _, rest = url.partition("://")
    options = {"options": SESSION_OPTIONS, "application_name": "signalhub"}
    return sqlalchemy.create_engine(
        f"postgresql+psycopg://{rest}", connect_args=options, pool_size=10, pool_pre_ping=True
    )


@contextmanager
def connected(settings: Settings) -> Iterator[sqlalchemy.Engine]:
    """An engine on the configured database, or on the embedded server, started on demand.

    Raises: DatabaseUnavailable, with what the server said, never with the password.
    """
    with _leased_url(settings) as url:
        engine = create_engine(url)
        try:
            with engine.connect():
                pass
        except sqlalchemy.exc.OperationalError as error:
            raise DatabaseUnavailable(f"{_target(url)} does not answer: {_reason(error)}") from error
        try:
            yield engine
        finally:
            engine.dispose()


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """The database, ready for use.

    The embedded one is migrated on the way; one of the user's own is changed by `signalhub migrate` alone.
    Raises: DatabaseUnavailable, EditionMismatch, SchemaOutdated.
    """
    with connected(settings) as engine:
        database = checked(engine, may_migrate=settings.database_url is None)
        yield replace(database, own_indicators=settings.own_indicators)


def checked(engine: sqlalchemy.Engine, *, may_migrate: bool) -> Database:
    """The database behind `engine`, once edition and revision are known to fit."""
    with engine.begin() as outer:
        connection = cast(Connection, outer.connection.driver_connection)
        pinned = edition.check(connection)
        if not may_migrate:
            require_current(connection)
        is_ready = is_current(connection)
    if not is_ready:
        # Imported late: Alembic costs more time than most commands take.
        from signalhub.db import migrate

        pinned = migrate.upgrade(engine).edition
    return Database(engine, pinned or edition.POSTGRES)


@contextmanager
def _leased_url(settings: Settings) -> Iterator[str]:
    if settings.database_url is not None:
        yield settings.database_url
        return
    with EmbeddedServer(settings.home).lease() as url:
        yield url


def _target(url: str) -> str:
    parts = sqlalchemy.make_url(url)
    return f"The database {parts.database or ''} at {parts.host or 'the local socket'}"


def _reason(error: sqlalchemy.exc.OperationalError) -> str:
    first = error.orig.args[0] if isinstance(error.orig, psycopg.Error) and error.orig.args else error.orig
    return " ".join(str(first).split())
