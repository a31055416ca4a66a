"""Enduring: parts that go on when the database goes away for a while, and say that they are alive."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from typing import TypeVar

import psycopg
import sqlalchemy.exc

from signalhub import clock
from signalhub.db.embedded import EmbeddedServer
from signalhub.db.engine import Database
from signalhub.errors import DatabaseUnavailable
from signalhub.jobs import runs
from signalhub.settings import Settings

T = TypeVar("T")

LOST = (psycopg.OperationalError, sqlalchemy.exc.OperationalError, sqlalchemy.exc.TimeoutError, DatabaseUnavailable)
"""What a database that went away looks like."""
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.0)
BEAT_SECONDS = 5.0
"""How often a part says that it is alive."""
_LOG = logging.getLogger(__name__)


class Stopped(Exception):
    """Asked to stop in the midst of long work that may be done again."""


class Keeper:
    """Keeps one part going: waits for a lost database, revives the embedded one, and beats the part's heart."""

    def __init__(self, part: str, database: Database, settings: Settings, stop: threading.Event) -> None:
        self.part = part
        self.database = database
        self.settings = settings
        self.stop = stop
        self._instance = f"{socket.gethostname()}:{os.getpid()}"
        self._beaten: float | None = None

    def enduring(self, work: Callable[[], T]) -> T | None:
        """What the work gives, tried again for as long as the database is away; None when asked to stop meanwhile.

        The work must be one that may be done again: every stage is.
        """
        tries = 0
        while not self.stop.is_set():
            try:
                done = work()
            except Stopped:
                return None
            except LOST as error:
                self._wait(tries, error)
                tries += 1
                continue
            if tries:
                _LOG.warning("%s: the database is back", self.part)
            return done
        return None

    def beat(self, detail: str | None = None) -> None:
        """Says that the part is alive, at most every few seconds."""
        now = clock.stopwatch()
        if self._beaten is None or now - self._beaten >= BEAT_SECONDS:
            with self.database.transaction() as connection:
                runs.beat(connection, self.part, self._instance, clock.now(), detail)
            self._beaten = now

    def pulse(self, detail: str | None = None) -> None:
        """A beat in the midst of long work under `enduring`, which ends here when it is asked to stop."""
        if self.stop.is_set():
            raise Stopped
        self.beat(detail)

    def leave(self) -> None:
        """Says that the part ended as it should."""
        try:
            with self.database.transaction() as connection:
                runs.leave(connection, self.part, self._instance)
        except LOST:
            return

    def _wait(self, tries: int, error: Exception) -> None:
        if tries == 0:
            _LOG.warning("%s: the database is away: %s", self.part, " ".join(str(error).split())[:200])
        self.stop.wait(_PAUSES[min(tries, len(_PAUSES) - 1)])
        if self.settings.database_url is None and not self.stop.is_set():
            self._revive()

    def _revive(self) -> None:
        """Our own lease keeps the server from being stopped; a lease taken anew starts one that was lost."""
        try:
            with EmbeddedServer(self.settings.home).lease():
                return
        except DatabaseUnavailable as error:
            _LOG.warning("%s: %s", self.part, error)
