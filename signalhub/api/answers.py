"""Answers kept as bytes: the same question by somebody who may see the same is answered from memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Request, Response
from litestar.serialization import encode_json

from signalhub.api.cache import Cache
from signalhub.api.listening import Listening
from signalhub.signals.read import Visible

_JSON = "application/json"
_MOST_ANSWERS = 500

Question = tuple[str, bytes, Visible | None]


class Answers:
    """The bytes of answers to GET, by path, query and what is visible, of one generation of the database."""

    def __init__(self, listening: Listening) -> None:
        self._listening = listening
        self._kept: Cache[Question, bytes] = Cache(listening, _MOST_ANSWERS)
        self.hits = 0
        self.misses = 0

    def kept(self, request: Request[Any, Any, Any]) -> bytes | None:
        """The bytes of the same answer, if there was one since the last change."""
        found = self._kept.get(_question(request))
        self.hits += found is not None
        return found

    def made(self, request: Request[Any, Any, Any], make: Callable[[], object]) -> bytes:
        """The bytes of an answer that is made now, and kept."""
        generation = self._listening.generation
        body = encode_json(make())
        self._kept.put(_question(request), body, generation)
        self.misses += 1
        return body


async def from_memory(request: Request[Any, Any, Any]) -> Response[bytes] | None:
    """Answers without the handler where the bytes are there; for `before_request`."""
    body = request.app.state.edge.answers.kept(request)
    return None if body is None else Response(body, media_type=_JSON)


def _question(request: Request[Any, Any, Any]) -> Question:
    return request.scope["path"], request.scope["query_string"], request.scope["user"].visible
