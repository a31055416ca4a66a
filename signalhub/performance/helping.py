"""Helpers: other processes that assess a share of many candidates, on the cores that this one leaves idle.

They read windows and features out of the column cache; what they compute anew comes back to be kept.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl

from signalhub.performance.assessing import Assessed, Part, assessed
from signalhub.performance.columns import Columns, State
from signalhub.performance.features import FeatureColumns, Windows
from signalhub.performance.paths import Floats, Ints
from signalhub.snapshot import PRICE_FACTOR
from signalhub.snapshot.frame import BAR_VALUES
from signalhub.strategies.base import Strategy
from signalhub.strategies.portable import is_portable

LEAST_BARS = 1_000_000
"""Fewer bars are done before a helper has come up."""
_AT_ONCE = 4_000
Kept = tuple[Path | None, State | None]
New = dict[str, tuple[Ints, Floats]]
"""Feature → where it was computed, and what it is."""


class Helpers:
    """As many processes as there are other cores; none where the strategy cannot be sent to them."""

    def __init__(self, strategy: Strategy | None = None, columns: Columns | None = None) -> None:
        self._count = count = (os.cpu_count() or 1) - 1
        self._pool: ProcessPoolExecutor | None = None
        if strategy is None or columns is None:
            return
        is_large = columns.folder is not None and columns.frame.height >= LEAST_BARS
        if count and is_large and is_portable(strategy):
            # Spawned, not forked: Polars and the server's connections have threads and sockets of their own.
            self._pool = ProcessPoolExecutor(count, get_context("spawn"))
            for _ in range(count):
                self._pool.submit(_ready)

    def close(self) -> None:
        """Ends them."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def assessed(
        self,
        strategy: Strategy,
        part: Part,
        min_score: float,
        columns: Columns,
        features: FeatureColumns,
        told: Callable[[int, int], None],
    ) -> Assessed:
        """As `assessing.assessed`, by all of us: this process takes from the front, helpers from the back."""
        windows, total, kept = Windows(columns.frame), len(part), (columns.folder, columns.state)
        waiting = deque(range(0, total, _AT_ONCE))
        totals, structures = np.zeros(total), {}
        away: dict[int, Future[tuple[Assessed, New]]] = {}

        def put(first: int, found: Assessed) -> None:
            totals[first : first + len(found.totals)] = found.totals
            structures.update({first + index: value for index, value in found.structures.items()})

        while waiting:
            while self._pool is not None and len(waiting) > 1 and _open(away) < 2 * self._count:
                first = waiting.pop()
                away[first] = self._pool.submit(_work, strategy, part.slice(first, first + _AT_ONCE), min_score, kept)
            first = waiting.popleft()
            put(first, assessed(strategy, part.slice(first, first + _AT_ONCE), min_score, windows, features))
            told(total - _AT_ONCE * (len(waiting) + _open(away)), total)
        for first, future in away.items():
            found, new = future.result()
            put(first, found)
            features.take(new)
        told(total, total)
        return Assessed(totals, structures)


NOBODY = Helpers()
"""Who works alone."""


def _open(away: dict[int, Future[tuple[Assessed, New]]]) -> int:
    return sum(not future.done() for future in away.values())


@dataclass(frozen=True)
class _Seen:
    """What a helper has read of the cache."""

    key: str
    windows: Windows
    features: FeatureColumns


_seen: _Seen | None = None


def _ready() -> None:
    """The modules are imported, which takes the longest."""


def _work(strategy: Strategy, part: Part, min_score: float, kept: Kept) -> tuple[Assessed, New]:
    global _seen
    folder, state = kept
    assert folder is not None
    assert state is not None
    key = f"{folder} {sorted(state.files.items())}"
    if _seen is None or _seen.key != key:
        names = (*BAR_VALUES, PRICE_FACTOR)
        frame = pl.concat([pl.read_ipc(folder / state.files[name]) for name in names], how="horizontal")
        _seen = _Seen(key, Windows(frame), FeatureColumns(Columns(part.timeframe, frame, state.newest, folder, state)))
    found = assessed(strategy, part, min_score, _seen.windows, _seen.features)
    return found, _seen.features.given(part.places)
