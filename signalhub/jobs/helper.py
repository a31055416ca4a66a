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
import threading
import traceback
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import talib

from signalhub import resources
from signalhub.db.engine import Database, create_engine
from signalhub.jobs.scoring import Block, Scored, scored
from signalhub.settings import Settings
from signalhub.snapshot import Kept, Portion
from signalhub.strategies.base import Strategy

_PATIENCE_SECONDS = 20.0
"""How much longer than our own half its half may take: a minute's close must be done within the minute."""
_END_SECONDS = 2.0


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
        # Spawned, not forked: Polars and the server's connections have threads and sockets of their own.
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin, given)
        self._answer = self._pool.submit(_identity)

    @property
    def is_up(self) -> bool:
        """Whether it has answered. Raises: HelperGone when it could not begin."""
        return self._answer.done() and self._identified() is not None

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

    def begin(self, block: Block) -> Future[Scored]:
        """Has it score its portion of a block. Raises: HelperGone."""
        try:
            return self._pool.submit(_score, block)
        except BrokenProcessPool as error:
            raise HelperGone(str(error)) from None

    def result(self, begun: Future[Scored]) -> Scored:
        """What it made of it. Raises: HelperGone, or what its scoring raised."""
        if not wait([begun], _PATIENCE_SECONDS).done:
            raise HelperGone(f"no answer within {_PATIENCE_SECONDS:.0f} s")
        try:
            return begun.result()
        except BrokenProcessPool as error:
            raise HelperGone(str(error)) from None

    def end(self) -> None:
        """Ends it, when it is done with what it does or soon; it has nothing that could be lost."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._leave(_END_SECONDS)

    def kill(self) -> None:
        """Ends it wherever it is: whoever does not answer does not hear either."""
        self._leave(0.0)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _leave(self, seconds: float) -> None:
        if not self._answer.done() or self._answer.exception() is not None:
            return  # it never came up: the pool ends it
        for child in multiprocessing.active_children():
            if child.pid == self.pid:
                child.join(seconds)
                if child.is_alive():
                    child.kill()

    def _identified(self) -> _Identity:
        try:
            return self._answer.result()
        except BrokenProcessPool as error:
            raise HelperGone(f"it could not begin: {error}") from None


def code_of(strategies: Sequence[Strategy]) -> str:
    """What computes, as it lies on disk now: a digest of the package, its SQL, these strategies and the libraries."""
    package, queries = Path(__file__).parents[1], resources.folder("sql") / "queries"
    files = {*package.rglob("*.py"), *queries.rglob("*.sql")}
    files |= {Path(inspect.getfile(type(strategy))).resolve() for strategy in strategies}
    versions = [pl.__version__, np.__version__, talib.__version__]
    versions += [f"{strategy.name} {strategy.version}" for strategy in strategies]
    digest = hashlib.sha256("\n".join(versions).encode())
    for file in sorted(files):
        digest.update(file.read_bytes())
    return digest.hexdigest()


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
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
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


def _score(block: Block) -> Scored:
    assert _work is not None
    try:
        return scored(_work.database, block, _work.strategies, _work.settings, _work.kept)
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
