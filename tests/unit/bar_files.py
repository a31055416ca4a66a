"""Small files of bars to read: a header, a good row, and when it is now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from signalhub.feeds.files import FileOptions, ParsedFile

NOW = datetime(2024, 1, 10, tzinfo=UTC)
NEW_YEAR = datetime(2024, 1, 1, tzinfo=UTC)
HEADER = "ts,open,high,low,close,volume"
GOOD = "2024-01-01T00:00:00Z,10,12,9,11,5"
NONE = FileOptions()
Read = Callable[..., ParsedFile]


def read_rows(read: Read, *rows: str, **options: Any) -> ParsedFile:
    return read(HEADER, *rows, **options)


def touch(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{HEADER}\n{GOOD}\n")
    return [folder / name for name in names]
