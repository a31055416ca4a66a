"""Both editions evaluate the same market to the same record."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from signalhub.db import migrate
from signalhub.db.edition import POSTGRES, TIMESCALE
from signalhub.db.engine import Database, create_engine
from signalhub.domain.timeframe import H1, M1, M5, M15
from signalhub.jobs import pipeline
from signalhub.jobs.evaluation import Scope
from tests import servers
from tests.engine_rows import record
from tests.evaluation_market import add, replayed, settle
from tests.lively import lively_bars
from tests.market import MONDAY, bar, frame, put


def test_both_editions_give_the_same_record(server_urls: dict[str, str]) -> None:
    if not servers.timescale_source():
        pytest.skip("no installation of TimescaleDB was found")
    ours, theirs = (_record_of(server_urls[edition], edition) for edition in (POSTGRES, TIMESCALE))
    assert ours == theirs
    assert len(ours[0]) > 10


def _record_of(admin: str, edition: str) -> tuple[list[dict[str, Any]], ...]:
    name = "test_same_record"
    servers.execute(admin, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
    engine = create_engine(servers.with_database(admin, name))
    try:
        migrate.upgrade(engine)
        database = Database(engine, edition)
        _minute_market(database)
        replayed(database, Scope(timeframes=(M5, M15, H1)))
        return record(database)
    finally:
        engine.dispose()
        servers.execute(admin, f"DROP DATABASE {name} WITH (FORCE)")


def _minute_market(database: Database) -> None:
    """Minutes with holes and a correction, in batches, of two instruments."""
    rng = np.random.default_rng(3)
    ids = [add(database, "A/USDT"), add(database, "B/USDT", tick=None)]
    whole = pl.concat(
        [lively_bars(number, instrument_id, MONDAY, M1, 4500) for number, instrument_id in enumerate(ids)]
    )
    bars = whole.filter(pl.Series(rng.random(whole.height) < 0.95))
    middle = MONDAY + timedelta(days=1, minutes=7)
    put(database, bars.filter(pl.col("open_at") < middle), now=middle)
    pipeline.refresh(database, middle)
    put(database, bars.filter(pl.col("open_at") >= middle))
    put(database, frame([bar(ids[0], bars["open_at"][300], price=101.0)]))
    settle(database, timeframe=M1)
