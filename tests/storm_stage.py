"""A market of five minutes that is looked at in peace, or by several at once while the clock jumps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import numpy as np

from signalhub.db.engine import Database, create_engine
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import M5
from signalhub.jobs import pipeline
from signalhub.jobs.evaluation import once
from signalhub.service.enduring import Keeper
from signalhub.service.pipeline import PipelineLoop
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

HISTORY_BARS = 66 * 12
BEGIN = MONDAY + HISTORY_BARS * M5.span
JUMP = timedelta(minutes=5)
SETTINGS = Settings(min_score=0.0, lookback_hours=1.0, settle_grace_seconds=10.0)
_AFTER_CLOSE = timedelta(seconds=2)


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


class Process:
    """A pipeline of its own: connections, what it remembers, what it has done."""

    def __init__(self, database: Database, read_clock: Callable[[], datetime]) -> None:
        self.engine = create_engine(database.engine.url.render_as_string(hide_password=False))
        self.database = Database(self.engine, database.edition)
        self.read_clock = read_clock
        keeper = Keeper("pipeline", self.database, SETTINGS, threading.Event())
        self.loop = PipelineLoop(self.database, SETTINGS, strategies(), threading.Event(), keeper, read_clock)

    def begin(self) -> None:
        self.loop._catch_up()

    def look(self) -> None:
        self.loop.look()

    def catch_up(self) -> None:
        """As the scheduler has it done beside the loop."""
        once(self.database, strategies(), SETTINGS, self.read_clock)


def calm(market: Market) -> None:
    """One process, on time."""
    now = [BEGIN + timedelta(seconds=1)]
    process = Process(market.database, lambda: now[0])
    process.begin()
    for close in _steps(market):
        now[0] = close + timedelta(seconds=5)
        market.show(now[0], now[0])
        process.look()
    process.engine.dispose()


def storm(market: Market, seed: int) -> list[tuple[datetime, datetime]]:
    """Two processes and a scheduler at once, misfires, starts, and jumps of the clock; the instants, true and ours."""
    rng = np.random.default_rng(seed)
    now, instants = [BEGIN + timedelta(seconds=1)], list[tuple[datetime, datetime]]()
    several = [Process(market.database, lambda: now[0]) for _ in range(2)]
    at_once([process.begin for process in several])
    for close in _steps(market):
        for true in (close + timedelta(seconds=int(second)) for second in sorted(rng.choice([3, 9, 14, 60, 250], 2))):
            now[0] = true + JUMP * int(rng.choice([0, 0, 0, -1, 1]))
            instants.append((true, now[0]))
            market.show(true, now[0])
            if rng.random() < 0.2:
                continue  # a misfire: nobody looks
            if rng.random() < 0.05:
                several[0].engine.dispose()
                several[0] = Process(market.database, lambda: now[0])
                several[0].begin()
            work = [process.look for process in several]
            at_once([*work, *([several[0].catch_up, several[1].catch_up] if rng.random() < 0.3 else [])])
    now[0] = market.until + timedelta(minutes=16)
    market.show(now[0], now[0])
    at_once([work for process in several for work in (process.look, process.catch_up)])
    for process in several:
        process.engine.dispose()
    return instants


def at_once(several: Sequence[Callable[[], None]]) -> None:
    """Each in a thread of its own; what one raises is raised here. The same loop twice is no two processes."""
    failed: list[BaseException] = []
    together = threading.Barrier(len(several))

    def run(work: Callable[[], None]) -> None:
        try:
            together.wait(60)
            work()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in several]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def _steps(market: Market) -> list[datetime]:
    count = (market.until - BEGIN) // M5.span
    return [BEGIN + (number + 1) * M5.span for number in range(count)]
