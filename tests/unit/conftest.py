"""Reading a file that was just written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from signalhub.feeds.files import FileOptions, ParsedFile, read_file
from tests.unit.bar_files import NOW, Read


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Writes lines (or bytes) into a file of a name and reads it."""

    def write_and_read(*lines: str, name: str = "BTCUSDT_1h.csv", **options: Any) -> ParsedFile:
        path = tmp_path / name
        path.write_bytes("\n".join(lines).encode())
        return read_file(path, FileOptions(**options), NOW)

    return write_and_read
