"""How the API is documented: every route, with nothing outside, and with examples that fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from litestar import Litestar
from litestar.testing import TestClient

from signalhub import __version__
from tests.integration.api_client import JSON, PROBLEM, SIGNALS

API = "/api/v1"
OPERATIONS = {
    *(API, "/health", "/metrics", "/login", "/logout", f"{API}/session", f"{API}/instruments"),
    *(SIGNALS, f"{SIGNALS}/{{signal_id}}", f"{SIGNALS}/{{signal_id}}/feedback"),
    *(f"{API}/market-data/{{symbol}}", f"{API}/market-data/{{symbol}}/history"),
    *(f"{API}/performance/{what}" for what in ("strategies", "instruments", "timeframes", "daily", "equity")),
    *(f"{API}/preferences", f"{API}/preferences/test", f"{API}/deliveries", f"{API}/decisions"),
    *(f"{API}/admin/generate", f"{API}/admin/status"),
}


def documents(client: TestClient[Litestar]) -> dict[str, Any]:
    """The OpenAPI document, the same as JSON and as YAML."""
    found: dict[str, Any] = client.get("/schema/openapi.json").json()
    assert yaml.safe_load(client.get("/schema/openapi.yaml").text) == found
    return found


def inside(node: Any) -> Iterator[Any]:
    """A node of a document and all below it."""
    yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from inside(child)


def test_the_openapi_document_describes_every_route(client: TestClient[Litestar]) -> None:
    document = documents(client)
    assert document["openapi"].startswith("3.1")
    assert (document["info"]["title"], document["info"]["version"]) == ("Signalhub", __version__)
    assert document["info"]["description"]
    assert set(document["paths"]) == OPERATIONS
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    # Preferences can be read and replaced.
    assert len({operation["operationId"] for operation in operations}) == len(OPERATIONS) + 1
    for operation in operations:
        assert operation["summary"]
        for status, response in operation["responses"].items():
            is_problem = status.startswith("4") or (status == "503" and "HealthCheck" not in operation["operationId"])
            kind = "text/plain" if "metrics" in operation["operationId"].lower() else JSON
            assert list(response.get("content", [kind])) == [PROBLEM if is_problem else kind]


def test_the_openapi_document_refers_to_nothing_outside(client: TestClient[Litestar]) -> None:
    document = documents(client)
    references = {node["$ref"] for node in inside(document) if isinstance(node, dict) and "$ref" in node}
    assert references
    for reference in references:
        target: Any = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        assert target
    assert [text for text in inside(document) if isinstance(text, str) and "://" in text] == []


def test_the_examples_have_the_shape_of_their_schema(client: TestClient[Litestar]) -> None:
    document = documents(client)
    schemas = document["components"]["schemas"]
    checked = 0
    for content in (node for node in inside(document) if isinstance(node, dict) and "examples" in node):
        reference = content.get("schema", {}).get("$ref", "")
        for example in content["examples"].values() if reference else ():
            schema = schemas[reference.rpartition("/")[2]]
            assert set(schema.get("required", [])) <= set(example["value"]) <= set(schema["properties"])
            assert set(example) <= {"summary", "description", "value"}
            checked += 1
    assert checked >= 6


def test_the_parameters_of_the_list_say_what_they_take(client: TestClient[Litestar]) -> None:
    found = {item["name"]: item for item in documents(client)["paths"][SIGNALS]["get"]["parameters"]}
    names = ["symbol", "timeframe", "strategy", "direction", "status", "since", "limit", "cursor"]
    assert sorted(found) == sorted(names)
    assert all(item["in"] == "query" and item["description"] and not item["required"] for item in found.values())
    assert found["timeframe"]["schema"]["enum"] == ["1m", "5m", "15m", "1h", "4h", "1d"]
    assert (found["limit"]["schema"]["minimum"], found["limit"]["schema"]["maximum"]) == (1, 500)
    assert found["limit"]["schema"]["default"] == 50
