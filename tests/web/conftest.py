"""The site over a small record with bars: asked in memory, or served on loopback for a browser."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from signalhub.api.server import serve_until
from signalhub.db.engine import Database
from signalhub.domain.timeframe import H1
from signalhub.outbox import publish
from signalhub.settings import Settings
from signalhub.web.app import create_site
from tests import records
from tests.market import roll
from tests.records import CLOSE
from tests.signals import OHLC, put_bars, settle
from tests.signals import add_instrument as register
from tests.web.charts import waves

OPEN = Settings(open_page=True)
_PATIENCE_SECONDS = 30
_LATER = CLOSE + timedelta(days=1)


class Record:
    """Signals of BTC/USDT 1h, which has bars, put into the database as they come."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.transaction() as connection:
            self.bitcoin = register(connection)
            self.strategies = {name: records.add_strategy(connection, name) for name in ("momentum", "breakout")}
            bars = [OHLC(c.open_at, c.open, c.high, c.low, c.close, c.close_at - c.open_at) for c in waves(48, 40)]
            put_bars(connection, self.bitcoin, bars, H1, now=_LATER)
            settle(connection, self.bitcoin, bars[-1].close_at, H1)
        roll(database, _LATER)

    def add(self, strategy: str = "momentum", hours: int = 0, **changes: object) -> int:
        """A live signal, announced as publishing does."""
        given = {"origin": "live", "entry": Decimal("100.00"), "published_at": CLOSE} | changes
        with self.database.transaction() as connection:
            close_at = CLOSE + timedelta(hours=hours)
            signal_id = records.add_signal(connection, self.bitcoin, self.strategies[strategy], close_at, **given)
            publish.publish(connection, [signal_id], CLOSE)
        return signal_id

    def close(self, signal_id: int, status: str = "target_hit") -> None:
        """Ends a signal two hours later with +2 R."""
        outcome = records.closed(status, 2.0)
        with self.database.transaction() as connection:
            values = ", ".join(f"{name} = %({name})s" for name in outcome)
            connection.execute(
                f"UPDATE engine.outcomes SET {values} WHERE signal_id = %(signal_id)s".encode(),
                outcome | {"signal_id": signal_id},
            )
            publish.publish_closings(connection, [signal_id], CLOSE)


def sooner_or_later(is_so: Callable[[], bool]) -> None:
    """Asks again until it is so; how soon is nobody's business, but a hang must end."""
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


@pytest.fixture
def record(database: Database) -> Record:
    return Record(database)


@contextmanager
def asked(database: Database, settings: Settings) -> Iterator[TestClient[Litestar]]:
    """The site in memory; redirects are answers like others."""
    with TestClient(create_site(database, settings), base_url="http://127.0.0.1") as opened:
        opened.follow_redirects = False
        yield opened


@pytest.fixture
def client(database: Database) -> Iterator[TestClient[Litestar]]:
    """The open site."""
    with asked(database, OPEN) as opened:
        yield opened


@pytest.fixture
def closed_client(database: Database) -> Iterator[TestClient[Litestar]]:
    """The site that takes a key."""
    with asked(database, Settings()) as opened:
        yield opened


@contextmanager
def served(database: Database, settings: Settings, port: int = 0) -> Iterator[str]:
    """The site in a thread of its own; its address."""
    addresses: list[str] = []
    is_ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    def ready(url: str) -> None:
        addresses.append(url)
        is_ready.set()

    async def serve() -> None:
        await serve_until(create_site(database, settings), "127.0.0.1", port, stop, ready)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    try:
        assert is_ready.wait(_PATIENCE_SECONDS)
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(_PATIENCE_SECONDS)
        loop.close()


@pytest.fixture
def address(database: Database) -> Iterator[str]:
    """Where the open site is served."""
    with served(database, OPEN) as url:
        yield url
