"""What is kept until something changes, and not a moment longer."""

from __future__ import annotations

from typing import Any, cast

from signalhub.api.cache import Cache
from signalhub.api.listening import Listening


class Hearing:
    """Stands for Listening; `interrupts` runs once, the next time somebody asks whether it is connected."""

    def __init__(self) -> None:
        self.generation = 0
        self.interrupts: Any = None

    @property
    def is_connected(self) -> bool:
        interrupts, self.interrupts = self.interrupts, None
        if interrupts:
            interrupts()
        return True


def kept() -> tuple[Hearing, Cache[str, str]]:
    hearing = Hearing()
    return hearing, Cache(cast("Listening", hearing), 10)


def test_a_value_is_kept_until_something_changes() -> None:
    hearing, cache = kept()
    cache.put("a", "one", hearing.generation)
    assert cache.get("a") == "one"
    hearing.generation += 1
    assert cache.get("a") is None


def test_what_changed_while_it_was_read_is_not_kept() -> None:
    hearing, cache = kept()
    before = hearing.generation
    hearing.generation += 1
    cache.put("a", "one", before)
    assert cache.get("a") is None


def test_a_thread_that_is_interrupted_while_it_puts_keeps_nothing_old() -> None:
    hearing, cache = kept()

    def something_changes_and_somebody_else_asks() -> None:
        hearing.generation += 1
        cache.get("b")

    hearing.interrupts = something_changes_and_somebody_else_asks
    cache.put("a", "one", 0)
    assert cache.get("a") is None
