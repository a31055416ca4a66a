"""The ASGI application: Litestar, where HEAD is answered as GET is, headers are added and answers are counted."""

from __future__ import annotations

from typing import Any

from litestar import Litestar
from litestar.types import Message, Scope, Send

from signalhub import clock

_HEADERS = {b"x-content-type-options": b"nosniff", b"cache-control": b"no-store"}
RATE = "signalhub_rate"
"""Where in the scope the RateLimit headers of the answer are."""
_BEGAN = "signalhub_began"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Application(Litestar):
    """Litestar, where HEAD is answered as GET is."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"
        # A copy: the server goes by its own scope when it leaves out the body of an answer to HEAD.
        seen: Any = {**scope, "method": "GET"} if is_head else scope
        seen[_BEGAN] = clock.stopwatch()
        await super().__call__(seen, receive, _without_body(send) if is_head else send)


async def finish(message: Message, scope: Scope) -> None:
    """Adds to every answer what every answer has, and counts it; for `before_send`."""
    if message["type"] != "http.response.start":
        return
    found: Any = scope
    headers = list(message["headers"])
    there = {name for name, _ in headers}
    headers += [(name, value) for name, value in _HEADERS.items() if name not in there]
    headers += found.get(RATE, ())
    message["headers"] = headers
    seconds = clock.stopwatch() - found[_BEGAN]
    counts = found["litestar_app"].state.edge.counts
    # Anybody may make up methods; each kept would be a line of the metrics for ever.
    method = found["method"] if found["method"] in _METHODS else "other"
    counts.count(method, found.get("path_template", ""), message["status"], seconds)


def _without_body(send: Send) -> Send:
    async def send_without_body(message: Any) -> None:
        told: Any = {**message, "body": b""} if message["type"] == "http.response.body" else message
        await send(told)

    return send_without_body
