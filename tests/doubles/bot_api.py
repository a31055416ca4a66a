"""A loopback server that speaks as Telegram's Bot API does."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from tests.doubles.http import Answer, HttpDouble, Request, serving

TOKEN = "123456:not-a-real-token_made-up-for-tests"


@dataclass
class BotApiDouble(HttpDouble):
    """A bot that anybody can be written to by."""

    token: str = TOKEN
    sent: list[dict[str, str]] = field(default_factory=list)
    """The parameters of each message that was taken."""

    def answer_to(self, request: Request) -> Answer:
        prefix = f"/bot{self.token}/"
        if not request.path.startswith(prefix):
            return refusal(401, "Unauthorized")
        method = request.path.removeprefix(prefix)
        if method == "getMe":
            return ok({"id": 123456, "is_bot": True, "first_name": "Signalhub", "username": "signalhub_bot"})
        if method == "sendMessage":
            return self._take({name: values[0] for name, values in parse_qs(request.body.decode()).items()})
        return refusal(404, "Not Found")

    def _take(self, parameters: dict[str, str]) -> Answer:
        self.sent.append(parameters)
        chat = {"id": int(parameters["chat_id"]), "type": "private"}
        return ok({"message_id": len(self.sent), "date": 1767358800, "chat": chat, "text": parameters["text"]})


def ok(result: Any) -> Answer:
    """An answer of the Bot API's that it has done as asked."""
    return Answer(200, {"ok": True, "result": result})


def refusal(code: int, description: str, **parameters: int) -> Answer:
    """An answer of the Bot API's that it has not."""
    body: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
    return Answer(code, body | ({"parameters": parameters} if parameters else {}))


def serving_bot() -> AbstractContextManager[HttpDouble]:
    """A Bot API on a free loopback port."""
    return serving(BotApiDouble)
