"""What several files of integration tests start from: the API, a record, a signal by hand, an embedded server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from signalhub.db.connection import Connection
from signalhub.db.embedded import EmbeddedServer
from signalhub.db.engine import Database, create_engine
from signalhub.signals.read import MAX_LIMIT, SignalFilter, page
from tests import records
from tests.integration.api_client import HERE, OPEN
from tests.integration.embedded_commands import temporary_folder
from tests.outcome_stage import DIRECTIONS, Side, Stage
from tests.records import CLOSE, add_instruments, closed


def api(database: Database) -> TestClient[Litestar]:
    # Imported here: an API that is being changed must not keep all other integration tests from starting.
    from signalhub.api.app import create_app

    return TestClient(create_app(database, OPEN), base_url=HERE)


@pytest.fixture
def client(database: Database) -> Iterator[TestClient[Litestar]]:
    """The API over three signals of BTC/USDT and one of ETH/USDT."""
    with database.transaction() as connection:
        bitcoin = records.add_instrument(connection, "BTC/USDT", tick_size=Decimal("0.010"))
        ether = records.add_instrument(connection, "ETH/USDT")
        strategy = records.add_strategy(connection)
        records.add_signal(connection, bitcoin, strategy, CLOSE, closed("target_hit", 2.0))
        records.add_signal(connection, bitcoin, strategy, CLOSE + timedelta(hours=1), closed("stop_hit", -1.0))
        records.add_signal(connection, bitcoin, strategy, CLOSE + timedelta(hours=2))
        records.add_signal(connection, ether, strategy, CLOSE + timedelta(hours=2), origin="live", published_at=CLOSE)
    with api(database) as opened:
        yield opened


@pytest.fixture
def orphan(edition: str) -> Iterator[TestClient[Litestar]]:
    """The API over a database that went away."""
    engine = create_engine("postgresql://nobody:secret@127.0.0.1:1/gone")
    with api(Database(engine, edition)) as opened:
        yield opened
    engine.dispose()


@pytest.fixture
def variety(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """Signals that differ in everything one can filter by; as they stand in the view."""
    symbols = add_instruments(connection, 2)
    strategies = [records.add_strategy(connection, name) for name in ("momentum", "breakout")]
    short = {"direction": "short", "stop": 101, "target": 98}
    outcomes = [
        None,
        closed("target_hit", 2.0),
        closed("stop_hit", -1.0),
        {"status": "cancelled"},
        {"status": "expired"},
    ]
    for index in range(40):
        records.add_signal(
            connection,
            symbols[index % 2],
            strategies[index // 2 % 2],
            CLOSE + timedelta(hours=index // 4),
            outcomes[index % len(outcomes)],
            timeframe=("1h", "4h", "1d")[index % 3],
            origin=("live", "replay")[index // 3 % 2],
            **(short if index % 7 < 3 else {}),
        )
    return page(connection, SignalFilter(limit=MAX_LIMIT)).items


@pytest.fixture(params=DIRECTIONS)
def side(request: pytest.FixtureRequest) -> Side:
    return Side(request.param)


@pytest.fixture
def stage(connection: Connection, side: Side) -> Stage:
    return Stage(connection, side)


@pytest.fixture
def folder() -> Iterator[Path]:
    with temporary_folder() as path:
        yield path


@pytest.fixture
def new_home(folder: Path) -> Path:
    """Below a 0700 folder: as root, the server's user cannot get there."""
    return folder / "home"


@pytest.fixture
def new_server(new_home: Path) -> EmbeddedServer:
    return EmbeddedServer(new_home)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """One that several tests use in turn, each of which leaves its server stopped."""
    with temporary_folder() as path:
        yield path / "home"


@pytest.fixture
def server(home: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(home)
    yield server
    assert not server.stop(force=True), "the test left the server running"
