"""A copy of sql/derived to edit, and somebody else who reads."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from signalhub import resources
from signalhub.db import readiness
from signalhub.db.engine import create_engine
from tests.migrations.derived_tree import ANALYST, Tree
from tests.servers import execute


@pytest.fixture
def tree(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tree]:
    shutil.copytree(resources.folder("sql"), tmp_path / "sql")
    real = resources.folder
    monkeypatch.setattr(resources, "folder", lambda name: tmp_path / name if name == "sql" else real(name))
    readiness.derived_digest.cache_clear()
    engine = create_engine(database_url)
    yield Tree(tmp_path / "sql" / "derived", engine, database_url)
    engine.dispose()
    readiness.derived_digest.cache_clear()


@pytest.fixture
def reader(tree: Tree) -> Iterator[str]:
    """A role of somebody else's; roles belong to the whole server."""
    name = ANALYST.format(database=sqlalchemy.make_url(tree.url).database)
    execute(tree.url, f"CREATE ROLE {name}")
    yield name
    execute(tree.url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")
