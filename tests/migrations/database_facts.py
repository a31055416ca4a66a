"""What a database looks like from its catalogue, to tell whether anything was touched."""

from __future__ import annotations

from typing import Any

import sqlalchemy

_OURS = "('market', 'engine', 'ta', 'analytics', 'public')"
_FACTS = {
    "relations": f"""
        SELECT s.nspname || '.' || c.relname, c.relkind,
            (SELECT count(*) FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
            c.relacl::text, c.oid, c.relfilenode
        FROM pg_class AS c INNER JOIN pg_namespace AS s ON c.relnamespace = s.oid
        WHERE s.nspname IN {_OURS} ORDER BY 1
    """,
    "functions": f"""
        SELECT s.nspname || '.' || p.proname || pg_get_function_identity_arguments(p.oid), p.prosrc, p.proacl::text,
            p.oid, p.xmin::text::bigint
        FROM pg_proc AS p INNER JOIN pg_namespace AS s ON p.pronamespace = s.oid
        WHERE s.nspname IN {_OURS} AND s.nspname <> 'public' ORDER BY 1
    """,
    "columns": """
        SELECT table_schema, table_name, column_name, data_type, is_nullable FROM information_schema.columns
        WHERE table_schema IN ('market', 'engine', 'analytics') ORDER BY 1, 2, ordinal_position
    """,
    "constraints": f"""
        SELECT s.nspname, c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint AS c
        INNER JOIN pg_namespace AS s ON c.connamespace = s.oid WHERE s.nspname IN {_OURS} ORDER BY 1, 2, 3
    """,
    "views": "SELECT schemaname, viewname, definition FROM pg_views WHERE schemaname IN ('market', 'analytics') "
    "ORDER BY 1, 2",
    "identities": "SELECT path, identities FROM market.derived_objects ORDER BY path",
    "derived": "SELECT path, sha256, xmin::text::bigint FROM market.derived_objects ORDER BY path",
}
_UNSTABLE_TAIL = {"relations": 2, "functions": 2, "derived": 1}
"""Columns at the end that are other for every making of the same thing: oids, file nodes, transactions."""


def fingerprint(engine: sqlalchemy.Engine, *, with_oids: bool = True) -> dict[str, list[tuple[Any, ...]]]:
    """Everything of ours; without oids it is the same for two makings of the same schema.

    TimescaleDB names its internal relations by running numbers: without oids views over them are left out.
    """
    facts = {name: query(engine, text) for name, text in _FACTS.items()}
    if with_oids:
        return facts
    facts["views"] = [row for row in facts["views"] if "_timescaledb_internal" not in row[2]]
    return {name: [row[: len(row) - _UNSTABLE_TAIL.get(name, 0)] for row in rows] for name, rows in facts.items()}


def query(engine: sqlalchemy.Engine, text: str) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    with engine.begin() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(text)]
