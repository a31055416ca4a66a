"""Every strategy found, and the markets it is tried on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from signalhub.db.edition import POSTGRES
from signalhub.domain.timeframe import Timeframe
from signalhub.strategies.base import Strategy
from tests.contracts.strategy_markets import STRATEGIES, Frames, markets, timeframe_of


@pytest.fixture(scope="package")
def frames(server_urls: dict[str, str]) -> Iterator[dict[Timeframe, Frames]]:
    """Snapshots by timeframe and kind of future."""
    with markets(server_urls[POSTGRES]) as made:
        yield made


@pytest.fixture(params=sorted(STRATEGIES))
def strategy(request: pytest.FixtureRequest) -> Strategy:
    return STRATEGIES[request.param]


@pytest.fixture
def market(strategy: Strategy, frames: dict[Timeframe, Frames]) -> Frames:
    return frames[timeframe_of(strategy)]
