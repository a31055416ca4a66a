"""The supervisor: starts the processes of the service, starts one that died again, and stops them all in order."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from signalhub import clock
from signalhub.jobs.restarts import Restarts
from signalhub.jobs.schedule import API, DELIVERY, FEEDS, PIPELINE

PROCESSES: Mapping[str, Sequence[str]] = {"pipeline": (FEEDS, PIPELINE), "edge": (DELIVERY, API)}
"""Two processes, so that scoring at midnight never stalls a socket."""
WRONG_USAGE = 2
ENVIRONMENT: Mapping[str, str] = {"POLARS_MAX_THREADS": "1"}
"""What they are told beside our own environment, which counts more. A close is a few ten thousand rows: to hand columns
of them to a second thread takes longer than it saves, and the other core has a process of its own to run."""
_LOOK_EVERY = 0.2
_PAUSES = (0.2, 1.0, 2.0, 5.0)
"""Seconds before a process that died is started again; one that lived for a minute begins anew."""
_SETTLED_AFTER = 60.0
_PATIENCE_SECONDS = 25.0
_LOG = logging.getLogger(__name__)


@dataclass
class _Watched:
    name: str
    words: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    restarts: Restarts = field(default_factory=lambda: Restarts(_PAUSES, _SETTLED_AFTER))


class Supervisor:
    """Runs until asked to stop. Children hold the other end of a pipe: they end when this process is gone."""

    def __init__(self, arguments: Sequence[str], stop: threading.Event) -> None:
        """`arguments` go to every child, before its own words."""
        self.stop = stop
        self._watched = [
            _Watched(name, [sys.executable, "-m", "signalhub", *arguments, "run", "--supervised", *_only(parts)])
            for name, parts in PROCESSES.items()
        ]

    def run(self) -> int:
        """The exit code: 0 when asked to stop, 2 when a process says that it is set up wrongly."""
        code = 0
        try:
            while not self.stop.is_set() and code == 0:
                code = max(self._look(watched) for watched in self._watched)
                self.stop.wait(_LOOK_EVERY)
        finally:
            self._stop_all()
        return code

    def _look(self, watched: _Watched) -> int:
        if watched.process is None:
            if watched.restarts.is_due:
                self._start(watched)
            return 0
        code = watched.process.poll()
        if code is None or self.stop.is_set():
            return 0
        if code == WRONG_USAGE:
            return WRONG_USAGE
        self._bury(watched, code)
        return 0

    def _start(self, watched: _Watched) -> None:
        watched.process = subprocess.Popen(watched.words, stdin=subprocess.PIPE, env={**ENVIRONMENT, **os.environ})
        watched.restarts.started()
        _LOG.info("%s: started as process %d", watched.name, watched.process.pid)

    def _bury(self, watched: _Watched, code: int) -> None:
        watched.process, pause = None, watched.restarts.died()
        _LOG.error("%s: ended with %d; starting it again in %.1f s", watched.name, code, pause)

    def _stop_all(self) -> None:
        running = [watched for watched in self._watched if watched.process is not None]
        for watched in running:
            assert watched.process is not None
            watched.process.terminate()
        deadline = clock.stopwatch() + _PATIENCE_SECONDS
        try:
            for watched in running:
                _end(watched, max(0.1, deadline - clock.stopwatch()))
        except KeyboardInterrupt:  # asked a second time: without patience, and without leaving anybody behind
            for watched in running:
                _end(watched, 0.0)
            raise


def _end(watched: _Watched, within: float) -> None:
    assert watched.process is not None
    try:
        watched.process.wait(within)
    except subprocess.TimeoutExpired:
        _LOG.error("%s: does not stop; killed", watched.name)
        watched.process.kill()
        watched.process.wait()


def _only(parts: Sequence[str]) -> list[str]:
    return ["--only", ",".join(parts)]
