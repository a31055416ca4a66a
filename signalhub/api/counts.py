"""Counts of this process: what was answered how often, and how long it took."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field


@dataclass
class Served:
    """Answers of one kind, and the seconds they took together."""

    answers: int = 0
    seconds: float = 0.0


@dataclass
class Counts:
    """By method, path template and status."""

    served: defaultdict[tuple[str, str, int], Served] = field(default_factory=lambda: defaultdict(Served))

    def count(self, method: str, path: str, status: int, seconds: float) -> None:
        """One more answer."""
        one = self.served[method, path, status]
        one.answers += 1
        one.seconds += seconds
