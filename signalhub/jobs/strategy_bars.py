"""Bars to try a strategy on: made-up ones in a throw-away database, or stored ones."""

from __future__ import annotations

import math
import os
import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from signalhub import snapshot
from signalhub.bars import instruments
from signalhub.bars.ingest import Source
from signalhub.bars.instruments import Instrument
from signalhub.db import migrate
from signalhub.db.connection import Connection
from signalhub.db.edition import POSTGRES
from signalhub.db.embedded import EmbeddedServer
from signalhub.db.engine import Database, create_engine
from signalhub.db.queries import Queries
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import D1, Timeframe
from signalhub.errors import DataUnusable
from signalhub.feeds.simulator import FEED
from signalhub.jobs import pipeline
from signalhub.strategies.base import Strategy

_SQL = Queries("jobs/strategy_bars")
BARS = 1_000
_DAYS = 500
MARKETS = 4
_END = datetime(2025, 1, 1, tzinfo=UTC)
_MADE_UP = Source("made_up")
_EVER = (datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Tried:
    """Closed bars with all columns that a strategy declares, and the instruments they are of."""

    frame: pl.DataFrame
    instruments: Sequence[Instrument]


def made_up(strategy: Strategy, timeframe: Timeframe) -> Tried:
    """Bars of the simulator's instruments that the strategy serves, with indicators computed as they always are.

    Guarantees: the same bars every time. Nobody's database is touched: a server of its own is started and removed.
    """
    with _throw_away() as database:
        specs = _specs(strategy)
        with database.transaction() as connection:
            for spec in specs:
                _put(connection, strategy, spec, timeframe)
        pipeline.refresh(database, _END)
        return stored(database, strategy, timeframe, [], BARS)


def stored(database: Database, strategy: Strategy, timeframe: Timeframe, symbols: Sequence[str], bars: int) -> Tried:
    """The newest so many closes of stored instruments, all that the strategy serves unless some are named.

    Raises: NotFound for a symbol that is not there; DataUnusable where there are no bars with indicators.
    """
    with database.reading() as connection:
        chosen = [instruments.find(connection, symbol) for symbol in symbols] or [
            item for item in instruments.ever(connection) if item.asset_class in strategy.asset_classes
        ]
        ids = [item.instrument_id for item in chosen]
        closes = snapshot.closes_between(connection, timeframe, *_EVER, ids)[-bars:]
        frame = snapshot.load(connection, timeframe, closes, ids, strategy.columns).frame if closes else pl.DataFrame()
    if frame.is_empty():
        raise DataUnusable(f"There are no {timeframe} bars to try it on. `signalhub status` says what there is.")
    return Tried(frame, chosen)


@contextmanager
def _throw_away() -> Iterator[Database]:
    home = Path(tempfile.mkdtemp(prefix="signalhub-try-"))
    cluster = home
    try:
        with EmbeddedServer(home).lease() as url:
            # Where the server's user cannot pass through the folder it lies elsewhere.
            cluster = Path(os.path.realpath(home / "postgres"))
            engine = create_engine(url)
            try:
                migrate.upgrade(engine)
                yield Database(engine, POSTGRES)
            finally:
                engine.dispose()
    finally:
        shutil.rmtree(cluster, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def _specs(strategy: Strategy) -> list[InstrumentSpec]:
    served = [spec for spec in FEED.instruments() if spec.asset_class in strategy.asset_classes]
    # Spread over the list, which is ordered by asset class.
    return served[:: max(1, len(served) // MARKETS)][:MARKETS]


def _put(connection: Connection, strategy: Strategy, spec: InstrumentSpec, timeframe: Timeframe) -> None:
    begin = _END - (_DAYS if timeframe == D1 else BARS) * timeframe.span
    instrument_id = instruments.register(connection, spec, _MADE_UP.name, is_live=False, now=_END)
    bars = FEED.fetch(spec, timeframe, begin, _END).with_columns(instrument_id=pl.lit(instrument_id))
    pipeline.take_in(connection, timeframe, bars, _MADE_UP, {instrument_id: _END}, _END)
    for kind in strategy.observations:
        _observe(connection, instrument_id, kind, bars["open_at"].to_list())


def _observe(connection: Connection, instrument_id: int, kind: str, instants: Sequence[datetime]) -> None:
    chance = random.Random(f"{instrument_id} {kind}")
    value, values = 1_000.0, []
    for _ in instants:
        value *= math.exp(chance.gauss(0.0, 0.05))
        values.append(value)
    given = {"instants": list(instants), "values": values, "source": _MADE_UP.name}
    _SQL.run(connection, "observe", instrument_id=instrument_id, kind=kind, **given)
