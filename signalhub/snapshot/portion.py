"""Portions: the instruments of one snapshot shared out among processes, always to the same one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Portion:
    """The instruments whose id, divided by `of`, leaves `number`.

    Ids that follow each other are often of one market: each portion gets its share of it.
    """

    number: int = 0
    of: int = 1

    def among(self, items: Mapping[int, T]) -> dict[int, T]:
        """What is said of its instruments."""
        return {key: value for key, value in items.items() if key % self.of == self.number}

    @property
    def asked(self) -> dict[str, object]:
        """The parameters of queries that look at its instruments only."""
        return {"portion": self.number, "portions": self.of}


WHOLE = Portion()
