"""Deliveries and decisions over HTTP: what was sent to a subscriber, and why or why not."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

from litestar import Controller, get
from litestar.exceptions import PermissionDeniedException
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import QueryParameter

from signalhub.api import problems
from signalhub.api.access import OPERATOR, SUBSCRIBER, Access
from signalhub.api.edge import AccessDependency
from signalhub.api.parameters import DatabaseDependency
from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.errors import UsageInvalid
from signalhub.subscribers import people

MAX_LIMIT = 500
_SQL = Queries("api/deliveries")
_LAST_ID, _LAST_SUBSCRIBER = 2**63 - 1, 2**31 - 1


@dataclass(frozen=True)
class Delivery:
    """A message to one subscriber on one channel. status: pending, sent, withheld, failed or uncertain."""

    message_id: int
    subscriber: str
    kind: str
    channel: str
    signal_id: int | None
    period_on: date | None
    status: str
    due_at: datetime
    attempts: int
    created_at: datetime
    finished_at: datetime | None
    detail: str | None


@dataclass(frozen=True)
class DeliveryPage:
    """Messages newest first; next_cursor leads to the next page and is null on the last."""

    items: list[Delivery]
    next_cursor: str | None


@dataclass(frozen=True)
class Decision:
    """Why a signal was sent to a subscriber, deferred or withheld."""

    signal_id: int
    subscriber: str
    decided_at: datetime
    decision: str
    reason: str
    deferred_until: datetime | None
    channels: list[str]


@dataclass(frozen=True)
class DecisionPage:
    """Decisions, newest signals first; next_cursor leads to the next page and is null on the last."""

    items: list[Decision]
    next_cursor: str | None


_AT = datetime(2026, 1, 2, 3, 0, 1, tzinfo=UTC)
_DELIVERY = Delivery(815, "ann", "alert", "telegram", 4711, None, "sent", _AT, 1, _AT, _AT, "message 99")
_DECISION = Decision(4711, "ann", _AT, "defer", "quiet_hours", datetime(2026, 1, 2, 6, tzinfo=UTC), ["telegram"])
_SUBSCRIBER = QueryParameter(description="Name of another subscriber, or * for all of them: for operators.")
_LIMIT = QueryParameter(description=f"Rows on a page, from 1 to {MAX_LIMIT}.", ge=1, le=MAX_LIMIT)
_CURSOR = QueryParameter(description="next_cursor of the page before, as it is.")
_PARAMETERS = ("subscriber", "limit", "cursor")
_PROBLEMS = problems.documented(400, 401, 403, 404, 429, 503)


class Deliveries(Controller):
    """What became of messages; a subscriber sees their own."""

    path = "/api/v1"
    tags = ("deliveries",)
    opt = {"role": SUBSCRIBER, "parameters": _PARAMETERS}  # noqa: RUF012 — Litestar's attribute.

    @get(
        "/deliveries",
        sync_to_thread=True,
        summary="List deliveries",
        responses={
            200: ResponseSpec(
                DeliveryPage,
                description="A page of messages.",
                generate_examples=False,
                examples=[Example(summary="A page of one", value=DeliveryPage([_DELIVERY], "815"))],
            ),
            **_PROBLEMS,
        },
    )
    def deliveries(
        self,
        database: DatabaseDependency,
        access: AccessDependency,
        subscriber: Annotated[str | None, _SUBSCRIBER] = None,
        limit: Annotated[int, _LIMIT] = 50,
        cursor: Annotated[str | None, _CURSOR] = None,
    ) -> DeliveryPage:
        """A page of messages."""
        with database.transaction() as connection:
            whose = _whose(connection, access, subscriber)
            before = _LAST_ID if cursor is None else _position(cursor, 1)[0]
            rows = _SQL.rows(connection, "deliveries", before=before, subscriber_id=whose, limit=limit + 1)
        items = [Delivery(**_chosen(Delivery, row)) for row in rows[:limit]]
        return DeliveryPage(items, str(items[-1].message_id) if len(rows) > limit else None)

    @get(
        "/decisions",
        sync_to_thread=True,
        summary="List decisions",
        responses={
            200: ResponseSpec(
                DecisionPage,
                description="A page of decisions.",
                generate_examples=False,
                examples=[Example(summary="Deferred", value=DecisionPage([_DECISION], "4711.1"))],
            ),
            **_PROBLEMS,
        },
    )
    def decisions(
        self,
        database: DatabaseDependency,
        access: AccessDependency,
        subscriber: Annotated[str | None, _SUBSCRIBER] = None,
        limit: Annotated[int, _LIMIT] = 50,
        cursor: Annotated[str | None, _CURSOR] = None,
    ) -> DecisionPage:
        """A page of decisions."""
        signal_id, after = (_LAST_ID, _LAST_SUBSCRIBER) if cursor is None else _position(cursor, 2)
        bounds = {"before_signal_id": signal_id, "before_subscriber_id": after}
        with database.transaction() as connection:
            whose = _whose(connection, access, subscriber)
            rows = _SQL.rows(connection, "decisions", subscriber_id=whose, limit=limit + 1, **bounds)
        items = [Decision(**_chosen(Decision, row)) for row in rows[:limit]]
        last = rows[limit - 1] if len(rows) > limit else None
        return DecisionPage(items, None if last is None else f"{last['signal_id']}.{last['subscriber_id']}")


def _whose(connection: Connection, access: Access, subscriber: str | None) -> int | None:
    """The subscriber asked about, oneself where nobody is named; None: all of them."""
    if subscriber is None:
        return access.owner
    if not access.may(OPERATOR):
        raise PermissionDeniedException("Only operators may ask about a subscriber. Leave `subscriber` out.")
    return None if subscriber == "*" else people.find(connection, subscriber).subscriber_id


def _position(cursor: str, count: int) -> tuple[int, ...]:
    numbers = re.fullmatch(r"[0-9]{1,18}" + r"\.([0-9]{1,9})" * (count - 1), cursor, re.ASCII)
    if not numbers:
        raise UsageInvalid(
            f"cursor {cursor[:40]!r} is no cursor of ours. Take next_cursor of the page before as it is."
        )
    return tuple(int(part) for part in cursor.split("."))


def _chosen(shape: type[Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """What the shape has of a row, instants in UTC."""
    return {field.name: row[field.name] for field in dataclasses.fields(shape)}
