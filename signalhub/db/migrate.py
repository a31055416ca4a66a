"""`signalhub migrate`: revisions (Alembic) and derived objects, in one transaction under one advisory lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import alembic.command
import sqlalchemy
from alembic.config import Config

from signalhub import __version__, clock, resources
from signalhub.db import derived, edition, readiness
from signalhub.db.connection import Connection

_LOCK = b"SELECT pg_advisory_xact_lock(hashtext('signalhub.migrate'))"
_LOCK_TIMEOUT = b"SET LOCAL lock_timeout = '10s'"


@dataclass(frozen=True)
class Migrated:
    """What a migration did."""

    edition: str
    revision_before: str | None
    revision: str | None
    derived: list[str]

    @property
    def is_unchanged(self) -> bool:
        """Whether everything was as it should be already."""
        return self.revision_before == self.revision and not self.derived


def upgrade(engine: sqlalchemy.Engine, revision: str = "head") -> Migrated:
    """Brings the database to this program's revision; a second run changes nothing.

    Raises: EditionMismatch, MigrationRefused, SchemaOutdated (the database is newer), DatabaseUnavailable. On any
    error nothing was changed.
    """
    with engine.begin() as outer:
        connection = _prepared(outer)
        readiness.refuse_newer(connection)
        pinned = edition.check(connection) or edition.detect(connection)
        before = readiness.current_revision(connection)
        alembic.command.upgrade(_config(outer, pinned), revision)
        _pin(connection, pinned)
        applied = derived.sync(connection)
        return Migrated(pinned, before, readiness.current_revision(connection), applied)


def downgrade(engine: sqlalchemy.Engine, revision: str) -> Migrated:
    """Takes revisions back, data and all. Derived objects are dropped; the next upgrade makes them again."""
    with engine.begin() as outer:
        connection = _prepared(outer)
        readiness.refuse_newer(connection)
        pinned = edition.check(connection)
        before = readiness.current_revision(connection)
        if pinned is None or before is None:
            return Migrated(pinned or edition.detect(connection), before, before, [])
        derived.drop_all(connection)
        alembic.command.downgrade(_config(outer, pinned), revision)
        return Migrated(pinned, before, readiness.current_revision(connection), [])


def _prepared(outer: sqlalchemy.Connection) -> Connection:
    connection = cast(Connection, outer.connection.driver_connection)
    connection.execute(_LOCK)
    connection.execute(_LOCK_TIMEOUT)
    return connection


def _config(outer: sqlalchemy.Connection, pinned: str) -> Config:
    config = Config()
    # Alembic interpolates: a percent sign of the path is written twice.
    config.set_main_option("script_location", str(resources.folder("migrations")).replace("%", "%%"))
    config.attributes.update(connection=outer, edition=pinned)
    return config


def _pin(connection: Connection, pinned: str) -> None:
    facts = {"edition": pinned, "made_at_version": __version__, "made_at": clock.now().isoformat()}
    for key, value in facts.items():
        connection.execute(
            "INSERT INTO market.meta (key, value) VALUES (%s, %s) ON CONFLICT (key) DO NOTHING", (key, value)
        )
