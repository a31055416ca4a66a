"""A copy of sql/derived to edit, and what a migration made of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy

from signalhub.db import migrate, readiness
from signalhub.db.engine import checked
from signalhub.errors import MigrationRefused
from tests.migrations.database_facts import fingerprint, query

BARS = "3_views/20_analytics_bars.sql"
INDICATORS = "3_views/30_analytics_indicators.sql"
CLOSED = "3_views/10_closed_bars.sql"
EXPECTED = "2_functions/20_expected_bars.sql"
OUTCOMES = "3_views/45_signal_outcomes.sql"
QUALITY = "3_views/62_data_quality.sql"
PERFORMANCE = "3_views/46_performance.sql"
EMA = "1_ta/10_ema.sql"
ANALYST = "tests_reader_of_{database}"
NEW_COLUMN = (
    "    b.known_at\nFROM market.closed_bars",
    "    b.known_at,\n    1::integer AS added\nFROM market.closed_bars",
)
OTHER_ORDER = ("    b.open_at,\n    b.close_at,\n    b.open,", "    b.close_at,\n    b.open_at,\n    b.open,")


@dataclass
class Tree:
    """A copy of sql/derived that the program takes for its own, and a database migrated from the real one."""

    folder: Path
    engine: sqlalchemy.Engine
    url: str

    def edit(self, name: str, *changes: tuple[str, str]) -> None:
        text = (self.folder / name).read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.write(name, text)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        readiness.derived_digest.cache_clear()

    def move(self, name: str, to: str) -> None:
        (self.folder / name).rename(self.folder / to)
        readiness.derived_digest.cache_clear()

    def names(self) -> list[str]:
        return [path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*.sql")]

    def migrate(self) -> list[str]:
        applied = migrate.upgrade(self.engine).derived
        checked(self.engine, may_migrate=False)
        return applied

    def is_refused(self, name: str) -> bool:
        before = fingerprint(self.engine)
        with pytest.raises(MigrationRefused, match=rf"{name}.*Nothing was changed"):
            migrate.upgrade(self.engine)
        return fingerprint(self.engine) == before


def oid(tree: Tree, relation: str) -> int | None:
    ((found,),) = query(tree.engine, f"SELECT to_regclass('{relation}')::oid::bigint")
    return None if found is None else int(found)


def columns(tree: Tree, view: str) -> list[str]:
    listed = f"SELECT attname FROM pg_attribute WHERE attrelid = '{view}'::regclass AND attnum > 0 ORDER BY attnum"
    return [row[0] for row in query(tree.engine, listed)]


def overloads(tree: Tree, function: str) -> list[str]:
    found = query(tree.engine, f"SELECT oid::regprocedure::text FROM pg_proc WHERE proname = '{function}' ORDER BY 1")
    return [row[0] for row in found]
