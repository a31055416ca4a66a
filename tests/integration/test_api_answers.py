"""What the API answers over a real database: signals, instruments, and the index of its paths."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from signalhub import __version__
from signalhub.api.wire import Signal
from signalhub.db.engine import Database
from signalhub.domain.wire import to_json
from signalhub.signals.read import SignalFilter, page
from tests.integration.api_client import JSON, SIGNALS, signal_ids


def test_the_list_is_the_record_as_the_command_line_prints_it(client: TestClient[Litestar], database: Database) -> None:
    with database.transaction() as connection:
        zone = connection.info.parameter_status("TimeZone")
        rows = page(connection, SignalFilter()).items
    answer = client.get(SIGNALS)
    assert zone != "UTC"
    assert answer.headers["content-type"] == JSON, answer.text
    assert answer.json() == {"items": json.loads(to_json(rows)), "next_cursor": None}


def test_numbers_are_numbers_and_times_end_with_z_whatever_the_sessions_zone(client: TestClient[Litestar]) -> None:
    newest = client.get(f"{SIGNALS}?symbol=BTC/USDT").json()["items"][-1]
    numbers = ("entry", "stop", "target", "risk_reward", "score", "fill_price", "r_multiple", "net_return_pct")
    assert [newest[name] for name in numbers] == [100, 99, 102, 2, 71.25, 100, 2, 2]
    assert newest["close_at"] == "2026-01-02T03:00:00Z"
    assert newest["recorded_at"] == "2026-01-02T03:00:01.000250Z"
    assert newest["components"] == {"trend": 0.8, "volume": 0.55}
    assert newest["reason"] == "Up × 2 − made up"
    assert newest["confidence"] is None


def test_a_signal_has_the_columns_of_the_view(database: Database) -> None:
    with database.transaction() as connection:
        columns = connection.execute("SELECT * FROM analytics.signals LIMIT 0").description or []
    assert [field.name for field in fields(Signal)] == [column.name for column in columns]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [4, 3, 2, 1]),
        ("symbol=ETH/USDT", [4]),
        ("symbol=ETH%2FUSDT@test", [4]),
        ("timeframe=1h&direction=long&strategy=momentum", [4, 3, 2, 1]),
        ("timeframe=4h", []),
        ("direction=short", []),
        ("status=open", [4, 3]),
        ("status=stop_hit&symbol=BTC/USDT", [2]),
        ("since=2026-01-02T04:00:00Z", [4, 3, 2]),
        ("since=2026-01-02T05:00:00%2B01:00", [4, 3, 2]),
        ("since=2026-01-02T05:00:00+01:00", [4, 3, 2]),
        ("since=2026-01-02T01:30:00.5-02:30", [4, 3]),
        ("limit=1", [4]),
    ],
)
def test_each_filter_narrows_the_list(client: TestClient[Litestar], query: str, expected: list[int]) -> None:
    assert signal_ids(client, query) == expected


def test_cursors_lead_through_all_pages(client: TestClient[Litestar]) -> None:
    seen: list[int] = []
    parameters: dict[str, Any] = {"limit": 3}
    for _ in range(2):
        answer = client.get(SIGNALS, params=parameters).json()
        seen += [item["signal_id"] for item in answer["items"]]
        parameters["cursor"] = answer["next_cursor"]
    assert seen == [4, 3, 2, 1]
    assert parameters["cursor"] is None


def test_one_signal_is_the_item_of_the_list(client: TestClient[Litestar]) -> None:
    for item in client.get(SIGNALS).json()["items"]:
        assert client.get(f"{SIGNALS}/{item['signal_id']}").json() == item


def test_instruments_are_listed_by_symbol(client: TestClient[Litestar]) -> None:
    common = {"venue": "test", "asset_class": "crypto", "calendar": "24/7", "is_simulated": False}
    assert client.get("/api/v1/instruments").json() == {
        "items": [
            {"symbol": "BTC/USDT", "tick_size": 0.01, **common},
            {"symbol": "ETH/USDT", "tick_size": None, **common},
        ]
    }


def test_the_index_names_paths_that_answer(client: TestClient[Litestar]) -> None:
    answer = client.get("/api/v1").json()
    assert (answer["name"], answer["version"]) == ("signalhub", __version__)
    assert {client.get(path).status_code for path in answer["links"].values()} == {200}


@pytest.mark.parametrize("path", ["/api/v1", "/health", SIGNALS, "/nope", "/schema/openapi.json", f"{SIGNALS}?limit=0"])
def test_every_answer_forbids_sniffing_and_storing(client: TestClient[Litestar], path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
