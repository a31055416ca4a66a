"""Asking the API: what a list holds, and what every problem looks like."""

from __future__ import annotations

from typing import Any

from litestar import Litestar
from litestar.testing import TestClient

from signalhub.settings import Settings

SIGNALS = "/api/v1/signals"
JSON = "application/json"
PROBLEM = "application/problem+json"
HERE = "http://127.0.0.1:8000"
"""An open page answers to the names of this machine only."""
OPEN = Settings(open_page=True, rate_limit=1_000_000)
"""Anybody may read, as in the demo."""


def signal_ids(client: TestClient[Litestar], query: str) -> list[int]:
    answer = client.get(f"{SIGNALS}?{query}")
    assert answer.status_code == 200, answer.text
    return [item["signal_id"] for item in answer.json()["items"]]


def assert_problem(answer: Any, status: int, *words: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    document: dict[str, Any] = answer.json()
    assert set(document) == {"type", "title", "status", "detail", "instance"}
    assert document["status"] == status
    assert document["instance"] == answer.request.url.path
    assert document["type"] == f"urn:signalhub:problem:{document['title'].lower().replace(' ', '-')}"
    assert all(word in document["detail"] for word in words), document["detail"]
    assert "\n" not in document["detail"]
    return document
