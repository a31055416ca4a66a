"""What a measurement is, and the database it is made on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from signalhub.db import migrate
from signalhub.db.engine import Database, create_engine
from tests import servers


@dataclass(frozen=True)
class Measurement:
    """A rate of ours beside the floor's, both in `unit` per second; floor 0 where there is none."""

    name: str
    edition: str
    unit: str
    rate: float
    floor: float = 0.0
    note: str = ""

    def line(self) -> str:
        ratio = f"  {100 * self.rate / self.floor:5.1f} % of the floor ({self.floor:,.0f})" if self.floor else ""
        return f"{self.name:<34}{self.edition:<10}{self.rate:>12,.0f} {self.unit}/s{ratio}  {self.note}"


@dataclass(frozen=True)
class Latency:
    """How long something took, in milliseconds, and how long the bare minimum of it takes."""

    name: str
    edition: str
    milliseconds: float
    floor: float = 0.0
    note: str = ""

    def line(self) -> str:
        floor = f"  floor {_rounded(self.floor)} ms" if self.floor else ""
        return f"{self.name:<44}{self.edition:<10}{_rounded(self.milliseconds):>10} ms{floor}  {self.note}"


def _rounded(milliseconds: float) -> str:
    return f"{milliseconds:,.1f}" if milliseconds < 100 else f"{milliseconds:,.0f}"


@contextmanager
def fresh_database(admin_url: str, edition: str) -> Iterator[Database]:
    """A migrated database, dropped afterwards."""
    servers.execute(admin_url, "DROP DATABASE IF EXISTS bench WITH (FORCE)", "CREATE DATABASE bench")
    engine = create_engine(servers.with_database(admin_url, "bench"))
    try:
        migrate.upgrade(engine)
        yield Database(engine, edition)
    finally:
        engine.dispose()
        servers.execute(admin_url, "DROP DATABASE bench WITH (FORCE)")


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
