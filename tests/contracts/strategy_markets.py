"""Markets for every strategy found, and its evaluations of them.

The snapshot is the real one: bars stored, rolled up and given their indicators by the database, with the coarser
timeframes and the observations that strategies declare. Each market is there three times: whole, cut off at an instant,
and with another future from there on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import polars as pl

from signalhub import plugins, snapshot
from signalhub.bars.instruments import Instrument
from signalhub.db import migrate
from signalhub.db.edition import POSTGRES
from signalhub.db.engine import Database, create_engine
from signalhub.domain.session import Calendar
from signalhub.domain.signal import Evaluation, SignalDraft
from signalhub.domain.timeframe import H1, Timeframe
from signalhub.indicators.columns import INDICATOR_COLUMNS
from signalhub.signals.evaluate import Universe, evaluate
from signalhub.snapshot import Snapshot
from signalhub.strategies.base import Strategy
from tests import servers
from tests.lively import lively_bars
from tests.market import HISTORY, MONDAY, add_instrument, put, roll_and_compute

STRATEGIES = plugins.declared("signalhub.strategies", "STRATEGY", Strategy)
MARKETS = 5
OBSERVED_MARKETS = 2
"""The first ones have open interest, liquidations and events; the last one has no volume, as forex has none."""
JOINED = tuple(sorted({name for strategy in STRATEGIES.values() for name in strategy.joined}))
KINDS = tuple(sorted({kind for strategy in STRATEGIES.values() for kind in strategy.observations}))
BARS, BARS_BEFORE_THE_CUT = 620, 420
WHOLE, CUT, OTHER = "whole", "cut off", "another future"
Frames = Mapping[str, pl.DataFrame]


def timeframe_of(strategy: Strategy) -> Timeframe:
    return H1 if H1 in strategy.timeframes else strategy.timeframes[0]


@contextmanager
def markets(admin: str) -> Iterator[dict[Timeframe, Frames]]:
    """Snapshots by timeframe and kind of future, in a database of their own; instruments are 1 to MARKETS.

    On one edition: that both give the same record is tested elsewhere.
    """
    name = "test_strategies"
    servers.execute(admin, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
    engine = create_engine(servers.with_database(admin, name))
    migrate.upgrade(engine)
    wanted = sorted({timeframe_of(strategy) for strategy in STRATEGIES.values()})
    yield {timeframe: frames_of(Database(engine, POSTGRES), timeframe) for timeframe in wanted}
    engine.dispose()
    servers.execute(admin, f"DROP DATABASE {name} WITH (FORCE)")


def frames_of(database: Database, timeframe: Timeframe) -> Frames:
    numbers: dict[str, dict[int, int]] = {WHOLE: {}, CUT: {}, OTHER: {}}
    for market in range(1, MARKETS + 1):
        for kind, ids in numbers.items():
            ids[market] = add_instrument(database, f"{timeframe}{market}{kind}")
            put(database, _bars(kind, market, ids[market], timeframe), timeframe)
            if market <= OBSERVED_MARKETS:
                _observe(database, kind, market, ids[market], timeframe)
    roll_and_compute(database)
    return {kind: _frame(database, timeframe, ids) for kind, ids in numbers.items()}


def _bars(kind: str, market: int, instrument_id: int, timeframe: Timeframe) -> pl.DataFrame:
    def lively(seed: int) -> pl.DataFrame:
        return lively_bars(seed, instrument_id, MONDAY, timeframe, BARS, has_volume=market != MARKETS)

    if kind == WHOLE:
        return lively(market)
    past = lively(market).head(BARS_BEFORE_THE_CUT)
    return past if kind == CUT else pl.concat([past, lively(market + 100).tail(BARS - BARS_BEFORE_THE_CUT)])


def _observe(database: Database, kind: str, market: int, instrument_id: int, timeframe: Timeframe) -> None:
    """One value of each kind of observation at each close, known half a minute later."""
    count = BARS_BEFORE_THE_CUT if kind == CUT else BARS
    closes = [MONDAY + number * timeframe.span for number in range(1, count + 1)]
    for name in KINDS:
        values = _observed(name, market)
        if kind == OTHER:
            values[BARS_BEFORE_THE_CUT:] = _observed(name, market + 100)[BARS_BEFORE_THE_CUT:]
        known = [close + timedelta(seconds=30) for close in closes]
        with database.transaction() as connection:
            connection.execute(
                "INSERT INTO market.observations (instrument_id, kind, observed_at, known_at, value, source) "
                "SELECT %s, %s, o.observed_at, o.known_at, o.value, %s "
                "FROM unnest(%s::timestamptz [], %s::timestamptz [], %s::double precision []) "
                "AS o (observed_at, known_at, value)",
                (instrument_id, name, HISTORY.name, closes, known, values[:count].tolist()),
            )


def _observed(name: str, seed: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Positive and lively; an event's impact is of both signs."""
    rng = np.random.default_rng(seed + len(name))
    walk = np.cumsum(rng.normal(0, 0.01, BARS))
    return np.round(np.tanh(walk * 10) if name == "event_impact" else 1000 * np.exp(walk), 6)


def _frame(database: Database, timeframe: Timeframe, ids: Mapping[int, int]) -> pl.DataFrame:
    closes = [MONDAY + number * timeframe.span for number in range(1, BARS + 1)]
    with database.transaction() as connection:
        loaded = snapshot.load(connection, timeframe, closes, list(ids.values()), (*INDICATOR_COLUMNS, *JOINED)).frame
    renamed = {instrument_id: market for market, instrument_id in ids.items()}
    return loaded.with_columns(pl.col("instrument_id").replace_strict(renamed, return_dtype=pl.Int32))


def universe_of(strategy: Strategy, markets: int = MARKETS) -> Universe:
    kind = strategy.asset_classes[0]
    tick = Decimal("0.01")
    rows = [Instrument(number, "test", f"M{number}", f"M{number}", kind, "24/7", tick, False)
            for number in range(1, markets + 1)]  # fmt: skip
    return Universe({row.instrument_id: row for row in rows}, {"24/7": Calendar("24/7")})


def closes_of(frame: pl.DataFrame) -> list[datetime]:
    return frame["close_at"].unique().sort().to_list()


def evaluated(
    strategy: Strategy, frame: pl.DataFrame, closes: Sequence[datetime] | None = None, min_score: int = 0
) -> list[Evaluation]:
    seen = Snapshot(timeframe_of(strategy), closes or closes_of(frame), frame, {})
    return evaluate(seen, strategy, universe_of(strategy), Decimal(min_score))


def signals_of(evaluations: Sequence[Evaluation]) -> list[SignalDraft]:
    return [draft for evaluation in evaluations for draft in evaluation.signals]
