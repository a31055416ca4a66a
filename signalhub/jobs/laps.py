"""Laps: how long each step of some work took."""

from __future__ import annotations

from signalhub import clock


class Laps:
    """Milliseconds by step, from the making of this on."""

    def __init__(self) -> None:
        self.steps: dict[str, float] = {}
        self._since = clock.stopwatch()

    def done(self, step: str) -> None:
        """The step ends here; the next one begins."""
        now = clock.stopwatch()
        self.steps[step] = (now - self._since) * 1000
        self._since = now

    @property
    def total(self) -> float:
        """Milliseconds of all steps that are done."""
        return sum(self.steps.values())

    def each(self, count: int) -> dict[str, float]:
        """The steps, divided by how many they were taken for."""
        return {step: milliseconds / count for step, milliseconds in self.steps.items()}
