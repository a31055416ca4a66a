"""What hangs on a function or view, and how it is dropped without harming what is not ours."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import errors, sql

from signalhub.db.connection import Connection
from signalhub.errors import MigrationRefused

_DIRECT_DEPENDENTS = b"""
SELECT DISTINCT 'view ' || r.ev_class::regclass::text
FROM pg_depend d JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
WHERE d.refclassid = %(catalog)s::regclass AND d.refobjid = %(oid)s::oid AND r.ev_class <> %(oid)s::oid
UNION
SELECT DISTINCT 'function ' || d.objid::regprocedure::text
FROM pg_depend d
WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'n'
    AND d.refclassid = %(catalog)s::regclass AND d.refobjid = %(oid)s::oid AND d.objid <> %(oid)s::oid
"""
_GRANTS = b"""
SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, a.privilege_type, a.is_grantable
FROM pg_class c, LATERAL aclexplode(c.relacl) a
WHERE c.oid = %(oid)s::oid AND a.grantee <> c.relowner
"""


@dataclass(frozen=True)
class Grant:
    """A privilege that was on a view before it was dropped."""

    view: str
    role: str
    privilege: str
    is_grantable: bool


def drop_with_ours(connection: Connection, identity: str, ours: set[str], lost: list[Grant]) -> list[str]:
    """Drops the object and what of ours hangs on it, dependents first; what was dropped besides itself.

    `identity` is `view schema.name` or `function schema.name(types)`; one that is gone already is fine.
    Raises: MigrationRefused naming the first dependent that is not ours.
    """
    oid = _oid(connection, identity)
    if oid is None:
        return []
    dropped: list[str] = []
    for dependent in _dependents(connection, identity, oid):
        if dependent not in ours:
            raise _refused(f"The {dependent} hangs on our {identity}")
        lost.extend(grants_on(connection, dependent))
        dropped += [*drop_with_ours(connection, dependent, ours, lost), dependent]
    _drop(connection, identity)
    return dropped


def _drop(connection: Connection, identity: str) -> None:
    kind, _, name = identity.partition(" ")
    try:
        # An aggregate is a function to DROP ROUTINE, which FUNCTION would refuse.
        connection.execute(f"DROP {'VIEW' if kind == 'view' else 'ROUTINE'} IF EXISTS {name}".encode())
    except errors.DependentObjectsStillExist as error:
        # Defaults, indexes, functions over a view's row type: the server knows more kinds than we look for.
        hanging = (error.diag.message_detail or "").partition("\n")[0]
        raise _refused(f"Something hangs on our {identity} ({hanging})") from error


def _refused(fact: str) -> MigrationRefused:
    return MigrationRefused(
        f"{fact}, which must be made again: drop it, run `signalhub migrate`, and create it anew. Nothing was changed."
    )


def grants_on(connection: Connection, identity: str) -> list[Grant]:
    """The grants other roles hold on a view; functions are executable by all."""
    oid = _oid(connection, identity)
    if oid is None or not identity.startswith("view "):
        return []
    rows = connection.execute(_GRANTS, {"oid": oid})
    return [Grant(identity.removeprefix("view "), *row) for row in rows]


def regrant(connection: Connection, grant: Grant) -> None:
    """Puts a grant back, where the view still exists."""
    if _oid(connection, f"view {grant.view}") is None:
        return
    option = " WITH GRANT OPTION" if grant.is_grantable else ""
    connection.execute(
        sql.SQL("GRANT {} ON {} TO {}{}").format(
            sql.SQL(grant.privilege),
            sql.Identifier(*grant.view.split(".")),
            sql.SQL(grant.role),
            sql.SQL(option),
        )
    )


def _dependents(connection: Connection, identity: str, oid: int) -> list[str]:
    catalog = "pg_class" if identity.startswith("view ") else "pg_proc"
    rows = connection.execute(_DIRECT_DEPENDENTS, {"catalog": catalog, "oid": oid})
    return sorted(row[0] for row in rows)


def _oid(connection: Connection, identity: str) -> int | None:
    kind, _, name = identity.partition(" ")
    lookup = "to_regclass" if kind == "view" else "to_regprocedure"
    row = connection.execute(f"SELECT {lookup}(%s)::oid".encode(), (name,)).fetchone()
    return row[0] if row else None
