"""Two editions, one behaviour: which one a server is, and the pin that keeps it so.

`timescale` is TimescaleDB Community; `postgres` is any PostgreSQL ≥ 15 without continuous aggregates. The
edition is read from the server at the first migrate and pinned in market.meta.
"""

from __future__ import annotations

import psycopg

from signalhub.db.connection import Connection
from signalhub.errors import DatabaseUnavailable, EditionMismatch

TIMESCALE = "timescale"
POSTGRES = "postgres"
EDITIONS = (TIMESCALE, POSTGRES)
OLDEST_SERVER = 150000


def pinned(connection: Connection) -> str | None:
    """The edition this database was made with, or None before the first migrate."""
    if connection.execute("SELECT to_regclass('market.meta') IS NULL").fetchone() == (True,):
        return None
    row = connection.execute("SELECT value FROM market.meta WHERE key = 'edition'").fetchone()
    return str(row[0]) if row else None


def detect(connection: Connection) -> str:
    """The edition the server offers; creates the extension where it is TimescaleDB Community."""
    if connection.info.server_version < OLDEST_SERVER:
        version = connection.info.server_version // 10000
        raise DatabaseUnavailable(f"The server is PostgreSQL {version}; Signalhub needs 15 or newer.")
    return TIMESCALE if _has_continuous_aggregates(connection) else POSTGRES


def check(connection: Connection) -> str | None:
    """The pinned edition, after making sure that the server still offers it.

    Raises: EditionMismatch when the database was made on TimescaleDB and the extension is gone.
    """
    edition = pinned(connection)
    if edition == TIMESCALE and not _extension_is_there(connection):
        raise EditionMismatch(
            "This database was made on TimescaleDB Community, but the server it is on now has no timescaledb "
            "extension in it. Point SIGNALHUB_DATABASE_URL at a TimescaleDB server, or start an empty database."
        )
    return edition


def _extension_is_there(connection: Connection) -> bool:
    row = connection.execute("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'").fetchone()
    return row == (1,)


def _has_continuous_aggregates(connection: Connection) -> bool:
    preloaded = connection.execute("SELECT current_setting('shared_preload_libraries')").fetchone()
    if preloaded is None or "timescaledb" not in preloaded[0]:
        return False
    try:
        with connection.transaction():
            connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
            licence = connection.execute("SELECT current_setting('timescaledb.license', TRUE)").fetchone()
            # The Apache licence of TimescaleDB has no continuous aggregates: to us it is plain PostgreSQL.
            return licence is not None and licence[0] == "timescale"
    except psycopg.errors.InsufficientPrivilege:
        raise DatabaseUnavailable(
            "The server has TimescaleDB, but this user may not create the extension. Ask the database's owner to run "
            "CREATE EXTENSION timescaledb in it once, then run `signalhub migrate` again."
        ) from None
    except psycopg.Error:
        return False
