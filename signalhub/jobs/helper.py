"""The helper: a second process that scores its portion of the instruments of every close, and how it is spoken to.

It has connections of its own, keeps frames of its own, and hands back what is to be stored.
"""

from __future__ import annotations

import gc
import hashlib
import inspect
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from signalhub import clock, resources
from signalhub.db.engine import Database, create_engine
from signalhub.domain.signal import Evaluation
from signalhub.jobs.scoring import Block, Scored, fitting, scored
from signalhub.settings import Settings
from signalhub.signals.store import Evaluated, Run
from signalhub.snapshot import Kept, Portion
from signalhub.strategies.base import Strategy

_PATIENCE_SECONDS = 20.0
"""How much longer than our own half its half may take: a minute's close must be done within the minute."""
_START_SECONDS = 60.0
_END_SECONDS = 2.0
_LIBRARIES = ("polars", "numpy", "ta-lib", "pandas", "exchange_calendars", "psycopg", "sqlalchemy")
_ASKED_TO_STOP = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_Told = tuple[Run, list[tuple[Sequence[Evaluation], float]]]
"""What was scored, without the strategies: what one keeps on itself may not travel, and we have the same."""


class HelperGone(Exception):
    """It died, does not answer, or gave back what cannot be read."""


@dataclass(frozen=True)
class _Identity:
    """Which process it is, and what code it runs."""

    pid: int
    code: str


class Helper:
    """The other process, seen from here. Threads may ask it side by side; it does one thing after the other."""

    def __init__(
        self, database: Database, strategies: Sequence[Strategy], settings: Settings, portion: Portion
    ) -> None:
        """Raises: OSError or RuntimeError where the machine has no room for another process."""
        url = database.engine.url.render_as_string(hide_password=False)
        given = (url, database.edition, strategies, settings, portion)
        self._strategies, self._started = strategies, clock.stopwatch()
        before = multiprocessing.active_children()
        with _unheard():
            # Spawned, not forked: Polars and the server's connections have threads and sockets of their own.
            self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin, given)
            self._answer = self._pool.submit(_identity)
        self._children = [child for child in multiprocessing.active_children() if child not in before]
        # The pool keeps this end open beside the helper's own: of one that is killed amid an answer the rest would be
        # waited for, for ever, and Python waits for who waits before it ends.
        self._pool._result_queue._writer.close()  # type: ignore[attr-defined]

    @property
    def is_up(self) -> bool:
        """Whether it has answered. Raises: HelperGone when it could not begin, or takes far too long."""
        if self._answer.done():
            return self._identified() is not None
        if clock.stopwatch() - self._started > _START_SECONDS:
            raise HelperGone(f"it did not come up within {_START_SECONDS:.0f} s")
        return False

    @property
    def pid(self) -> int:
        """Its process, when it is up."""
        return self._identified().pid

    @property
    def code(self) -> str:
        """What it runs, as `code_of` says it, when it is up."""
        return self._identified().code

    def wait(self) -> None:
        """Until it is up. Raises: HelperGone when it could not begin."""
        self._identified()

    def begin(self, block: Block) -> Future[_Told]:
        """Has it score its portion of a block. Raises: HelperGone."""
        try:
            return self._pool.submit(_score, block)
        except RuntimeError as error:  # broken, or ended by another thread
            raise HelperGone(str(error)) from None

    def result(self, begun: Future[_Told]) -> Scored:
        """What it made of it. Raises: HelperGone, or what its scoring raised."""
        if not wait([begun], _PATIENCE_SECONDS).done:
            raise HelperGone(f"no answer within {_PATIENCE_SECONDS:.0f} s")
        try:
            run, told = begun.result()
        except (BrokenProcessPool, CancelledError) as error:
            raise HelperGone(str(error)) from None
        able = fitting(self._strategies, run.timeframe)
        return Scored(run, [Evaluated(strategy, *of_one) for strategy, of_one in zip(able, told, strict=True)])

    def end(self) -> None:
        """Ends it, when it is done with what it does or soon; it has nothing that could be lost."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._leave(_END_SECONDS)

    def kill(self) -> None:
        """Ends it wherever it is: whoever does not answer does not hear either."""
        self._leave(0.0)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _leave(self, seconds: float) -> None:
        for child in self._children:
            child.join(seconds)
            if child.is_alive():
                child.kill()
                child.join(_END_SECONDS)

    def _identified(self) -> _Identity:
        try:
            return self._answer.result()
        except Exception as error:  # files that are replaced just now, no memory, …
            raise HelperGone(f"it could not begin: {error}") from None


def code_of(strategies: Sequence[Strategy]) -> str:
    """What computes, as it lies on disk now: a digest of the package, its SQL, these strategies and `_LIBRARIES`."""
    package, queries = Path(__file__).parents[1], resources.folder("sql") / "queries"
    files = {*package.rglob("*.py"), *queries.rglob("*.sql")}
    versions = [sys.version, *(f"{name} {metadata.version(name)}" for name in _LIBRARIES)]
    for strategy in strategies:
        versions.append(f"{type(strategy).__qualname__} {strategy.name} {strategy.version}")
        with suppress(TypeError, OSError):  # a class of no file has none that could change
            files.add(Path(inspect.getfile(type(strategy))).resolve())
    digest = hashlib.sha256("\n".join(versions).encode())
    for file in sorted(files):
        digest.update(file.read_bytes())
    return digest.hexdigest()


@contextmanager
def _unheard() -> Iterator[None]:
    """Who is started here hears no signal before it says which: Ctrl-C in its first second would be a traceback."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ASKED_TO_STOP)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@dataclass(frozen=True)
class _Work:
    """What the process that helps has: its own connections, what it was told, and what it remembers."""

    database: Database
    strategies: Sequence[Strategy]
    settings: Settings
    kept: Kept


_work: _Work | None = None
"""In the process that helps."""


def _begin(url: str, edition: str, strategies: Sequence[Strategy], settings: Settings, portion: Portion) -> None:
    global _work
    # Who asks to stop asks the process that we help, or all of us at once: that one says when.
    for number in _ASKED_TO_STOP:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _work = _Work(Database(create_engine(url), edition), strategies, settings, Kept(portion))
    # As in service/parts.py: no look for garbage through all that is imported, amid a close.
    gc.collect()
    gc.freeze()


def _end_with_parent() -> None:
    """A parent that was killed tells nobody to stop."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _identity() -> _Identity:
    """Answered when `_begin` is done."""
    assert _work is not None
    return _Identity(os.getpid(), code_of(_work.strategies))


def _score(block: Block) -> _Told:
    assert _work is not None
    try:
        found = scored(_work.database, block, _work.strategies, _work.settings, _work.kept)
        return found.run, [(one.evaluations, one.milliseconds) for one in found.evaluated]
    except Exception as error:
        if _survives_the_way(error):
            raise
        raise RuntimeError("".join(traceback.format_exception(error))) from None


def _survives_the_way(error: Exception) -> bool:
    """Whether it can be sent: one that cannot be read at the other end would end the pool."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return False
    return True
