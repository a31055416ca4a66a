"""Signals over HTTP: pages of them, and one."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.enums import MediaType
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import JSONBody, PathParameter, SkipValidation

from signalhub import clock
from signalhub.api import problems
from signalhub.api.access import SUBSCRIBER, Access
from signalhub.api.answers import from_memory
from signalhub.api.edge import AccessDependency, EdgeDependency
from signalhub.api.parameters import FILTERS, DatabaseDependency, signal_filter
from signalhub.api.wire import EXAMPLE, Signal, SignalPage
from signalhub.db.connection import Connection
from signalhub.errors import NotFound
from signalhub.signals import read
from signalhub.signals.read import SignalFilter
from signalhub.subscribers import feedback


@dataclass(frozen=True)
class Feedback:
    """What somebody says about a signal; said again, it replaces what was said before. The comment is optional."""

    rating: str
    comment: str | None = None


def found(connection: Connection, signal_id: int, access: Access) -> dict[str, Any]:
    """The signal of this id.

    Raises: NotFound where there is none, or none that they may see.
    """
    row = read.one(connection, signal_id, access.visible)
    if row is None:
        raise NotFound(f"There is no signal {signal_id}.")
    return row


_ID = PathParameter(description="Id of the signal.")


class Signals(Controller):
    """What the engine proposed, newest first; a subscriber sees what they are, or then were, entitled to."""

    path = "/api/v1/signals"
    tags = ("signals",)
    opt = {"role": SUBSCRIBER}  # noqa: RUF012 — Litestar's attribute.
    dependencies = {"chosen": Provide(signal_filter, sync_to_thread=False)}  # noqa: RUF012 — Litestar's attribute.

    @get(
        opt={"parameters": FILTERS},
        sync_to_thread=True,
        before_request=from_memory,
        media_type=MediaType.JSON,
        summary="List signals",
        description="Pages of signals, newest first. Walk them with next_cursor: each signal comes exactly once.",
        responses={
            200: ResponseSpec(
                SignalPage,
                description="A page of signals.",
                generate_examples=False,
                examples=[
                    Example(
                        summary="A page of one",
                        value=SignalPage([EXAMPLE], "MjAyNi0wMS0wMlQwMzowMDowMCswMDowMHw0NzEx"),
                    )
                ],
            ),
            **problems.documented(400, 401, 403, 404, 429, 503),
        },
    )
    def page(
        self,
        request: Request[Any, Any, Any],
        edge: EdgeDependency,
        access: AccessDependency,
        chosen: NamedDependency[SkipValidation[SignalFilter]],
    ) -> Response[bytes]:
        """A page of signals."""
        visible = dataclasses.replace(chosen, visible=access.visible)

        def make() -> SignalPage:
            with edge.database.transaction() as connection:
                return SignalPage.of(read.page(connection, visible))

        return Response(edge.answers.made(request, make), media_type=MediaType.JSON)

    @get(
        "/{signal_id:int}",
        sync_to_thread=True,
        summary="One signal",
        responses={
            200: ResponseSpec(
                Signal,
                description="The signal.",
                generate_examples=False,
                examples=[Example(summary="A signal that reached its target", value=EXAMPLE)],
            ),
            **problems.documented(400, 401, 403, 404, 429, 503),
        },
    )
    def one(self, database: DatabaseDependency, access: AccessDependency, signal_id: Annotated[int, _ID]) -> Signal:
        """The signal of this id."""
        with database.transaction() as connection:
            return Signal.of(found(connection, signal_id, access))

    @post(
        "/{signal_id:int}/feedback",
        sync_to_thread=True,
        status_code=200,
        summary="Say something about a signal",
        description=f"`rating` is one of {', '.join(feedback.RATINGS)}. Said again, it replaces what was said before.",
        responses={
            200: ResponseSpec(
                Feedback,
                description="What is on record now.",
                generate_examples=False,
                examples=[Example(summary="Taken", value=Feedback("taken", "filled two ticks worse"))],
            ),
            **problems.documented(400, 401, 403, 404, 429, 503),
        },
    )
    def say(
        self,
        database: DatabaseDependency,
        access: AccessDependency,
        signal_id: Annotated[int, _ID],
        data: JSONBody[Feedback],
    ) -> Feedback:
        """Puts feedback on record."""
        with database.transaction() as connection:
            found(connection, signal_id, access)
            feedback.put(connection, access.owner, signal_id, data.rating, data.comment, clock.now())
        return data
