"""Every made-up series as an instrument of the store: its bars put in, its indicators computed, its columns read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

import numpy as np
import polars as pl
import psycopg

from signalhub.bars import rollups
from signalhub.db import migrate
from signalhub.db.edition import POSTGRES
from signalhub.db.engine import Database, create_engine
from signalhub.domain.timeframe import H1
from signalhub.indicators.columns import INDICATOR_COLUMNS
from signalhub.indicators.compute import compute as compute_rows
from tests import servers
from tests.market import SCHEMA, add_instrument, put
from tests.sql.ta_calls import PUBLIC, SCALARS
from tests.sql.ta_relations import Columns, compute
from tests.sql.ta_series import Floats, Series

# A year ends after 744 bars: sums begin anew there.
START = datetime(2021, 12, 1, tzinfo=UTC)
AFTER_ALL = datetime(2030, 1, 1, tzinfo=UTC)
# What analysts have of the same bars: the view, with the day and the session that the store goes by.
BARS = """
    SELECT
        row_number() OVER (ORDER BY b.open_at) AS n, b.open, b.high, b.low, b.close, b.volume,
        (b.open_at AT TIME ZONE 'UTC')::date AS day,
        (SELECT s.began FROM market.session_of('24/7', b.open_at, b.open_at + INTERVAL '1 hour') AS s) AS session
    FROM analytics.adjusted_bars AS b WHERE b.symbol = '{symbol}' AND b.timeframe = '1h'
"""
# n of the store is counted up to 1,000 only.
STORED = """
    SELECT row_number() OVER (ORDER BY i.open_at) AS n, {columns}
    FROM analytics.indicators AS i WHERE i.symbol = '{symbol}' AND i.timeframe = '1h'
"""


def opens(bars: Series) -> Floats:
    """The close before, as far as the bar reaches."""
    before = np.concatenate([bars.close[:1], bars.close[:-1]])
    clipped: Floats = np.clip(before, bars.low, bars.high)
    return clipped


def fill(database: Database, instruments: Mapping[str, Series]) -> dict[str, str]:
    """Each series as hourly bars of an instrument, indicators computed; series → symbol."""
    symbols = {name: f"S{number}/USDT" for number, name in enumerate(instruments)}
    for name, bars in instruments.items():
        put(database, frame(add_instrument(database, symbols[name]), bars), timeframe=H1, now=AFTER_ALL)
    refreshed = rollups.refresh(database, AFTER_ALL)
    hourly = [item for item in refreshed.touched if item.timeframe == H1]
    compute_rows(database, hourly, AFTER_ALL)
    with database.transaction() as connection:
        rollups.finish(connection, refreshed)
    return symbols


def frame(instrument_id: int, bars: Series) -> pl.DataFrame:
    """The bars as ingest takes them."""
    count = len(bars.close)
    return pl.DataFrame(
        {
            "instrument_id": np.full(count, instrument_id),
            "open_at": [START + index * H1.span for index in range(count)],
            "open": opens(bars),
            "high": bars.high,
            "low": bars.low,
            "close": bars.close,
            "volume": bars.volume,
            "turnover": [None] * count,
        },
        schema=SCHEMA,
    )


def stored(connection: psycopg.Connection, symbol: str) -> Columns:
    """Every column of market.indicators, NULL as NaN."""
    return compute(connection, STORED.format(symbol=symbol, columns=", ".join(INDICATOR_COLUMNS)))


def public(
    connection: psycopg.Connection, symbol: str, calls: Mapping[str, str] = PUBLIC, length: int = 1_000_000
) -> Columns:
    """What the calls give over the first bars, as analysts call them."""
    return compute(connection, query(BARS.format(symbol=symbol), calls, length))


def query(bars: str, calls: Mapping[str, str], length: int) -> str:
    """The calls over a query of bars; one that says OVER itself, or is no aggregate, is taken as it stands."""
    listed = ", ".join(f"{_windowed(name, call)} AS {name}" for name, call in calls.items())
    few = f"SELECT * FROM ({bars}) AS x WHERE n <= {length} ORDER BY n"
    return f"SELECT n, {listed} FROM ({few}) AS bars WINDOW w AS (ORDER BY n)"


def _windowed(name: str, call: str) -> str:
    return call if name in SCALARS or " OVER (" in call else f"{call} OVER w"


@contextmanager
def filled(instruments: Mapping[str, Series]) -> Iterator[tuple[str, dict[str, str]]]:
    """URL of a throw-away embedded server with the series in its store; series → symbol."""
    with ExitStack() as stack:
        admin = servers.LazyServers(stack)[POSTGRES]
        servers.execute(admin, "CREATE DATABASE filled")
        url = servers.with_database(admin, "filled")
        engine = create_engine(url)
        migrate.upgrade(engine)
        symbols = fill(Database(engine, POSTGRES), instruments)
        engine.dispose()
        yield url, symbols
