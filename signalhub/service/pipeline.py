"""The pipeline's loop: rolls up what came in, evaluates each close as soon as it is settled, tracks outcomes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from signalhub import clock
from signalhub.bars import instruments, quality
from signalhub.bars.quality import Rules
from signalhub.db.engine import Database
from signalhub.domain.timeframe import TIMEFRAMES, Timeframe
from signalhub.jobs import live, pipeline
from signalhub.jobs.evaluation import once
from signalhub.jobs.progress import Progress
from signalhub.jobs.scorer import Scorer
from signalhub.service.enduring import Keeper
from signalhub.settings import Settings
from signalhub.strategies.base import Strategy

_LOG = logging.getLogger(__name__)
_LOOK_EVERY = 1.0
"""Seconds between looks when nobody wakes us: bars may come in by another process."""
_CATCHING_UP = "catching up"
_RECENT_CLOSES = 5
"""Closes of a timeframe that a late look still takes one by one; older ones are left to the catch-up."""


class _Beating(Progress):
    """Long work with a beating heart, which ends half-way when it is asked to."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def advance(self, count: int) -> None:  # noqa: ARG002 - how much is nobody's business here
        self._keeper.pulse(_CATCHING_UP)

    def note(self, text: str) -> None:  # noqa: ARG002
        self._keeper.pulse(_CATCHING_UP)


class PipelineLoop:
    """Runs until asked to stop. Whoever brings bars sets `wake`; history asks for a catch-up too."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        strategies: Sequence[Strategy],
        wake: threading.Event,
        keeper: Keeper,
        read_clock: Callable[[], datetime] = clock.now,
    ) -> None:
        self.database = database
        self.settings = settings
        self.strategies = strategies
        self.wake = wake
        self.keeper = keeper
        self.read_clock = read_clock
        self.catch_up_asked = threading.Event()
        self.scorer = Scorer(database, strategies, settings)
        self._done: dict[Timeframe, datetime] = {}

    def run(self) -> None:
        """Catches up on what was missed, then follows the clock; catches up again when asked to."""
        self.catch_up_asked.set()
        try:
            while not self.keeper.stop.is_set():
                if self.catch_up_asked.is_set():
                    self.catch_up_asked.clear()
                    self.keeper.enduring(self._catch_up)
                self.keeper.enduring(self.look)
                self.wake.wait(_LOOK_EVERY)
                self.wake.clear()
        finally:
            self.scorer.close()
        self.keeper.leave()

    def look(self) -> None:
        """One look: everything that is due now, and nothing twice."""
        self.keeper.beat()
        pipeline.refresh(self.database, self.read_clock(), lambda _: self.keeper.pulse())
        due = {timeframe: closes for timeframe in TIMEFRAMES if (closes := self._due(timeframe))}
        if len({close for closes in due.values() for close in closes}) == 1:
            live.side_by_side(list(due), lambda timeframe: self._follow(timeframe, due[timeframe]))
        else:
            # What is kept of a coarser timeframe is brought up to the older closes first.
            for timeframe, closes in due.items():
                self._follow(timeframe, closes)
        pipeline.track(self.database, self.settings, self.read_clock())

    def _follow(self, timeframe: Timeframe, closes: Sequence[datetime]) -> None:
        """The closes that are due, up to one whose bars are waited for."""
        for close in closes:
            if not self._evaluated(timeframe, close):
                break
            self._done[timeframe] = close

    def _catch_up(self) -> None:
        self.keeper.beat(_CATCHING_UP)
        with self.database.transaction() as connection:
            quality.remember(connection, Rules.of(self.settings))
            count = len(instruments.every(connection))
        self.scorer.prepare(count)
        now = self.read_clock()
        done = once(self.database, self.strategies, self.settings, self.read_clock, _Beating(self.keeper))
        # The newest close is looked at again: its bars may have been waited for.
        self._done = {timeframe: timeframe.floor(now) - timeframe.span for timeframe in TIMEFRAMES}
        if done.closes:
            _LOG.info("caught up: %d closes, %d signals", done.closes, done.signals)

    def _due(self, timeframe: Timeframe) -> list[datetime]:
        newest = timeframe.floor(self.read_clock())
        # A clock that was ahead and was put right must not keep us from the closes that come now.
        self._done[timeframe] = min(self._done[timeframe], newest)
        first = max(self._done[timeframe] + timeframe.span, newest - (_RECENT_CLOSES - 1) * timeframe.span)
        count = (newest - first) // timeframe.span + 1
        return [first + k * timeframe.span for k in range(count)]

    def _evaluated(self, timeframe: Timeframe, close: datetime) -> bool:
        """Whether the close is over and done with; no while bars that may still come in time are waited for."""
        with live.alone(self.database, timeframe, close):
            found = live.groups(self.database, timeframe, close)
            if not (found.live or found.unsettled):
                return True
            started = clock.stopwatch()
            known = live.Known(found, self.scorer)
            signals = live.evaluate_close(
                self.database, timeframe, close, self.strategies, self.settings, self.read_clock, known
            )
        if signals is not None:
            _told(timeframe, close, signals, clock.stopwatch() - started, len(found.live), len(found.unsettled))
        return signals is not None


def _told(timeframe: Timeframe, close: datetime, signals: int, seconds: float, seen: int, late: int) -> None:
    _LOG.info(
        "%s %s: %d signals of %d instruments%s in %.0f ms",
        timeframe,
        f"{close:%H:%M}",
        signals,
        seen,
        f", {late} late" if late else "",
        seconds * 1000,
    )
