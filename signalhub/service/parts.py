"""Parts: which of them run in this process, wired together; ends when asked to stop, or when one part fails."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from signalhub.db.engine import Database
from signalhub.feeds.base import Feed
from signalhub.jobs.schedule import API, DELIVERY, FEEDS, PIPELINE, Surroundings
from signalhub.service.enduring import Keeper
from signalhub.service.feeds import FeedsLoop
from signalhub.service.pipeline import PipelineLoop
from signalhub.service.timing import ticking
from signalhub.settings import Settings
from signalhub.strategies.base import Strategy

_HEAR_SIGNALS_EVERY = 0.5


@dataclass(frozen=True)
class Service:
    """What the parts of one process share."""

    database: Database
    settings: Settings
    strategies: Sequence[Strategy]
    feed: Feed
    stop: threading.Event = field(default_factory=threading.Event)
    ready: Callable[[str], None] | None = None
    """Told the API's address as soon as it answers."""

    def run(self, parts: Sequence[str]) -> None:
        """Runs the parts until `stop` is set.

        Raises: what ended a part that cannot go on, such as a port that is taken.
        """
        keepers = {part: Keeper(part, self.database, self.settings, self.stop) for part in parts}
        wake, loops = self._loops(keepers)
        failures: list[BaseException] = []
        threads = [
            threading.Thread(target=partial(self._guarded, loop, failures), name=part) for part, loop in loops.items()
        ]
        around = Surroundings(self.database, self.settings, tuple(self.strategies))
        scheduler_keeper = Keeper(parts[0], self.database, self.settings, self.stop)
        # What is there now stays: to look through it for garbage would take up to a fifth of a second, amid a close.
        gc.collect()
        gc.freeze()
        with ticking(parts, around, scheduler_keeper, {PIPELINE: wake}):
            for thread in threads:
                thread.start()
            edge = [part for part in (DELIVERY, API) if part in parts]
            if edge:
                # Imported late: the pipeline's process needs no web framework.
                from signalhub.service.edge import run_edge

                self._guarded(lambda: run_edge(self.database, self.settings, edge, keepers, self.ready), failures)
            # With a time limit: two signals at once may leave an endless wait without hearing of the second.
            while not self.stop.wait(_HEAR_SIGNALS_EVERY):
                continue
            for thread in threads:
                thread.join()
        if failures:
            raise failures[0]

    def _loops(self, keepers: Mapping[str, Keeper]) -> tuple[threading.Event, dict[str, Callable[[], None]]]:
        wake = threading.Event()
        loops: dict[str, Callable[[], None]] = {}
        caught_up = wake.set
        if PIPELINE in keepers:
            pipeline = PipelineLoop(self.database, self.settings, self.strategies, wake, keepers[PIPELINE])
            loops[PIPELINE], caught_up = pipeline.run, pipeline.catch_up_asked.set
        if FEEDS in keepers:
            keeper = keepers[FEEDS]
            loops[FEEDS] = FeedsLoop(self.database, self.settings, self.feed, wake.set, caught_up, keeper).run
        return wake, loops

    def _guarded(self, work: Callable[[], None], failures: list[BaseException]) -> None:
        """A part that fails for a reason that waiting will not cure ends the process; the supervisor starts another."""
        try:
            work()
        except BaseException as error:
            failures.append(error)
        finally:
            self.stop.set()
