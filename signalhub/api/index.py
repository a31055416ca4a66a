"""The front door: where everything else is."""

from __future__ import annotations

from dataclasses import dataclass

from litestar import get

from signalhub import __version__

SCHEMA = "/schema"
OPENAPI_JSON = f"{SCHEMA}/openapi.json"
OPENAPI_YAML = f"{SCHEMA}/openapi.yaml"


@dataclass(frozen=True)
class Index:
    """Paths of this API."""

    name: str
    version: str
    links: dict[str, str]


_LINKS = {
    "signals": "/api/v1/signals",
    "instruments": "/api/v1/instruments",
    "health": "/health",
    "openapi_json": OPENAPI_JSON,
    "openapi_yaml": OPENAPI_YAML,
}


@get("/", sync_to_thread=False, summary="Index", response_description="What is where.", tags=["operation"])
def index() -> Index:
    """What is where."""
    return Index("signalhub", __version__, _LINKS)
