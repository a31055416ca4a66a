"""Restarts: when a process that died is started again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from signalhub import clock


@dataclass
class Restarts:
    """After pauses that grow; one that lived long enough begins anew. Units: seconds.

    The first start is due at once.
    """

    pauses: Sequence[float]
    settled_after: float
    _deaths: int = 0
    _started: float = 0.0
    _due_at: float = 0.0

    @property
    def is_due(self) -> bool:
        """Whether the pause is over."""
        return clock.stopwatch() >= self._due_at

    def started(self) -> None:
        """A try begins."""
        self._started = clock.stopwatch()

    def died(self) -> float:
        """It ended, or did not come up; how long the next one waits."""
        if clock.stopwatch() - self._started > self.settled_after:
            self._deaths = 0
        pause = self.pauses[min(self._deaths, len(self.pauses) - 1)]
        self._deaths, self._due_at = self._deaths + 1, clock.stopwatch() + pause
        return pause
