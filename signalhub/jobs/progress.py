"""What a long job says while it works; the command line draws it, tests and services stay silent."""

from __future__ import annotations


class Progress:
    """Silent. A subclass shows stages, counts, rate and the time left."""

    def stage(self, label: str, total: int | None = None, unit: str = "rows") -> None:
        """A new stage begins; `total` units of work, where known."""

    def advance(self, count: int) -> None:
        """So many units more are done."""

    def note(self, text: str) -> None:
        """What is worked on right now."""

    def line(self, text: str) -> None:
        """A line worth keeping."""
