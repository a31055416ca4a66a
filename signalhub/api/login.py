"""Logging in to the page with a key: a session in a cookie that scripts cannot read and other sites cannot use."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from litestar import Request, get, post
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.exceptions import NotAuthorizedException, TooManyRequestsException
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body
from litestar.response import Redirect

from signalhub import clock
from signalhub.api import problems, sessions
from signalhub.api.access import ANYONE, SUBSCRIBER, Access
from signalhub.api.auth import refuse_other_origins
from signalhub.api.edge import AccessDependency, Edge, EdgeDependency

LOGIN = "/login"
_SEE_OTHER = ResponseSpec(None, description="Logged in: go on to the page.", generate_examples=False)


@dataclass(frozen=True)
class Credentials:
    """What the login's form sends; `next` is a path of this page."""

    key: str
    next: str = "/"


@dataclass(frozen=True)
class WhoAmI:
    """Who is asking. strategies: those whose new signals are shown, null for all of them.

    csrf_token is for writes from the page, which has a session and no key.
    """

    name: str
    role: str
    strategies: list[str] | None
    expires_at: datetime | None
    csrf_token: str | None

    @classmethod
    def of(cls, access: Access) -> WhoAmI:
        """The access as it goes over the wire."""
        strategies = None if access.visible is None else list(access.visible.strategies)
        return cls(access.name, access.role, strategies, access.until, access.csrf_token)


_EXAMPLE = WhoAmI("ann", "subscriber", ["momentum"], datetime(2026, 1, 16, 3, tzinfo=UTC), 64 * "0")


@post(
    LOGIN,
    # Whoever logs in once more has no token at hand: the Origin is looked at instead.
    opt={"role": ANYONE, "csrf": False},
    status_code=303,
    summary="Log in to the page",
    description="With the form field `key`. Browsers are led back to the login where it does not fit; others get 401.",
    responses={303: _SEE_OTHER, **problems.documented(400, 401, 403, 429, 503)},
    tags=["page"],
)
async def log_in(
    request: Request[Any, Any, Any],
    edge: EdgeDependency,
    data: Annotated[Credentials, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Redirect:
    """Begins a session and hands out its cookie."""
    refuse_other_origins(request)
    access = await _checked(request, edge, data)
    if isinstance(access, Redirect):
        return access
    token = await asyncio.to_thread(_begin, edge, access)
    return Redirect(_inside(data.next), status_code=303, cookies=[_cookie(request, edge, token)])


@post(
    "/logout",
    opt={"role": ANYONE},
    status_code=303,
    summary="Log out of the page",
    responses={
        303: ResponseSpec(None, description="Logged out.", generate_examples=False),
        **problems.documented(403, 503),
    },
    tags=["page"],
)
async def log_out(request: Request[Any, Any, Any], edge: EdgeDependency, access: AccessDependency) -> Redirect:
    """Ends the session."""
    if access.session is not None:
        await asyncio.to_thread(_end, edge, access.session)
    gone = _cookie(request, edge, "", max_age=0)
    return Redirect(LOGIN, status_code=303, cookies=[gone])


@get(
    "/api/v1/session",
    opt={"role": SUBSCRIBER},
    sync_to_thread=False,
    summary="Who am I",
    responses={
        200: ResponseSpec(
            WhoAmI,
            description="Who is asking, and what they may see.",
            generate_examples=False,
            examples=[Example(summary="A subscriber on the page", value=_EXAMPLE)],
        ),
        **problems.documented(401, 403, 429, 503),
    },
    tags=["operation"],
)
def who_am_i(access: AccessDependency) -> WhoAmI:
    """Who is asking."""
    return WhoAmI.of(access)


async def _checked(request: Request[Any, Any, Any], edge: Edge, data: Credentials) -> Access | Redirect:
    keeper = edge.doorkeeper
    address = keeper.address(request)
    # Looked at first: who has guessed too often is not told even a right guess.
    blocked = keeper.failures.look(address)
    if blocked.is_refused:
        text = f"Too many wrong keys. Try again in {blocked.wait_seconds} s."
        refused = TooManyRequestsException(text, headers=blocked.headers)
        return _led_back(request, f"wait={blocked.wait_seconds}", data, refused)
    access = await keeper.of_key(data.key.strip())
    if access is None:
        keeper.failures.take(address)
        return _led_back(request, "failed=1", data, NotAuthorizedException("This key opens nothing."))
    return access


def _led_back(request: Request[Any, Any, Any], why: str, data: Credentials, refused: Exception) -> Redirect:
    if "text/html" not in request.headers.get("accept", ""):
        raise refused
    return Redirect(f"{LOGIN}?{why}&next={quote(_inside(data.next))}", status_code=303)


def _begin(edge: Edge, access: Access) -> str:
    assert access.key_id is not None, "only keys log in"
    with edge.database.transaction() as connection:
        return sessions.begin(connection, access.key_id, clock.now())


def _end(edge: Edge, session: str) -> None:
    with edge.database.transaction() as connection:
        sessions.end(connection, session)
    edge.doorkeeper.forget_session(session)


def _cookie(request: Request[Any, Any, Any], edge: Edge, token: str, max_age: int | None = None) -> Cookie:
    return Cookie(
        key=sessions.COOKIE,
        value=token,
        max_age=int(sessions.LIFE.total_seconds()) if max_age is None else max_age,
        path="/",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https" or (edge.settings.public_url or "").startswith("https://"),
    )


def _inside(path: str) -> str:
    """The path where it is one of ours: a login must not lead to somebody else's page."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return quote(path, safe="/?=&%:@+,-._~") if is_ours else "/"
