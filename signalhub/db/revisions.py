"""Revisions: the SQL that holds data, applied by Alembic from `sql/revisions`, never edited once released."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from alembic import context, op

from signalhub import resources


def apply(name: str, direction: str) -> None:
    """Runs `NAME.<direction>.sql` and the edition's own file; called by the revisions of Alembic."""
    edition = context.config.attributes["edition"]
    general = resources.folder("sql") / "revisions" / f"{name}.{direction}.sql"
    special = general.with_name(f"{name}.{edition}.{direction}.sql")
    # On the way down the special relations go first: they hang on the general ones.
    for path in [general, special] if direction == "up" else [special, general]:
        if path.exists():
            _execute(path)


def _execute(path: Path) -> None:
    # op.execute would read `:word` as a bind parameter and `%` as a placeholder, even in comments.
    options = {"no_parameters": True}
    op.get_bind().exec_driver_sql(path.read_text(encoding="utf-8"), execution_options=options)


def released_hashes() -> dict[str, str]:
    """File name → sha256 as recorded in `released.sha256`."""
    lines = (resources.folder("sql") / "revisions" / "released.sha256").read_text(encoding="utf-8")
    return {name: digest for digest, name in re.findall(r"^([0-9a-f]{64})  (\S+)$", lines, re.MULTILINE)}


def sha256(path: Path) -> str:
    """The hash of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
