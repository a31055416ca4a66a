"""scripts/release-revision lists what is new and never rewrites what was released."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from signalhub.db import revisions

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "release-revision"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An own sql/revisions with one revision in it, and the script beside it."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPT, tmp_path / "scripts")
    made = tmp_path / "sql" / "revisions"
    made.mkdir(parents=True)
    (made / "0001_first.up.sql").write_text("SELECT 1;\n")
    return made


def release(folder: Path) -> subprocess.CompletedProcess[str]:
    script = folder.parents[1] / "scripts" / SCRIPT.name
    return subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, cwd="/")


def test_new_files_are_appended_and_listed_ones_stay(folder: Path) -> None:
    assert release(folder).returncode == 0
    first = (folder / "released.sha256").read_text()
    (folder / "0002_second.up.sql").write_text("SELECT 2;\n")
    assert release(folder).returncode == 0
    both = (folder / "released.sha256").read_text()
    digest = revisions.sha256(folder / "0002_second.up.sql")
    assert both == f"{first}{digest}  0002_second.up.sql\n"
    assert release(folder).returncode == 0
    assert (folder / "released.sha256").read_text() == both


@pytest.mark.parametrize("harm", ["edit", "remove"])
def test_an_edited_or_removed_file_is_named_and_nothing_is_written(folder: Path, harm: str) -> None:
    release(folder)
    before = (folder / "released.sha256").read_text()
    first = folder / "0001_first.up.sql"
    if harm == "edit":
        first.write_text("SELECT 3;\n")
    else:
        first.unlink()
    (folder / "0002_second.up.sql").write_text("SELECT 2;\n")
    refused = release(folder)
    assert (refused.returncode, "0001_first.up.sql" in refused.stdout) == (1, True)
    assert (folder / "released.sha256").read_text() == before
