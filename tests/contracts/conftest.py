"""Every strategy found, and the markets it is tried on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from signalhub.db import migrate
from signalhub.db.edition import POSTGRES
from signalhub.db.engine import Database, create_engine
from signalhub.domain.timeframe import Timeframe
from signalhub.strategies.base import Strategy
from tests import servers
from tests.contracts.strategy_markets import STRATEGIES, Frames, frames_of, timeframe_of


@pytest.fixture(scope="package")
def frames(server_urls: dict[str, str]) -> Iterator[dict[Timeframe, Frames]]:
    """Snapshots by timeframe and kind of future; the instruments of each are 1 to MARKETS.

    On one edition: that both give the same record is tested elsewhere.
    """
    admin, name = server_urls[POSTGRES], "test_strategies"
    servers.execute(admin, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
    engine = create_engine(servers.with_database(admin, name))
    migrate.upgrade(engine)
    wanted = sorted({timeframe_of(strategy) for strategy in STRATEGIES.values()})
    yield {timeframe: frames_of(Database(engine, POSTGRES), timeframe) for timeframe in wanted}
    engine.dispose()
    servers.execute(admin, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=sorted(STRATEGIES))
def strategy(request: pytest.FixtureRequest) -> Strategy:
    return STRATEGIES[request.param]


@pytest.fixture
def market(strategy: Strategy, frames: dict[Timeframe, Frames]) -> Frames:
    return frames[timeframe_of(strategy)]
