"""Auth: who is asking, by key, by the page's session, or as anybody where the operator opened the page.

Every route says in `opt` which role it takes (`role`, one of access.ROLES); `admit` holds all of them to it.
`opt={"page": True}` marks pages for people: whoever may not see one is led to the login.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from litestar.connection import ASGIConnection, Request
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException, TooManyRequestsException
from litestar.handlers.base import BaseRouteHandler

from signalhub import clock
from signalhub.api import access, sessions
from signalhub.api.access import ANYONE, NOBODY, READER, Access
from signalhub.api.application import RATE
from signalhub.api.cache import Cache
from signalhub.api.guards import refuse_other_hosts, refuse_unknown_parameters
from signalhub.api.limits import Limit
from signalhub.api.listening import Listening
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.settings import Settings
from signalhub.subscribers import keys

AnyConnection: TypeAlias = ASGIConnection[Any, Any, Any, Any]
Found: TypeAlias = Callable[[Connection], Access | None]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_FAILURES_A_MINUTE = 10
_KEPT = 20_000
_SAFE = ("GET", "HEAD", "OPTIONS")
_CHALLENGE = {"www-authenticate": 'Bearer realm="signalhub"'}
_HOW = "Send `Authorization: Bearer KEY` or `X-API-Key: KEY`."


class Doorkeeper:
    """Looks up who is asking; what was looked up is kept until the database says that something changed."""

    def __init__(self, database: Database, settings: Settings, listening: Listening) -> None:
        self._database = database
        self._settings = settings
        self._listening = listening
        self._known: Cache[tuple[str, str], Access] = Cache(listening, _KEPT)
        self.requests = Limit(settings.rate_limit)
        self.failures = Limit(_FAILURES_A_MINUTE)
        self.is_loopback = settings.api_host in LOOPBACK
        self.is_page_open = settings.open_page

    async def admit(self, connection: AnyConnection, handler: BaseRouteHandler) -> None:
        """The guard of every route: host, key, rate, role, CSRF token, query parameters.

        Raises: NotAuthorizedException, PermissionDeniedException, TooManyRequestsException, UsageInvalid.
        """
        if self.is_page_open and self.is_loopback:
            refuse_other_hosts(connection)
        found = await self.recognise(connection)
        scope: Any = connection.scope
        scope["user"] = found
        self._count(connection, found)
        _require(found, handler, scope.get("method", "GET"))
        if found.session is not None and scope.get("method", "GET") not in _SAFE and handler.opt.get("csrf", True):
            await _require_csrf_token(connection, found)
        if scope["query_string"]:
            refuse_unknown_parameters(connection, handler)

    async def recognise(self, connection: AnyConnection) -> Access:
        """Who is asking, NOBODY or READER without key and session.

        Raises: NotAuthorizedException for a key that opens nothing.
        """
        token = token_of(connection)
        if token is not None:
            return await self._of_key_or_refuse(connection, token)
        cookie = connection.cookies.get(sessions.COOKIE) if "cookie" in connection.headers else None
        found = await self.of_session(cookie) if cookie else None
        return found or (READER if self.is_page_open else NOBODY)

    async def of_key(self, token: str) -> Access | None:
        """What a key opens now."""
        return await self._known_or(("key", token), lambda connection: self._look_up_key(connection, token))

    async def of_session(self, token: str) -> Access | None:
        """What a session of the page opens now; None once it or its key ended."""
        return await self._known_or(("session", token), lambda connection: self._look_up_session(connection, token))

    def forget_session(self, token: str) -> None:
        """It was ended here: it opens nothing from now on, not even until that is announced."""
        self._known.drop(("session", token))

    async def renewed(self, before: Sequence[Access]) -> list[Access | None]:
        """The same people's access now; None for those whose key or session ended."""

        def look_again() -> list[Access | None]:
            with self._database.transaction() as connection:
                return _renewed(connection, before)

        return await asyncio.to_thread(look_again)

    def address(self, connection: AnyConnection) -> str:
        """Where somebody without a key asks from."""
        return connection.client.host if connection.client else "?"

    async def _of_key_or_refuse(self, connection: AnyConnection, token: str) -> Access:
        found = await self.of_key(token)
        if found is not None:
            return found
        taken = self.failures.take(self.address(connection))
        if taken.is_refused:
            raise TooManyRequestsException(f"Too many wrong keys. {_wait(taken.wait_seconds)}", headers=taken.headers)
        raise NotAuthorizedException("This key opens nothing: it is wrong, revoked or expired.", headers=_CHALLENGE)

    async def _known_or(self, key: tuple[str, str], look_up: Found) -> Access | None:
        known = self._known.get(key)
        if known is not None and known.is_good(clock.now()):
            return known
        generation = self._listening.generation
        found = await asyncio.to_thread(self._look_up, look_up)
        if found is not None:
            self._known.put(key, found, generation)
        return found

    def _look_up(self, look_up: Found) -> Access | None:
        with self._database.transaction() as connection:
            return look_up(connection)

    def _look_up_key(self, connection: Connection, token: str) -> Access | None:
        now = clock.now()
        principal = keys.resolve(connection, token, now)
        return None if principal is None else access.of_principal(connection, principal, now)

    def _look_up_session(self, connection: Connection, token: str) -> Access | None:
        return _renewed(connection, [Access(ANYONE, session=token)])[0]

    def _count(self, connection: AnyConnection, found: Access) -> None:
        who = self.address(connection) if found.key_id is None else found.key_id
        taken = self.requests.take(who)
        scope: Any = connection.scope
        scope[RATE] = [(name.encode(), value.encode()) for name, value in taken.headers.items()]
        if taken.is_refused:
            text = f"More than {taken.limit} requests a minute. {_wait(taken.wait_seconds)}"
            raise TooManyRequestsException(text)


def _renewed(connection: Connection, before: Sequence[Access]) -> list[Access | None]:
    now = clock.now()
    tokens = [one.session for one in before if one.session is not None]
    going_on = sessions.find(connection, tokens, now) if tokens else {}
    key_ids = [one.key_id for one in before if one.key_id is not None and one.session is None]
    found = access.of_keys(connection, [*key_ids, *(session.key_id for session in going_on.values())], now)

    def one_again(one: Access) -> Access | None:
        if one.session is None:
            return one if one.key_id is None else found.get(one.key_id)
        session = going_on.get(one.session)
        key = found.get(session.key_id) if session else None
        if session is None or key is None:
            return None
        return replace(key, session=one.session, until=min(key.until or session.expires_at, session.expires_at))

    return [one_again(one) for one in before]


def token_of(connection: AnyConnection) -> str | None:
    """The key in the headers, if there is one.

    Raises: NotAuthorizedException for another kind of authorization.
    """
    for name, value in connection.scope["headers"]:
        if name == b"x-api-key":
            return value.decode("latin-1").strip()
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            if scheme.lower() != "bearer":
                raise NotAuthorizedException(f"No other authorization than Bearer is known. {_HOW}", headers=_CHALLENGE)
            return token.strip()
    return None


def refuse_other_origins(connection: AnyConnection) -> None:
    """What other sites' pages make a browser send is not listened to.

    Raises: PermissionDeniedException.
    """
    origin = connection.headers.get("origin")
    # By text: what a program sends as its origin need not be a URL.
    if origin is not None and origin.partition("://")[2].lower() != connection.headers.get("host", "").lower():
        raise PermissionDeniedException(f"Pages of {origin[:80]} may not do this.")


def _require(found: Access, handler: BaseRouteHandler, method: str) -> None:
    role = ANYONE if method == "OPTIONS" else handler.opt["role"]
    is_reading = method in _SAFE
    if found.key_id is None and role != ANYONE and not (is_reading and found.may(role)):
        raise NotAuthorizedException(f"This needs a key. {_HOW}", headers=_CHALLENGE)
    if not found.may(role):
        raise PermissionDeniedException(f"This takes the role {role}; your key has the role {found.role}.")


async def _require_csrf_token(connection: AnyConnection, found: Access) -> None:
    refuse_other_origins(connection)
    given = connection.headers.get("x-csrf-token")
    if given is None and isinstance(connection, Request) and "form" in connection.headers.get("content-type", ""):
        given = str((await connection.form()).get("csrf_token", ""))
    if not hmac.compare_digest((given or "").encode(), (found.csrf_token or "").encode()):
        raise PermissionDeniedException("The CSRF token is missing or of another session. Load the page again.")


def _wait(seconds: int) -> str:
    return f"Try again in {seconds} s."
