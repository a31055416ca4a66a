"""A market of five minutes that is looked at in peace, or by several at once while the clock jumps."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import M5
from signalhub.jobs import pipeline
from signalhub.settings import Settings
from signalhub.strategies.base import Strategy
from signalhub.strategies.breakout import Breakout
from signalhub.strategies.momentum import Momentum
from signalhub.strategies.trend_pullback import TrendPullback
from tests.backtest_stage import Structured
from tests.engine_rows import register
from tests.live_stage import EXCHANGE
from tests.lively import lively_bars
from tests.market import MONDAY, frame
from tests.rising import Rising
from tests.storm_process import Process, at_once

HISTORY_BARS = 66 * 12
BEGIN = MONDAY + HISTORY_BARS * M5.span
JUMP = timedelta(minutes=5)
SETTINGS = Settings(min_score=0.0, lookback_hours=1.0, settle_grace_seconds=10.0)
_AFTER_CLOSE = timedelta(seconds=2)
_LONGEST_WORK_SECONDS = 0.3


def strategies() -> list[Strategy]:
    return [Breakout(), Momentum(), TrendPullback(), Structured(), Rising()]


class Market:
    """What the exchange knows. A feed shows a bar when it has closed, by the world's clock and by ours."""

    def __init__(self, database: Database, instruments: int, steps: int) -> None:
        self.database, self.until = database, BEGIN + steps * M5.span
        self.ids = [
            register(database, InstrumentSpec(f"S{number}/USDT", "test", "crypto"), EXCHANGE)
            for number in range(instruments)
        ]
        rng, bars = np.random.default_rng(8), list[dict[str, Any]]()
        for number, key in enumerate(self.ids):
            whole = lively_bars(70 + number, key, MONDAY, M5, HISTORY_BARS + steps)
            bars += [bar for bar in whole.iter_rows(named=True) if rng.random() > 0.03]
        self._closes = {
            close: list(group) for close, group in groupby(sorted(bars, key=_close_of), key=_close_of)
        }  # fmt: skip
        self.shown = MONDAY
        self.show(BEGIN, BEGIN)

    def show(self, true: datetime, ours: datetime) -> None:
        """Bars that closed since the last look, and that nothing is missing up to there."""
        through = M5.floor(min(true - _AFTER_CLOSE, ours)) if true > BEGIN else BEGIN
        if through <= self.shown:
            return
        new = [bar for close, bars in self._closes.items() if self.shown < close <= through for bar in bars]
        with self.database.transaction() as connection:
            settled = dict.fromkeys(self.ids, through)
            pipeline.take_in(connection, M5, frame(new), EXCHANGE, settled, max(ours, through))
        self.shown = through


def _close_of(bar: dict[str, Any]) -> datetime:
    close: datetime = bar["open_at"] + M5.span
    return close


def calm(market: Market) -> None:
    """One process, on time."""
    process = Process(market.database, strategies, SETTINGS)
    at_once([process], BEGIN + timedelta(seconds=1), "begin")
    for close in _steps(market):
        now = close + timedelta(seconds=5)
        market.show(now, now)
        at_once([process], now, "look")
    process.kill()


class Instant(NamedTuple):
    """When something was done: by the world's clock, by ours, and the newest close that bars had come of."""

    true: datetime
    ours: datetime
    shown: datetime


def storm(market: Market, seed: int) -> list[Instant]:
    """Two processes with a helper each, schedulers, misfires, kills, jumps of the clock; when all that was."""
    rng = np.random.default_rng(seed)
    instants = list[Instant]()
    several = [Process(market.database, strategies, SETTINGS) for _ in range(2)]
    for name in ("begin", "help"):
        at_once(several, BEGIN + timedelta(seconds=1), name)
    for close in _steps(market):
        for true in (close + timedelta(seconds=int(second)) for second in sorted(rng.choice([3, 9, 14, 60, 250], 2))):
            now = true + JUMP * int(rng.choice([0, 0, 0, -1, 1]))
            market.show(true, now)
            instants.append(Instant(true, now, market.shown))
            if rng.random() < 0.2:
                continue  # a misfire: nobody looks
            if rng.random() < 0.05:
                several[0] = _killed_at_work(market, several[0], now, rng.random() * _LONGEST_WORK_SECONDS)
            at_once(several, now, "look", *(["catch_up"] if rng.random() < 0.3 else []))
    now = market.until + timedelta(minutes=16)
    market.show(now, now)
    at_once(several, now, "look", "catch_up")
    at_once(several, now, "is_helped")
    for process in several:
        process.kill()
    return instants


def _killed_at_work(market: Market, process: Process, now: datetime, after_seconds: float) -> Process:
    """Another that begins where the killed one stood."""
    process.tell(now, "look")
    time.sleep(after_seconds)
    process.kill()
    another = Process(market.database, strategies, SETTINGS)
    for name in ("begin", "help"):
        at_once([another], now, name)
    return another


def _steps(market: Market) -> list[datetime]:
    count = (market.until - BEGIN) // M5.span
    return [BEGIN + (number + 1) * M5.span for number in range(count)]
