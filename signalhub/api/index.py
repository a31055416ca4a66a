"""The front door: where everything else is."""

from __future__ import annotations

from dataclasses import dataclass

from litestar import get

from signalhub import __version__
from signalhub.api.access import ANYONE

INDEX = "/api/v1"
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
    "signals": f"{INDEX}/signals",
    "instruments": f"{INDEX}/instruments",
    "performance": f"{INDEX}/performance/strategies",
    "session": f"{INDEX}/session",
    "health": "/health",
    "openapi_json": OPENAPI_JSON,
    "openapi_yaml": OPENAPI_YAML,
}


@get(
    INDEX,
    opt={"role": ANYONE},
    sync_to_thread=False,
    summary="Index",
    response_description="What is where.",
    tags=["operation"],
)
def index() -> Index:
    """What is where."""
    return Index("signalhub", __version__, _LINKS)
