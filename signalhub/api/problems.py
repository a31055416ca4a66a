"""Errors as problem documents (RFC 9457): one table says which error is which status.

Litestar's own errors keep their status and headers; what nobody foresaw is logged and answered without internals.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import psycopg
import sqlalchemy.exc
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotAuthorizedException,
    NotFoundException,
    PermissionDeniedException,
    TooManyRequestsException,
    ValidationException,
)
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.response import Redirect

from signalhub import errors

MEDIA_TYPE = "application/problem+json"
_LOG = logging.getLogger("signalhub.api")
_UNAVAILABLE = "The database does not answer just now. Try again in a moment."

TABLE: dict[type[Exception], tuple[int, str]] = {
    errors.UsageInvalid: (400, "Request not understood"),
    errors.NotFound: (404, "Not found"),
    errors.DatabaseUnavailable: (503, "Database unavailable"),
    errors.SchemaOutdated: (503, "Database not at this revision"),
    psycopg.OperationalError: (503, "Database unavailable"),
    sqlalchemy.exc.OperationalError: (503, "Database unavailable"),
    sqlalchemy.exc.TimeoutError: (503, "Database unavailable"),
    ValidationException: (400, "Request not understood"),
    NotAuthorizedException: (401, "Key required"),
    PermissionDeniedException: (403, "Not allowed"),
    NotFoundException: (404, "Not found"),
    MethodNotAllowedException: (405, "Method not allowed"),
    errors.Busy: (409, "Busy"),
    # Nothing of ours recurses as deeply as what somebody may send.
    RecursionError: (400, "Request not understood"),
    TooManyRequestsException: (429, "Too many requests"),
    Exception: (500, "Internal error"),
}
"""Error class → status and title; a subclass without a line of its own is what its nearest base is."""


@dataclass(frozen=True)
class Problem:
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str


def respond(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The problem document of any error; whoever may not see a page is led to the login."""
    if isinstance(error, NotAuthorizedException) and request.scope["route_handler"].opt.get("page"):
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return Redirect(f"/login?next={quote(asked)}", status_code=303)
    status, title = _status_and_title(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    problem = Problem(_type(title), title, status, _detail(request, error, status), request.url.path)
    headers = error.headers if isinstance(error, HTTPException) else None
    return Response(problem, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def documented(*statuses: int) -> dict[int, ResponseSpec]:
    """What the OpenAPI document says about errors with these statuses."""
    return {status: _documented(status) for status in statuses}


def _documented(status: int) -> ResponseSpec:
    title = next(title for known, title in TABLE.values() if known == status)
    example = Problem(_type(title), title, status, "What is wrong, and what to do about it.", "/api/v1/…")
    return ResponseSpec(
        data_container=Problem,
        generate_examples=False,
        description=title,
        media_type=MEDIA_TYPE,
        examples=[Example(summary=title, value=example)],
    )


def _status_and_title(error: Exception) -> tuple[int, str]:
    if isinstance(error, HTTPException) and type(error) not in TABLE:
        return error.status_code, HTTPStatus(error.status_code).phrase
    return next(TABLE[kind] for kind in type(error).__mro__ if kind in TABLE)


def _type(title: str) -> str:
    return f"urn:signalhub:problem:{title.lower().replace(' ', '-')}"


def _detail(request: Request[Any, Any, Any], error: Exception, status: int) -> str:
    if isinstance(error, ValidationException):
        return _what_is_invalid(error)
    if isinstance(error, RecursionError):
        return "The body is nested too deeply."
    if isinstance(error, NotFoundException):
        return f"There is nothing at {request.url.path}. GET /api/v1 says what is where."
    if isinstance(error, MethodNotAllowedException):
        return f"{request.method} is not allowed here, only {(error.headers or {}).get('Allow', 'GET')}."
    if isinstance(error, HTTPException | errors.SignalhubError) and status != HTTPStatus.INTERNAL_SERVER_ERROR:
        return str(error.detail if isinstance(error, HTTPException) else error)
    return _UNAVAILABLE if status == HTTPStatus.SERVICE_UNAVAILABLE else "Something went wrong here; the log says what."


def _what_is_invalid(error: ValidationException) -> str:
    found = error.extra if isinstance(error.extra, list) else []
    return "; ".join(_one_invalid(item.get("key", "value"), item["message"]) for item in found) or error.detail


def _one_invalid(key: str, message: str) -> str:
    # Where there is no body, all that Litestar says is the text of a KeyError.
    return f"{key} is missing." if message == repr(key) else f"{key}: {message}"
