"""What operators do over HTTP: a pass of the evaluation on demand, and how everything stands."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from litestar import Controller, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import JSONBody

from signalhub import clock
from signalhub.api import problems
from signalhub.api.access import OPERATOR
from signalhub.api.edge import EdgeDependency
from signalhub.db.engine import Database
from signalhub.db.queries import Queries
from signalhub.domain.wire import plain_row
from signalhub.errors import Busy, UsageInvalid
from signalhub.jobs import generating
from signalhub.jobs.status import status
from signalhub.jobs.topping_up import MODES
from signalhub.settings import Settings
from signalhub.strategies.declared import declared

_SQL = Queries("api/admin")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wanted:
    """How stale instruments are treated in this pass: database, hybrid or live; null: as the settings say."""

    mode: str | None = None


@dataclass(frozen=True)
class Done:
    """What the pass did: closes evaluated, new signals, outcomes by status."""

    mode: str
    closes: int
    signals: int
    outcomes: dict[str, int]
    seconds: float
    problem: str | None = None
    """What the feed could not give; the pass went on with what is stored."""


@dataclass(frozen=True)
class Standing:
    """What is in the database, and what this process does."""

    database: dict[str, Any]
    is_listening: bool
    live_clients: int
    answers_from_memory: int
    answers_made: int


_STANDING = Standing({"edition": "timescale", "signals": 4711}, True, 2, 1000, 25)


class Administration(Controller):
    """For operators."""

    path = "/api/v1/admin"
    tags = ("operation",)
    opt = {"role": OPERATOR}  # noqa: RUF012 — Litestar's attribute.

    @post(
        "/generate",
        sync_to_thread=True,
        status_code=200,
        summary="Evaluate now",
        description=f"One pass over what closed and was not evaluated. `mode` is one of {', '.join(MODES)}.",
        responses={
            200: ResponseSpec(
                Done,
                description="What it did.",
                generate_examples=False,
                examples=[Example(summary="A pass", value=Done("database", 3, 2, {"target_hit": 1}, 1.5))],
            ),
            **problems.documented(400, 401, 403, 409, 429, 503),
        },
    )
    def generate(self, edge: EdgeDependency, data: JSONBody[Wanted]) -> Done:
        """One pass of the evaluation."""
        return generate(edge.database, edge.settings.replace(generation_mode=_mode(data.mode, edge.settings)))

    @get(
        "/status",
        sync_to_thread=True,
        summary="How everything stands",
        responses={
            200: ResponseSpec(
                Standing,
                description="Counts and versions.",
                generate_examples=False,
                examples=[Example(summary="Some of it", value=_STANDING)],
            ),
            **problems.documented(401, 403, 429, 503),
        },
    )
    def standing(self, edge: EdgeDependency) -> Standing:
        """How everything stands."""
        answers = edge.answers
        return Standing(
            plain_row(status(edge.database)),
            edge.listening.is_connected,
            edge.feed.clients,
            answers.hits,
            answers.misses,
        )


def generate(database: Database, settings: Settings) -> Done:
    """One pass in the mode of the settings.

    Raises: Busy while another one is under way, in this process or another.
    """
    with _alone(database):
        began = clock.stopwatch()
        generated = generating.generate(database, declared(), settings)
        seconds = round(clock.stopwatch() - began, 3)
    done = generated.evaluated
    _LOG.info("a pass was asked for: %d closes, %d signals, %.1f s", done.closes, done.signals, seconds)
    outcomes = dict(done.outcomes)
    return Done(settings.generation_mode, done.closes, done.signals, outcomes, seconds, generated.problem)


def _mode(mode: str | None, settings: Settings) -> str:
    if mode is not None and mode not in MODES:
        raise UsageInvalid(f"mode {mode[:40]!r} is not known. Use one of {', '.join(MODES)}.")
    return mode or settings.generation_mode


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    with database.autocommit() as connection:
        if not _SQL.scalar(connection, "begin"):
            raise Busy("A pass is under way already. Ask again when it is over.")
        try:
            yield
        finally:
            _SQL.run(connection, "end")
