"""What was read is kept until the database says that something changed; while nobody listens, nothing is kept."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from signalhub.api.listening import Listening

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Cache(Generic[K, V]):
    """Values of one generation of the database."""

    def __init__(self, listening: Listening, at_most: int) -> None:
        self._listening = listening
        self._at_most = at_most
        self._generation = listening.generation
        self._values: dict[K, tuple[int, V]] = {}

    def get(self, key: K) -> V | None:
        """What was kept since the last change."""
        if self._generation != self._listening.generation:
            self._values.clear()
            self._generation = self._listening.generation
        # Threads put: one that was interrupted may do so after the clearing, with what was read before it.
        generation, value = self._values.get(key, (None, None))
        return value if self._listening.is_connected and generation == self._generation else None

    def put(self, key: K, value: V, generation: int) -> None:
        """Keeps what was read; `generation` is that of before reading: what changed meanwhile was perhaps not seen."""
        if generation != self._listening.generation or not self._listening.is_connected:
            return
        if len(self._values) >= self._at_most:
            self._values.clear()
        self._values[key] = (generation, value)

    def drop(self, key: K) -> None:
        """Forgets a value before its end is announced."""
        self._values.pop(key, None)
