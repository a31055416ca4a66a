"""Several questions at a time, their answers as they arrive."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")
_WAITING = 64
"""Answers that wait to be taken before whoever asks pauses: a slow reader must not fill the memory."""


def side_by_side(work: Iterable[T], ask: Callable[[T], Iterator[R]], workers: int) -> Iterator[R]:
    """All that `ask` gives for each piece of work, asked by so many threads.

    Who stops reading stops the threads at their next answer; none outlives the process. Raises: what `ask` raises.
    """
    crew = _Crew(work, ask)
    try:
        yield from crew.answers(workers)
    finally:
        crew.stopped.set()


class _Stopped(Exception):
    """Nobody reads any more."""


class _Crew(Generic[T, R]):
    def __init__(self, work: Iterable[T], ask: Callable[[T], Iterator[R]]) -> None:
        self.todo, self.ask, self.stopped = deque(work), ask, threading.Event()
        self._told: queue.Queue[tuple[R] | Exception | None] = queue.Queue(_WAITING)
        """Answers, each in a tuple; what a thread raised; None for a thread that is done."""

    def answers(self, workers: int) -> Iterator[R]:
        running = min(workers, len(self.todo))
        for _ in range(running):
            threading.Thread(target=self._run, daemon=True).start()
        while running:
            told = self._told.get()
            if isinstance(told, Exception):
                raise told
            if told is None:
                running -= 1
            else:
                yield told[0]

    def _run(self) -> None:
        try:
            self._work()
            self._tell(None)
        except _Stopped:
            return
        except Exception as error:  # in a thread nobody would hear of it, and the reader would wait for ever
            self._told.put(error)

    def _work(self) -> None:
        while True:
            try:
                item = self.todo.popleft()
            except IndexError:
                return
            for answer in self.ask(item):
                self._tell((answer,))

    def _tell(self, told: tuple[R] | None) -> None:
        while not self.stopped.is_set():
            try:
                self._told.put(told, timeout=0.2)
            except queue.Full:
                continue
            return
        raise _Stopped
