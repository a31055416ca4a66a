"""A lively market of quarter hours to evaluate, and the replay of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import polars as pl

from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import H1, M15, Timeframe
from signalhub.jobs.evaluation import Scope, replay
from signalhub.settings import Settings
from signalhub.strategies.base import Strategy
from signalhub.strategies.breakout import Breakout
from signalhub.strategies.momentum import Momentum
from tests.engine_rows import register
from tests.lively import lively_bars
from tests.market import MONDAY, NEXT_YEAR, put

BARS = 300
SETTINGS = Settings(fee_bps=4.0, slippage_bps=1.0)
REAL: tuple[Strategy, ...] = (Breakout(), Momentum())
EVERYTHING = Scope(timeframes=(M15, H1))
TICK = Decimal("0.01")


def close_of(number: int, timeframe: Timeframe = M15) -> datetime:
    """The close of the bar with this number, 0 the first."""
    return MONDAY + (number + 1) * timeframe.span


def settle(database: Database, through: datetime = NEXT_YEAR, timeframe: Timeframe = M15) -> None:
    """Everything up to the instant was obtained, of every instrument."""
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO market.watermarks (instrument_id, timeframe, settled_through) "
            "SELECT instrument_id, %s, %s FROM market.instruments "
            "ON CONFLICT (instrument_id, timeframe) DO UPDATE SET settled_through = excluded.settled_through",
            (timeframe.code, through),
        )


def add(database: Database, symbol: str, tick: Decimal | None = TICK, asset_class: str = "crypto") -> int:
    return register(database, InstrumentSpec(symbol, "test", asset_class, tick, calendar="24/7"))


def lively_market(database: Database, symbols: Sequence[str] = ("A/USDT", "B/USDT", "C/USDT")) -> list[int]:
    """Instruments with 15m bars; the last one has no volume."""
    ids = [add(database, symbol) for symbol in symbols]
    for number, instrument_id in enumerate(ids):
        put(database, lively_quarters(number, instrument_id, has_volume=number < len(ids) - 1), M15)
    settle(database)
    return ids


def lively_quarters(seed: int, instrument_id: int, *, has_volume: bool = True) -> pl.DataFrame:
    return lively_bars(seed, instrument_id, MONDAY, M15, BARS, has_volume=has_volume)


def replayed(
    database: Database, scope: Scope = EVERYTHING, strategies: Sequence[Strategy] = REAL, min_score: float = 0.0
) -> None:
    replay(database, scope, strategies, SETTINGS.replace(min_score=min_score), NEXT_YEAR)
