"""The scorer: scores close after close with what it remembers; with many instruments, half of them in a second process.

Python computes in one thread at a time, so that another core is of use to another process only. Each of the two reads
and keeps its own portion, whole instruments of it: the same comes out as of one alone.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence

from signalhub.db.engine import Database
from signalhub.jobs.helper import Helper, HelperGone, code_of
from signalhub.jobs.restarts import Restarts
from signalhub.jobs.scoring import Block, Scored, merged, scored
from signalhub.settings import Settings
from signalhub.snapshot import Kept, Portion
from signalhub.strategies.base import Strategy
from signalhub.strategies.portable import is_portable

WORTH_A_PROCESS = 100
"""Fewer instruments are scored before another process has answered."""
_OURS, _THEIRS = Portion(0, 2), Portion(1, 2)
_PAUSES = (0.0, 5.0, 30.0, 300.0)
"""Seconds before a helper that is gone is started again; one that lived for ten minutes begins anew."""
_SETTLED_AFTER = 600.0
_LOG = logging.getLogger(__name__)


class Scorer:
    """Scores blocks of one close, as `scoring.scored` does. Threads may ask side by side."""

    def __init__(self, database: Database, strategies: Sequence[Strategy], settings: Settings) -> None:
        self._database, self._strategies, self._settings = database, strategies, settings
        self._alone, self._beside = Kept(), Kept(_OURS)
        self._helpers = _Helpers(database, strategies, settings)

    def __call__(self, block: Block) -> Scored:
        """Together with the helper, where one is up."""
        helper = self._helpers.at_hand()
        if helper is None:
            return self._scored(block, self._alone)
        # Two frames of each timeframe are enough: who is left alone reads its own whole.
        self._alone.forget()
        try:
            theirs = helper.begin(block)
        except HelperGone as error:
            self._helpers.lose(helper, error)
            return self._scored(block, self._alone)
        try:
            ours = self._scored(block, self._beside)
        except BaseException:
            theirs.cancel()
            raise
        try:
            return merged(ours, helper.result(theirs))
        except HelperGone as error:
            self._helpers.lose(helper, error)
            return merged(ours, self._scored(block, Kept(_THEIRS)))

    def prepare(self, instruments: int) -> None:
        """Starts a helper if there are instruments enough, and a core for it; it is used as soon as it is up."""
        if instruments >= WORTH_A_PROCESS and cores() > 1:
            self._helpers.want()

    @property
    def helper_pid(self) -> int | None:
        """The process that helps, where one is up."""
        helper = self._helpers.at_hand()
        return helper.pid if helper else None

    def wait(self) -> None:
        """Until the helper that was started last is up, or turned out not to come."""
        self._helpers.wait()

    def close(self) -> None:
        """Ends the helper."""
        self._helpers.close()

    def _scored(self, block: Block, kept: Kept) -> Scored:
        return scored(self._database, block, self._strategies, self._settings, kept)


class _Helpers:
    """One helper after the other: started when wanted, started anew when lost, never one that computes otherwise."""

    def __init__(self, database: Database, strategies: Sequence[Strategy], settings: Settings) -> None:
        self._given = database, strategies, settings
        # As it is when we begin: a helper that is started later imports what lies on disk then.
        self._code = code_of(strategies)
        self._lock = threading.Lock()
        self._helper: Helper | None = None
        self._is_known = False
        self._is_wanted = self._is_over = False
        self._restarts = Restarts(_PAUSES, _SETTLED_AFTER)

    def want(self) -> None:
        """Has a helper started if strategies can be sent to one."""
        with self._lock:
            if self._is_wanted or self._is_over:
                return
            stay = [strategy.name for strategy in self._given[1] if not is_portable(strategy)]
            if stay:
                _LOG.info("no second process: these strategies cannot be sent to one: %s", ", ".join(stay))
                self._is_over = True
                return
            self._is_wanted = True
            self._start_if_due()

    def at_hand(self) -> Helper | None:
        """The helper, where one is up."""
        with self._lock:
            if self._helper is None:
                self._start_if_due()
                return None
            try:
                return self._helper if self._helper.is_up and self._is_one_of_us(self._helper) else None
            except HelperGone as error:
                self._lose(self._helper, error)
                return None

    def wait(self) -> None:
        """Until the helper that was started last is up, or turned out not to come."""
        helper = self._helper
        if helper is None:
            return
        try:
            helper.wait()
        except HelperGone as error:
            self.lose(helper, error)

    def lose(self, helper: Helper, error: Exception) -> None:
        """One that is gone: another is started. Two threads may find it so."""
        with self._lock:
            self._lose(helper, error)

    def close(self) -> None:
        """Ends the helper; there will be no other."""
        with self._lock:
            self._give_up()

    def _give_up(self) -> None:
        self._is_wanted, self._is_over = False, True
        if self._helper is not None:
            self._helper.end()
            self._helper = None

    def _start_if_due(self) -> None:
        if not self._is_wanted or not self._restarts.is_due:
            return
        self._is_known = False
        self._restarts.started()
        try:
            self._helper = Helper(*self._given, _THEIRS)
        except (OSError, RuntimeError) as error:
            self._pause(error)

    def _lose(self, helper: Helper, error: Exception) -> None:
        if self._helper is not helper:
            return
        helper.kill()
        self._helper = None
        self._pause(error)
        self._start_if_due()

    def _pause(self, error: Exception) -> None:
        pause = self._restarts.died()
        _LOG.warning("the second process is gone (%s); one scores alone, another is started in %.0f s", error, pause)

    def _is_one_of_us(self, helper: Helper) -> bool:
        if self._is_known:
            return True
        if helper.code != self._code:
            _LOG.warning("no second process: the code on disk is not what runs here; start the service again")
            self._give_up()
            return False
        _LOG.info("process %d scores half of the instruments from now on", helper.pid)
        self._is_known = True
        return True


def cores() -> int:
    """The cores that we may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
