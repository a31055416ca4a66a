"""Market data over the API: closed bars with the indicators asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from signalhub.api.app import create_app
from signalhub.db.engine import Database
from signalhub.domain.timeframe import M1
from signalhub.jobs import pipeline
from tests import signals
from tests.integration.api_client import HERE, OPEN, assert_problem
from tests.records import CLOSE

MARKET = "/api/v1/market-data"


@pytest.fixture
def client(database: Database) -> Iterator[TestClient[Litestar]]:
    with TestClient(create_app(database, OPEN), base_url=HERE) as opened:
        yield opened


@pytest.fixture
def bars(database: Database) -> int:
    """130 minutes of ETH/USDT from CLOSE on, rising by one; how many there are."""
    count = 130
    with database.transaction() as connection:
        instrument = signals.add_instrument(connection, "ETH/USDT")
        made = (signals.OHLC(CLOSE + n * M1.span, 100 + n, 101 + n, 99 + n, 100.5 + n) for n in range(count))
        signals.put_bars(connection, instrument, made, now=CLOSE + timedelta(days=1))
        signals.settle(connection, instrument, CLOSE + count * M1.span)
    pipeline.refresh(database, CLOSE + count * M1.span)
    return count


def test_the_latest_bars_of_every_timeframe_come_with_the_indicators_asked_for(
    client: TestClient[Litestar], bars: int
) -> None:
    found = client.get(f"{MARKET}/ETH-USDT", params={"indicators": "rsi_14, ema_50"}).json()
    assert (found["symbol"], found["is_simulated"]) == ("ETH/USDT", False)
    assert list(found["timeframes"]) == ["1m", "5m", "15m", "1h", "4h"]
    newest = found["timeframes"]["1m"]
    assert newest["close_at"] == "2026-01-02T05:10:00Z"
    assert (newest["open"], newest["close"]) == (100 + bars - 1, 100.5 + bars - 1)
    assert list(newest["indicators"]) == ["rsi_14", "ema_50"]
    assert newest["indicators"]["rsi_14"] == 100
    assert found["timeframes"]["1h"]["bar_count"] == 60


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("timeframe=1m&limit=2", ["05:08", "05:09"]),
        ("timeframe=1m&from=2026-01-02T03:05:00Z&to=2026-01-02T03:08:00Z", ["03:05", "03:06", "03:07"]),
        ("timeframe=1m&to=2026-01-02T03:02:00Z", ["03:00", "03:01"]),
        ("timeframe=1h", ["03:00", "04:00"]),
        ("timeframe=15m&from=2026-01-02T04:30:00Z", ["04:30", "04:45"]),
        ("timeframe=1d", []),
    ],
)
def test_history_is_the_newest_bars_of_the_span_oldest_first(
    client: TestClient[Litestar], bars: int, query: str, expected: list[str]
) -> None:
    assert bars
    found = client.get(f"{MARKET}/ETH-USDT/history?{query}&indicators=").json()
    assert [item["open_at"][11:16] for item in found["items"]] == expected
    assert all(item["indicators"] == {} for item in found["items"])


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("NOPE-USDT", 404, "NOPE"),
        ("ETH-USDT/history?timeframe=2h", 400, "1m, 5m"),
        ("ETH-USDT/history?indicators=rsi_15", 400, "rsi_14"),
        ("ETH-USDT/history?limit=5001", 400, "limit"),
        ("ETH-USDT/history?from=yesterday", 400, "from"),
        ("ETH-USDT/history?until=now", 400, "'until'"),
    ],
)
def test_market_data_refuses_in_one_line(
    client: TestClient[Litestar], bars: int, path: str, status: int, words: str
) -> None:
    assert bars
    assert_problem(client.get(f"{MARKET}/{path}"), status, words)
