"""Generating on demand: topped up from the feed as the mode wants it, then one pass of the evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from signalhub.db.engine import Database
from signalhub.feeds.configured import configured
from signalhub.jobs import topping_up
from signalhub.jobs.evaluation import Evaluated, once
from signalhub.jobs.progress import Progress
from signalhub.settings import Settings
from signalhub.strategies.base import Strategy


@dataclass(frozen=True)
class Generated:
    """What a pass did, and what the feed could not give, in one line."""

    evaluated: Evaluated
    problem: str | None = None


def generate(
    database: Database, strategies: Sequence[Strategy], settings: Settings, progress: Progress | None = None
) -> Generated:
    """One pass in the mode of the settings: database, hybrid or live.

    Raises: SettingsInvalid for a feed that there is none of; nothing of a venue.
    """
    progress, problem = progress or Progress(), None
    if settings.generation_mode != topping_up.DATABASE:
        progress.stage("topping up")
        problem = topping_up.top_up(database, configured(settings), settings.generation_mode, settings).problem
    return Generated(once(database, strategies, settings, progress=progress), problem)
