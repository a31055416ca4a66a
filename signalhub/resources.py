"""Where the SQL files and migrations lie: in the source tree, or inside the installed package."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The folder `sql` or `migrations`.

    A wheel carries them under `signalhub/_resources`; a checkout has them beside the package.
    """
    packed = _PACKAGE / "_resources" / name
    return packed if packed.is_dir() else _PACKAGE.parent / name
