"""Derived objects: functions and views of `sql/derived`, which hold no data and are edited in place.

`sync` leaves unchanged files alone, replaces what PostgreSQL can replace in place, and drops and makes again
what it cannot, with those of ours that hang on it. What others built on ours is never dropped: the error
names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from signalhub.db.connection import Connection
from signalhub.db.dependents import Grant, drop_with_ours, grants_on, regrant
from signalhub.db.readiness import derived_digest, derived_files
from signalhub.db.revisions import sha256

_CREATED = re.compile(
    r"^CREATE OR REPLACE (?:FUNCTION|AGGREGATE|VIEW)\s+([a-z_]+)\.([a-z0-9_]+)", re.MULTILINE | re.IGNORECASE
)
_GRANTS_FLOOR = "4_grants"
# A function's row lies elsewhere after it was replaced: so a file's functions are told from others of their names.
_IDENTITIES = b"""
SELECT 'function ' || p.oid::regprocedure::text, p.ctid::text
FROM pg_proc p JOIN pg_namespace s ON s.oid = p.pronamespace
WHERE (s.nspname, p.proname) IN (SELECT * FROM unnest(%(schemas)s::text[], %(names)s::text[]))
UNION ALL
SELECT 'view ' || c.oid::regclass::text, NULL FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
WHERE c.relkind = 'v' AND (s.nspname, c.relname) IN (SELECT * FROM unnest(%(schemas)s::text[], %(names)s::text[]))
"""
_CANNOT_BE_REPLACED = (
    psycopg.errors.InvalidFunctionDefinition,
    psycopg.errors.InvalidTableDefinition,
    psycopg.errors.WrongObjectType,
    # Beside the old signature a call within the file itself may fit both.
    psycopg.errors.AmbiguousFunction,
)


@dataclass
class _Known:
    sha256: str
    identities: list[str]


def sync(connection: Connection) -> list[str]:
    """Brings functions and views to what the files say; the names of the files that were applied.

    Raises: MigrationRefused when somebody else's object hangs on one that must be dropped.
    """
    with _names_with_schema(connection):
        known = _known(connection)
        files = {f"{path.parent.name}/{path.name}": path for path in derived_files()}
        lost: list[Grant] = []
        applied = _apply_changed(connection, files, known, lost)
        removed = [name for name in known if name not in files]
        for name in removed:
            _forget(connection, name, known, lost)
        # One that still hangs on what was removed was dropped with it, and now says so by failing.
        applied += removed + _apply_changed(connection, files, known, lost)
        if applied:
            _grants(connection, files, lost)
    _remember_digest(connection)
    return applied


def drop_all(connection: Connection) -> None:
    """Drops every derived object of ours, before revisions go down.

    Raises: MigrationRefused when somebody else's object hangs on one of them.
    """
    with _names_with_schema(connection):
        known = _known(connection)
        for name in reversed(list(known)):
            _forget(connection, name, known, [])
    connection.execute("DELETE FROM market.meta WHERE key = 'derived_sha256'")


@contextmanager
def _names_with_schema(connection: Connection) -> Iterator[None]:
    """Lets the catalogue write every name with its schema, whatever search_path the operator has set."""
    before = connection.execute("SELECT current_setting('search_path')").fetchone()
    connection.execute("SELECT set_config('search_path', 'pg_catalog', TRUE)")
    yield
    connection.execute("SELECT set_config('search_path', %s, TRUE)", before)


def _known(connection: Connection) -> dict[str, _Known]:
    rows = connection.execute('SELECT path, sha256, identities FROM market.derived_objects ORDER BY path COLLATE "C"')
    return {path: _Known(digest, identities) for path, digest, identities in rows}


def _apply_changed(
    connection: Connection, files: dict[str, Path], known: dict[str, _Known], lost: list[Grant]
) -> list[str]:
    applied = []
    gone = {identity for name, entry in known.items() if name not in files for identity in entry.identities}
    for name, path in files.items():
        if name not in known or known[name].sha256 != sha256(path):
            _apply(connection, name, path, known, lost, gone)
            applied.append(name)
    return applied


def _apply(
    connection: Connection, name: str, path: Path, known: dict[str, _Known], lost: list[Grant], gone: set[str]
) -> None:
    text = path.read_text(encoding="utf-8").encode()
    before = known[name].identities if name in known else []
    places = _places(connection, path)
    try:
        with connection.transaction():
            connection.execute(text)
    except _CANNOT_BE_REPLACED:
        # Of a file that was renamed and edited at once, what the old one made stands in the way.
        _drop(connection, [*before, *(identity for identity in places if identity in gone)], known, lost)
        connection.execute(text)
    made = _places(connection, path)
    identities = sorted(identity for identity, place in made.items() if place is None or places.get(identity) != place)
    _drop(connection, [identity for identity in before if identity not in identities], known, lost)
    known[name] = _Known(sha256(path), identities)
    connection.execute(
        "INSERT INTO market.derived_objects (path, sha256, identities) VALUES (%s, %s, %s) "
        "ON CONFLICT (path) DO UPDATE SET sha256 = excluded.sha256, identities = excluded.identities",
        (name, known[name].sha256, identities),
    )


def _places(connection: Connection, path: Path) -> dict[str, str | None]:
    """The objects that go by the names a file creates, each with the place of its row (functions only)."""
    created = _CREATED.findall(path.read_text(encoding="utf-8"))
    parameters = {"schemas": [schema for schema, _ in created], "names": [name for _, name in created]}
    return dict(connection.execute(_IDENTITIES, parameters).fetchall())


def _drop(connection: Connection, identities: list[str], known: dict[str, _Known], lost: list[Grant]) -> None:
    ours = {identity: name for name, entry in known.items() for identity in entry.identities}
    for identity in identities:
        lost.extend(grants_on(connection, identity))
        for dropped in drop_with_ours(connection, identity, set(ours), lost):
            # Its file comes later in the order; without a hash it is applied again.
            known[ours[dropped]].sha256 = ""


def _forget(connection: Connection, name: str, known: dict[str, _Known], lost: list[Grant]) -> None:
    """Drops what a file made, but for what another file makes now: a renumbered file harms nobody."""
    elsewhere = {identity for other, entry in known.items() if other != name for identity in entry.identities}
    _drop(connection, [identity for identity in known[name].identities if identity not in elsewhere], known, lost)
    connection.execute("DELETE FROM market.derived_objects WHERE path = %s", (name,))


def _grants(connection: Connection, files: dict[str, Path], lost: list[Grant]) -> None:
    for grant in lost:
        regrant(connection, grant)
    for name, path in files.items():
        if name.startswith(_GRANTS_FLOOR):
            connection.execute(path.read_text(encoding="utf-8").encode())


def _remember_digest(connection: Connection) -> None:
    connection.execute(
        "INSERT INTO market.meta (key, value) VALUES ('derived_sha256', %s) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value "
        "WHERE market.meta.value <> excluded.value",
        (derived_digest(),),
    )
