"""Assets: style sheet, script and icon as files of this package; nothing is loaded from anywhere else."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from litestar import Response, get
from litestar.params import PathParameter, QueryParameter

from signalhub.api.access import ANYONE
from signalhub.errors import NotFound

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOLDER = Path(__file__).parent / "static"
_FILES = {path.name: path.read_bytes() for path in sorted(_FOLDER.iterdir()) if path.suffix in _TYPES}
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


def address(name: str) -> str:
    """Where the page finds a file: another address once the file is another, so that browsers may keep it."""
    return f"/static/{name}?v={_version(name)}"


@get(
    "/static/{name:str}",
    opt={"role": ANYONE, "parameters": ("v",)},
    include_in_schema=False,
    sync_to_thread=False,
)
def asset(
    name: Annotated[str, PathParameter(description="Name of the file.")],
    v: Annotated[str, QueryParameter(description="Its version.")] = "",
) -> Response[bytes]:
    """A file of the page."""
    if name not in _FILES:
        raise NotFound(f"There is no file {name[:40]!r}.")
    kept = _FOR_EVER if v == _version(name) else _ASK_AGAIN
    kind = _TYPES[Path(name).suffix]
    return Response(_FILES[name], media_type=kind, status_code=HTTPStatus.OK, headers={"cache-control": kept})


def _version(name: str) -> str:
    return hashlib.sha256(_FILES[name]).hexdigest()[:12]
