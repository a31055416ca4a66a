"""A pipeline in a process of its own: it does what a pipe tells it, at the instant it is told, and can be killed."""

from __future__ import annotations

import multiprocessing
import threading
import traceback
from collections.abc import Callable, Sequence
from datetime import datetime
from multiprocessing.connection import Connection

from signalhub.db.engine import Database, create_engine
from signalhub.jobs.evaluation import once
from signalhub.jobs.scorer import WORTH_A_PROCESS, cores
from signalhub.service.enduring import Keeper
from signalhub.service.pipeline import PipelineLoop
from signalhub.settings import Settings
from signalhub.strategies.base import Strategy

_SPAWN = multiprocessing.get_context("spawn")
_PATIENCE_SECONDS = 120
Strategies = Callable[[], Sequence[Strategy]]


class Pipeline:
    """What runs in the process: connections of its own, what it remembers, a clock that is set from outside."""

    def __init__(self, url: str, edition: str, make: Strategies, settings: Settings) -> None:
        self.database = Database(create_engine(url), edition)
        self.strategies, self.settings, self.now = make(), settings, datetime.min
        keeper = Keeper("pipeline", self.database, settings, threading.Event())
        self._loop = PipelineLoop(self.database, settings, self.strategies, threading.Event(), keeper, self._clock)

    def help(self) -> None:
        """Another process scores with it, though instruments are few."""
        self._loop.scorer.prepare(WORTH_A_PROCESS)
        self._loop.scorer.wait()
        self.is_helped()

    def is_helped(self) -> None:
        assert self._loop.scorer.helper_pid is not None or cores() < 2

    def begin(self) -> None:
        self._loop._catch_up()

    def look(self) -> None:
        self._loop.look()

    def catch_up(self) -> None:
        """As the scheduler has it done beside the loop."""
        once(self.database, self.strategies, self.settings, self._clock)

    def _clock(self) -> datetime:
        return self.now


class Process:
    """The other end: starts the process, tells it what to do, hears how it went."""

    def __init__(self, database: Database, make: Strategies, settings: Settings) -> None:
        url = database.engine.url.render_as_string(hide_password=False)
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(theirs, url, database.edition, make, settings))
        self._process.start()
        theirs.close()

    def tell(self, now: datetime, *names: str) -> None:
        """Has it do these things, side by side, with its clock at `now`."""
        self._pipe.send((now, names))

    def hear(self) -> None:
        """Waits until it has done what it was told. Raises: AssertionError with the traceback of what failed."""
        assert self._pipe.poll(_PATIENCE_SECONDS), "the process gives no answer"
        failures = self._pipe.recv()
        assert not failures, "\n".join(failures)

    def kill(self) -> None:
        """Ends it wherever it is."""
        self._process.kill()
        self._process.join()


def at_once(several: Sequence[Process], now: datetime, *names: str) -> None:
    """All of them do the same things at the same time."""
    for process in several:
        process.tell(now, *names)
    for process in several:
        process.hear()


def _serve(pipe: Connection, url: str, edition: str, make: Strategies, settings: Settings) -> None:
    pipeline = Pipeline(url, edition, make, settings)
    while True:
        try:
            pipeline.now, names = pipe.recv()
        except EOFError:
            return
        pipe.send(_side_by_side([getattr(pipeline, name) for name in names]))


def _side_by_side(several: Sequence[Callable[[], None]]) -> list[str]:
    """Each in a thread of its own; the tracebacks of those that failed."""
    failures = list[str]()

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException:
            failures.append(traceback.format_exc())

    threads = [threading.Thread(target=run, args=(work,)) for work in several]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures
