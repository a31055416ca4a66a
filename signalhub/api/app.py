"""The API put together: routes, errors, documents. Nothing global: database and settings are handed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from litestar import Litestar, Request, Router
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ControllerRouterHandler

from signalhub import __version__
from signalhub.api import problems, server
from signalhub.api.access import ANYONE, ROLES, Access
from signalhub.api.admin import Administration
from signalhub.api.application import Application, finish
from signalhub.api.deliveries import Deliveries
from signalhub.api.edge import Edge
from signalhub.api.guards import refuse_other_documents
from signalhub.api.health import HealthCheck
from signalhub.api.index import OPENAPI_JSON, OPENAPI_YAML, SCHEMA, index
from signalhub.api.instruments import Instruments
from signalhub.api.login import log_in, log_out, who_am_i
from signalhub.api.market_data import MarketData
from signalhub.api.metrics import metrics
from signalhub.api.performance import Performance
from signalhub.api.preferences import PreferencesOfMine
from signalhub.api.signals import Signals
from signalhub.api.socket import live_feed
from signalhub.db.engine import Database
from signalhub.settings import Settings

HANDLERS: tuple[ControllerRouterHandler, ...] = (
    *(index, HealthCheck, metrics, log_in, log_out, who_am_i, live_feed),
    *(Signals, Instruments, MarketData, Performance, PreferencesOfMine, Deliveries, Administration),
)

_DESCRIPTION = (
    "Trading signals with levels, reasons and outcomes. Numbers are JSON numbers, times ISO-8601 in UTC with Z; "
    "errors are problem documents (RFC 9457). Send a key as `Authorization: Bearer KEY` or `X-API-Key: KEY`. "
    "RateLimit-Limit, RateLimit-Remaining and RateLimit-Reset say how often you may still ask. In paths a symbol's "
    "slash is written as a hyphen: BTC-USDT. The WebSocket /ws/feed sends signals as they come."
)


def create_app(
    database: Database, settings: Settings | None = None, handlers: Sequence[ControllerRouterHandler] = ()
) -> Litestar:
    """The API over a database, with further handlers such as those of the page.

    Each handler says in `opt` which role it takes; dependencies: database, settings, edge, access.
    """
    edge = Edge(database, settings or Settings())
    app = Application(
        route_handlers=[*HANDLERS, *handlers],
        dependencies={
            "database": _given(edge.database),
            "settings": _given(edge.settings),
            "edge": _given(edge),
            "access": Provide(_access, sync_to_thread=False),
        },
        exception_handlers={Exception: problems.respond},
        guards=[edge.doorkeeper.admit],
        before_send=[finish],
        lifespan=[lambda _: edge.running()],
        openapi_config=_openapi(),
        logging_config=None,
    )
    app.state.edge = edge
    _require_roles(app)
    return app


def serve(
    database: Database,
    settings: Settings,
    ready: Callable[[str], None] | None = None,
    handlers: Sequence[ControllerRouterHandler] = (),
) -> None:
    """Serves on settings.api_host and api_port until SIGINT or SIGTERM; `ready` is told the address. Port 0: any.

    Raises: UsageInvalid when the port cannot be had, saying which.
    """
    server.run(create_app(database, settings, handlers), settings.api_host, settings.api_port, ready)


def _given(value: object) -> Provide:
    return Provide(lambda: value, sync_to_thread=False)


def _access(request: Request[Any, Any, Any]) -> Access:
    found: Access = request.user
    return found


def _require_roles(app: Litestar) -> None:
    """A route that forgot to say who may use it is a mistake of ours that must not go out of the door."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", None) or [getattr(route, "route_handler", None)]:
            methods = getattr(handler, "http_methods", {"WEBSOCKET"})
            if methods != {"OPTIONS"} and getattr(handler, "opt", {}).get("role") not in ROLES:
                raise TypeError(f"{handler} at {route.path} does not say in opt which role it takes.")


def _openapi() -> OpenAPIConfig:
    documents = Router(
        SCHEMA, route_handlers=[], include_in_schema=False, guards=[refuse_other_documents], opt={"role": ANYONE}
    )
    return OpenAPIConfig(
        title="Signalhub",
        version=__version__,
        description=_DESCRIPTION,
        openapi_router=documents,
        security=[{"bearer": []}, {"header": []}],
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer", description="Authorization: Bearer KEY"),
                "header": SecurityScheme(type="apiKey", name="X-API-Key", security_scheme_in="header"),
            }
        ),
        render_plugins=[
            JsonRenderPlugin(path=OPENAPI_JSON.removeprefix(SCHEMA)),
            YamlRenderPlugin(path=OPENAPI_YAML.removeprefix(SCHEMA)),
        ],
    )
