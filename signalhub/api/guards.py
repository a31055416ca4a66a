"""Guards: what is refused before a handler sees it."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException, NotFoundException
from litestar.handlers.base import BaseRouteHandler

from signalhub.api.index import OPENAPI_JSON, OPENAPI_YAML
from signalhub.errors import UsageInvalid

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def refuse_unknown_parameters(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Query parameters that the route's `parameters` do not name, or that come twice, are an error.

    A misspelt filter that is quietly ignored would answer another question than the one asked.
    Raises: UsageInvalid, naming those the route knows.
    """
    known: tuple[str, ...] = handler.opt.get("parameters", ())
    for name in connection.query_params:
        if name not in known:
            hint = f"Known: {', '.join(known)}." if known else "This route takes none."
            raise UsageInvalid(f"{name[:40]!r} is no query parameter here. {hint}")
        if len(connection.query_params.getall(name)) > 1:
            raise UsageInvalid(f"{name} is given more than once.")


def names_this_machine(connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
    """Whether the Host header is a name of this machine that no web page can take for itself."""
    host = connection.headers.get("host", "").lower()
    return (host.rpartition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]) in _LOOPBACK


def refuse_other_hosts(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """Only requests that name this machine: else any web page could have its own name resolve to it and read on.

    Raises: HTTPException 421.
    """
    if not names_this_machine(connection):
        raise HTTPException(status_code=421, detail=f"Ask for this API as {_LOOPBACK[0]} or {_LOOPBACK[1]}.")


async def refuse_other_documents(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Litestar adds pages of its own beside the OpenAPI documents: they are not there.

    Raises: NotFoundException.
    """
    if connection.scope["path"].rstrip("/") not in (OPENAPI_JSON, OPENAPI_YAML):
        raise NotFoundException
