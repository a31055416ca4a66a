"""The scorer: scores close after close with what it remembers; with many instruments, half of them in a second process.

Python computes in one thread at a time, so that another core is of use to another process only. Each of the two reads
and keeps its own portion, whole instruments of it: the same comes out as of one alone.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process

from signalhub.db.engine import Database, create_engine
from signalhub.jobs.scoring import Block, Scored, fitting, merged, scored
from signalhub.settings import Settings
from signalhub.snapshot import Kept, Portion
from signalhub.strategies.base import Strategy
from signalhub.strategies.portable import is_portable

WORTH_A_PROCESS = 100
"""Fewer instruments are scored before another process has answered."""
_OURS, _THEIRS = Portion(0, 2), Portion(1, 2)
_Given = tuple[Database, Sequence[Strategy], Settings]
_LOG = logging.getLogger(__name__)


class Scorer:
    """Scores blocks of one close, as `scoring.scored` does. Threads may ask side by side."""

    def __init__(self, database: Database, strategies: Sequence[Strategy], settings: Settings) -> None:
        self._given = database, strategies, settings
        self._alone, self._beside = Kept(), Kept(_OURS)
        self._helper: _Helper | None = None

    def __call__(self, block: Block) -> Scored:
        """Together with the helper, once that is up."""
        helper = self._helper
        if helper is None or not helper.is_ready:
            return _scored(self._given, block, self._alone)
        self._alone.forget()
        theirs = helper.begin(block)
        ours = _scored(self._given, block, self._beside)
        try:
            return merged([ours, theirs.result()])
        except BrokenProcessPool:
            _LOG.warning("%s: the second process is gone; its half is scored here, another is started", block.timeframe)
            self._restart(helper)
            return merged([ours, _scored(self._given, block, Kept(_THEIRS))])

    def prepare(self, instruments: int) -> None:
        """Starts a helper if there are instruments enough, and a core for it; it is used as soon as it is up."""
        is_worth_it = instruments >= WORTH_A_PROCESS and (os.cpu_count() or 1) > 1
        if self._helper is None and is_worth_it and all(map(is_portable, self._given[1])):
            self._helper = _Helper(*self._given)

    def wait(self) -> None:
        """Until the helper is up, if there is one."""
        if self._helper is not None:
            self._helper.wait()

    def close(self) -> None:
        """Ends the helper."""
        if self._helper is not None:
            self._helper.close()
            self._helper = None

    def _restart(self, broken: _Helper) -> None:
        broken.close()
        # Two threads may find it broken.
        if self._helper is broken:
            self._helper = _Helper(*self._given)


class _Helper:
    """The other process, seen from here."""

    def __init__(self, database: Database, strategies: Sequence[Strategy], settings: Settings) -> None:
        url = database.engine.url.render_as_string(hide_password=False)
        given = (url, database.edition, strategies, settings)
        # Spawned, not forked: Polars and the server's connections have threads and sockets of their own.
        self._pool = ProcessPoolExecutor(1, get_context("spawn"), _begin, given)
        self._up = self._pool.submit(_up)

    @property
    def is_ready(self) -> bool:
        """Whether it answers."""
        return self._up.done()

    def wait(self) -> None:
        """Until it answers."""
        self._up.result()

    def begin(self, block: Block) -> Future[Scored]:
        """Has it score its portion of a block."""
        try:
            return self._pool.submit(_score, block)
        except BrokenProcessPool as error:
            failed = Future[Scored]()
            failed.set_exception(error)
            return failed

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


_theirs: tuple[_Given, Kept] | None = None
"""In the process that helps: with its own connections, and what it remembers."""


def _begin(url: str, edition: str, strategies: Sequence[Strategy], settings: Settings) -> None:
    global _theirs
    # Who asks to stop asks the process that we help, or all of us at once: that one says when.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _theirs = (Database(create_engine(url), edition), strategies, settings), Kept(_THEIRS)
    # As in service/parts.py: no look for garbage through all that is imported, amid a close.
    gc.collect()
    gc.freeze()


def _end_with_parent() -> None:
    """A parent that was killed tells nobody to stop."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _up() -> None:
    """Answered when `_begin` is done."""


def _score(block: Block) -> Scored:
    assert _theirs is not None
    given, kept = _theirs
    return _scored(given, block, kept)


def _scored(given: _Given, block: Block, kept: Kept) -> Scored:
    database, strategies, settings = given
    return scored(database, block, fitting(strategies, block.timeframe), settings, kept)
