"""Is the database at this program's revision? Read without Alembic, so that start-up stays quick."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from signalhub import resources
from signalhub.db.connection import Connection
from signalhub.errors import SchemaOutdated

VERSION_TABLE = "signalhub_revision"


def head() -> str:
    """The newest revision this program knows."""
    names = (path.name for path in (resources.folder("migrations") / "versions").glob("[0-9]*.py"))
    return max(name[:4] for name in names)


def derived_files() -> list[Path]:
    """The files of sql/derived in the order in which they build on each other."""
    return sorted((resources.folder("sql") / "derived").glob("*/*.sql"))


@cache
def derived_digest() -> str:
    """One hash over all of sql/derived."""
    digest = hashlib.sha256()
    for path in derived_files():
        digest.update(f"{path.parent.name}/{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def current_revision(connection: Connection) -> str | None:
    """The database's revision, or None when it was never migrated."""
    if connection.execute(f"SELECT to_regclass('{VERSION_TABLE}') IS NULL".encode()).fetchone() == (True,):
        return None
    row = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}".encode()).fetchone()
    return str(row[0]) if row else None


def is_current(connection: Connection) -> bool:
    """Whether revision and derived objects are this program's."""
    if current_revision(connection) != head():
        return False
    row = connection.execute("SELECT value FROM market.meta WHERE key = 'derived_sha256'").fetchone()
    return row == (derived_digest(),)


def require_current(connection: Connection) -> None:
    """Raises SchemaOutdated, saying which revision is there and which is needed."""
    if is_current(connection):
        return
    refuse_newer(connection)
    there = current_revision(connection) or "empty"
    needed = "its own functions and views" if there == head() else head()
    raise SchemaOutdated(f"The database is at revision {there}; this program needs {needed}. Run `signalhub migrate`.")


def refuse_newer(connection: Connection) -> None:
    """Raises SchemaOutdated when a newer program made the database."""
    there = current_revision(connection)
    if there is not None and there > head():
        raise SchemaOutdated(
            f"The database is at revision {there}, newer than this program's {head()}: update Signalhub."
        )
