"""Made-up market data, and the two steps that bring it into a database: put it in, roll it up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from psycopg.rows import dict_row

from signalhub.bars import instruments, rollups
from signalhub.bars.ingest import Ingested, Source, ingest
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.domain.bar import OPEN_AT
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import M1, Timeframe
from signalhub.indicators.compute import compute

MONDAY = datetime(2024, 3, 4, tzinfo=UTC)
NEXT_YEAR = datetime(2025, 1, 1, tzinfo=UTC)
HISTORY = Source("history")
SCHEMA: dict[str, pl.DataType] = {
    "instrument_id": pl.Int64(),
    "open_at": OPEN_AT,
    **dict.fromkeys(("open", "high", "low", "close", "volume", "turnover"), pl.Float64()),
}
TICK = 1 / 1024
"""Prices are multiples of a power of two and volumes of a quarter: sums that must be exact are exact."""


def add_instrument(
    database: Database, symbol: str = "BTC/USDT", asset_class: str = "crypto", source: str = "history"
) -> int:
    """An instrument at venue `test`."""
    spec = InstrumentSpec(symbol, "test", asset_class)
    with database.transaction() as connection:
        return instruments.register(connection, spec, source, is_live=False, now=MONDAY)


def bar(instrument_id: int, open_at: datetime, price: float = 100.0, **changes: float | None) -> dict[str, Any]:
    """One bar around a price; single values can be changed."""
    prices = {"open": price, "high": price + 1, "low": price - 1, "close": price}
    return {"instrument_id": instrument_id, "open_at": open_at, **prices, "volume": 2.0, "turnover": None} | changes


def frame(rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """Bars as ingest takes them."""
    return pl.DataFrame(list(rows), schema=SCHEMA)


def random_bars(
    seed: int, instrument_id: int, start: datetime, timeframe: Timeframe, count: int, keep: float = 0.8
) -> pl.DataFrame:
    """A random walk of `count` grid points, of which a share `keep` traded; volume is now and then zero."""
    rng = np.random.default_rng(seed)
    closes = 100.0 + np.round(np.cumsum(rng.normal(0, 0.05, count)) / TICK) * TICK
    opens = np.concatenate([[100.0], closes[:-1]])
    up, down = (rng.integers(0, 200, count) * TICK for _ in range(2))
    traded = rng.random(count) < keep
    volume = np.where(rng.random(count) < 0.05, 0.0, rng.random(count) * 50)
    has_turnover = rng.random(count) < 0.5
    turnover = [float(value) if given else None for value, given in zip(volume * closes, has_turnover, strict=True)]
    whole = pl.DataFrame(
        {
            "instrument_id": np.full(count, instrument_id),
            "open_at": [start + index * timeframe.span for index in range(count)],
            "open": opens,
            "high": np.maximum(opens, closes) + up,
            "low": np.minimum(opens, closes) - down,
            "close": closes,
            "volume": volume,
            "turnover": turnover,
        },
        schema=SCHEMA,
    )
    return whole.filter(pl.Series(traded))


def put(
    database: Database,
    bars: pl.DataFrame,
    timeframe: Timeframe = M1,
    source: Source = HISTORY,
    now: datetime = NEXT_YEAR,
) -> Ingested:
    """Ingests bars in a transaction of its own."""
    with database.transaction() as connection:
        return ingest(connection, timeframe, bars, source, now)


def roll(database: Database, now: datetime = NEXT_YEAR) -> rollups.Refreshed:
    """Rolls up what is dirty, without indicators."""
    refreshed = rollups.refresh(database, now)
    with database.transaction() as connection:
        rollups.finish(connection, refreshed)
    return refreshed


def roll_and_compute(database: Database, now: datetime = NEXT_YEAR) -> None:
    """Rolls up what is dirty and computes its indicators, as jobs/pipeline.py does."""
    refreshed = rollups.refresh(database, now)
    compute(database, refreshed.touched, now)
    with database.transaction() as connection:
        rollups.finish(connection, refreshed)


def rows(database: Database, query: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """What a query answers, instants in UTC."""
    with database.transaction() as connection:
        return rows_of(connection, query, parameters)


def rows_of(connection: Connection, query: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """What a query answers on an open connection, instants in UTC."""
    with connection.cursor(row_factory=dict_row) as cursor:
        answered = cursor.execute(query.encode(), parameters).fetchall()
    return [{name: _in_utc(value) for name, value in row.items()} for row in answered]


def _in_utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def at(text: str) -> datetime:
    """`04 10:30` → that time of March 2024, UTC; the fourth is a Monday."""
    day, _, clock = text.partition(" ")
    hours, _, minutes = clock.partition(":")
    return MONDAY + timedelta(days=int(day) - 4, hours=int(hours or 0), minutes=int(minutes or 0))
