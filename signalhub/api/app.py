"""The API put together: routes, errors, documents. Nothing global: the database is handed in.

Until there are keys it is served to this machine only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from litestar import Litestar, Router
from litestar.datastructures import MutableScopeHeaders
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin
from litestar.types import Guard, Message, Scope

from signalhub import __version__
from signalhub.api import problems, server
from signalhub.api.guards import refuse_other_documents, refuse_other_hosts, refuse_unknown_parameters
from signalhub.api.health import HealthCheck
from signalhub.api.index import OPENAPI_JSON, OPENAPI_YAML, SCHEMA, index
from signalhub.api.instruments import Instruments
from signalhub.api.signals import Signals
from signalhub.db.engine import Database

_HEADERS = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
_DESCRIPTION = (
    "Trading signals with levels, reasons and outcomes. Numbers are JSON numbers, times ISO-8601 in UTC with Z; "
    "errors are problem documents (RFC 9457)."
)


def create_app(database: Database, guards: Sequence[Guard] = ()) -> Litestar:
    """The API over a database, behind further guards where given."""

    def provide_database() -> Database:
        return database

    return Litestar(
        route_handlers=[index, HealthCheck, Signals, Instruments],
        dependencies={"database": Provide(provide_database, sync_to_thread=False)},
        exception_handlers={Exception: problems.respond},
        guards=[*guards, refuse_unknown_parameters],
        before_send=[_add_headers],
        openapi_config=_openapi(),
        logging_config=None,
    )


def serve(database: Database, port: int, ready: Callable[[str], None] | None = None) -> None:
    """Serves the API on 127.0.0.1 until SIGINT or SIGTERM; `ready` is told the address. Port 0: any free one.

    Raises: UsageInvalid when the port cannot be had, saying which.
    """
    server.run(create_app(database, [refuse_other_hosts]), port, ready)


def _openapi() -> OpenAPIConfig:
    documents = Router(SCHEMA, route_handlers=[], include_in_schema=False, guards=[refuse_other_documents])
    return OpenAPIConfig(
        title="Signalhub",
        version=__version__,
        description=_DESCRIPTION,
        openapi_router=documents,
        render_plugins=[
            JsonRenderPlugin(path=OPENAPI_JSON.removeprefix(SCHEMA)),
            YamlRenderPlugin(path=OPENAPI_YAML.removeprefix(SCHEMA)),
        ],
    )


async def _add_headers(message: Message, scope: Scope) -> None:  # noqa: ARG001 — Litestar's signature.
    if message["type"] == "http.response.start":
        MutableScopeHeaders.from_message(message).update(_HEADERS)
